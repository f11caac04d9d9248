import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { watchPace } from '../../../cli/local/client-pace.ts';
import { apiServer, openGateway } from './open-gateway.ts';

const FAST = { windowMs: 30, minBytes: 1_024 };

/** Sends text over a connection of its own, and answers all that came back when the server closed it. */
async function talk(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

const post = (port: number, path: string, length: number, body: string) =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`;

describe('a client that is slow', () => {
  it('to send the body of a call gets a 408, and its connection is closed', async () => {
    const { port, events } = await openGateway(undefined, { pace: FAST });

    const answer = await talk(port, post(port, '/api/v1/functions/predict', 1_000, '{'));

    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"BodyTooSlow"');
    expect(events).toEqual([]);
  });

  it('to send an upload is cut off, and the API hears of the end', async () => {
    const ended = Promise.withResolvers<boolean>();
    const socket = await apiServer((incoming) => {
      incoming.on('close', () => ended.resolve(incoming.complete));
      incoming.resume();
    });
    const { port } = await openGateway(undefined, { pace: FAST, apiSocket: async () => socket });

    const answer = await talk(port, post(port, '/api/v1/datasets/d/items', 1_000_000, 'x'.repeat(5_000)));

    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(await ended.promise).toBe(false);
  });

  it('to send its headers gets a 408 too', async () => {
    const { port } = await openGateway(undefined, { headersTimeoutMs: 50 });

    const answer = await talk(port, 'GET /healthz HTTP/1.1\r\nhost: ');

    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"MalformedRequest"');
  });

  it('to take its answer is cut off', async () => {
    const cut = Promise.withResolvers<void>();
    const socket = await apiServer((_incoming, outgoing) => {
      outgoing.on('close', cut.resolve);
      outgoing.write(Buffer.alloc(50_000_000));
    });
    const { port } = await openGateway(undefined, { pace: FAST, apiSocket: async () => socket });
    const client = connect(port, '127.0.0.1');
    onTestFinished(() => void client.destroy());
    client.on('error', () => undefined);

    client.pause();
    client.write(`GET /api/v1/items/i/stream HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);

    await cut.promise;
  });
});

describe('the pace of a client', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A request and its answer, as far as their pace is watched. */
  const watched = (fields: { complete?: boolean; readableLength?: number }) => {
    const socket = { bytesRead: 0, bytesWritten: 0, writableLength: 0, destroy: vi.fn() };
    const request = { socket, complete: false, readableLength: 0, readableHighWaterMark: 100, ...fields };
    const slow = vi.fn();
    const response = new EventEmitter();
    watchPace(request as unknown as IncomingMessage, response as unknown as ServerResponse, FAST, slow);
    return { socket, request, response, slow };
  };

  it('is not asked for while a function works on a body that is complete', () => {
    const { socket, slow } = watched({ complete: true });

    vi.advanceTimersByTime(100 * FAST.windowMs);

    expect([slow.mock.calls.length, socket.destroy.mock.calls.length]).toEqual([0, 0]);
  });

  it('is not asked for while the server does not read, nor after the answer', () => {
    const { request, response, slow } = watched({ readableLength: 100 });

    vi.advanceTimersByTime(10 * FAST.windowMs);
    response.emit('close');
    request.readableLength = 0;
    vi.advanceTimersByTime(10 * FAST.windowMs);

    expect(slow).not.toHaveBeenCalled();
  });

  it('is enough when each window brings some bytes, however long the body is', () => {
    const { socket, slow } = watched({});

    for (let window = 0; window < 100; window += 1) {
      socket.bytesRead += FAST.minBytes;
      vi.advanceTimersByTime(FAST.windowMs);
    }
    expect(slow).not.toHaveBeenCalled();
    socket.bytesRead += 1;
    vi.advanceTimersByTime(FAST.windowMs);
    expect(slow).toHaveBeenCalledOnce();
  });
});

describe('a request that is not well-formed', () => {
  it('because it has two Host headers is refused, also by a gateway that takes any host', async () => {
    for (const exposed of [true, false]) {
      const { port, events } = await openGateway(undefined, { exposed });
      const hosts = `host: 127.0.0.1:${port}\r\nhost: evil.example\r\n`;

      const answer = await talk(port, `GET /healthz HTTP/1.1\r\n${hosts}connection: close\r\n\r\n`);

      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('"code":"AmbiguousHost"');
      expect(events).toEqual([]);
    }
  });

  it.each([
    ['is no HTTP', 'hello\r\n\r\n', 400],
    ['has two lengths', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
    [
      'has a length and chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
    ],
    ['has headers without end', `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ])('because it %s is answered as every error is', async (_name, text, status) => {
    const { port } = await openGateway();

    const answer = await talk(port, text);

    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('"code":"MalformedRequest"');
    expect(answer.toLowerCase()).toContain('x-content-type-options: nosniff');
  });
});

describe('every answer of the gateway', () => {
  it.each([
    ['its own', '/healthz'],
    ['an error', '/nowhere'],
    ['that of a function', '/api/v1/functions/predict'],
    ['that of the API', '/api/v1/projects'],
  ])('is not for other sites to embed, nor for browsers to guess: %s', async (_name, path) => {
    const socket = await apiServer((_incoming, outgoing) => void outgoing.end('<b>x</b>'));
    const { url } = await openGateway(undefined, { apiSocket: async () => socket });

    const { headers } = await fetch(url + path);

    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });
});
