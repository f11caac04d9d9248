import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { systemCode } from '../../shared/errors.ts';
import { missingSecurityHeaders } from '../../shared/http/security-headers.ts';
import { isConnectionHeader } from './connection-headers.ts';
import { WorkerLost } from './errors.ts';

/**
 * Passes a request to the HTTP server on a Unix socket and its answer back, chunk by chunk and no faster than the
 * slower side takes them. Resolves when the answer is out or the client is gone; a client that leaves ends the request
 * on the other side.
 * @throws WorkerLost when the server ends before it began to answer; afterwards the client's connection is cut
 */
export function proxyToSocket(
  socketPath: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const upstream = httpRequest({
      socketPath,
      method: request.method,
      path: request.url,
      headers: passedHeaders(request.rawHeaders).flat(),
      setDefaultHeaders: false,
      agent: false,
    });
    upstream.on('response', (answer) => {
      const headers = passedHeaders(answer.rawHeaders).filter(isNotFraming(answer));
      headers.push(...missingSecurityHeaders(headers.map(([name]) => name)));
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers.flat());
      answer.on('error', () => response.destroy());
      answer.on('aborted', () => response.destroy());
      answer.pipe(response);
    });
    upstream.on('error', (error) => {
      // An answer that came before the upload's end, such as a refusal, stands.
      if (response.headersSent) return;
      if (response.destroyed) resolve();
      else reject(new WorkerLost('api', systemCode(error) ?? 'no answer'));
    });
    response.on('close', () => {
      upstream.destroy();
      resolve();
    });
    request.on('error', () => upstream.destroy());
    request.pipe(upstream);
  });
}

type Header = [name: string, value: string];

function passedHeaders(raw: readonly string[]): Header[] {
  const headers: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (!isConnectionHeader(raw[at]!)) headers.push([raw[at]!, raw[at + 1]!]);
  }
  return headers;
}

/** A chunked answer is chunked anew by this server. */
function isNotFraming(answer: IncomingMessage): ([name]: Header) => boolean {
  const chunked = answer.headers['transfer-encoding'] !== undefined;
  return ([name]) => !chunked || name.toLowerCase() !== 'transfer-encoding';
}
