import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { systemCode } from '../../shared/errors.ts';
import { SECURITY_HEADERS } from '../../shared/http/security-headers.ts';
import { MalformedRequest } from './errors.ts';

/**
 * Answers requests that Node cannot parse, or whose headers do not arrive in time, in the form of all other errors. A connection on
 * which another answer is under way is cut: its bytes must not be mixed with this one's.
 */
export function answerMalformedRequests(server: Server): void {
  const busy = new WeakMap<object, number>();
  server.on('request', ({ socket }, response) => {
    busy.set(socket, (busy.get(socket) ?? 0) + 1);
    response.once('close', () => busy.set(socket, (busy.get(socket) ?? 1) - 1));
  });
  server.on('clientError', (error, duplex) => {
    const socket = duplex as Socket;
    if (!socket.writable || systemCode(error) === 'ECONNRESET' || (busy.get(socket) ?? 0) > 0)
      return void socket.destroy();
    const body = new MalformedRequest(statusOf(systemCode(error))).toJSON();
    const text = JSON.stringify(body);
    const headers = {
      ...SECURITY_HEADERS,
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(text)),
      connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const status = `HTTP/1.1 ${body.statusCode} ${STATUS_CODES[body.statusCode]}`;
    socket.end([status, ...lines, '', text].join('\r\n'));
  });
}

function statusOf(code: string | undefined): 400 | 408 | 431 {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  return code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
}
