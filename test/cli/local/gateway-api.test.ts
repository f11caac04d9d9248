import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { apiServer, openGateway } from './open-gateway.ts';

describe('the API behind the gateway', () => {
  it('sees the request as it was sent, and its answer comes back as it gave it', async () => {
    const socket = await apiServer(async (incoming, outgoing) => {
      const body = Buffer.concat(await incoming.toArray()).toString();
      outgoing.writeHead(
        207,
        'Many',
        [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['x-method', incoming.method!],
          ['etag', '"7"'],
        ].flat(),
      );
      outgoing.end(JSON.stringify({ url: incoming.url, host: incoming.headers.host, body }));
    });
    const { url, port } = await openGateway(undefined, { apiSocket: async () => socket });

    const response = await fetch(`${url}/api/v1/items%2Fx?filter=%7B%7D`, { method: 'PATCH', body: 'grüße' });

    expect([response.status, response.statusText]).toEqual([207, 'Many']);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('x-method')).toBe('PATCH');
    expect(response.headers.get('etag')).toBe('"7"');
    expect(await response.json()).toEqual({
      url: '/api/v1/items%2Fx?filter=%7B%7D',
      host: `127.0.0.1:${port}`,
      body: 'grüße',
    });
  });

  it('gets the paths below a function that are no call of it', async () => {
    const socket = await apiServer((incoming, outgoing) => void outgoing.end(incoming.url));
    const { url } = await openGateway(undefined, { apiSocket: async () => socket });
    for (const path of ['/api/v1/functions', '/api/v1/functions/predict/logs', '/api/v1'])
      expect(await (await fetch(url + path)).text()).toBe(path);
  });

  it('streams 50 MB in both directions without holding them', async () => {
    const chunk = Buffer.alloc(64 * 1024, 7);
    const count = 800;
    const socket = await apiServer((incoming, outgoing) => void incoming.pipe(outgoing));
    const { url } = await openGateway(undefined, { apiSocket: async () => socket });
    let sent = 0;
    let received = 0;
    let most = 0;
    const source = Readable.from(
      (function* () {
        for (; sent < count; sent += 1) yield chunk;
      })(),
      { highWaterMark: 1 },
    );

    const response = await fetch(`${url}/api/v1/items`, {
      method: 'POST',
      body: Readable.toWeb(source) as ReadableStream,
      duplex: 'half',
    });
    for await (const part of response.body!) {
      received += part.length;
      most = Math.max(most, sent * chunk.length - received);
    }

    expect(received).toBe(count * chunk.length);
    expect(most).toBeLessThan(12 * 1024 * 1024);
  });

  it('answers the first byte before the last is there', async () => {
    const release = Promise.withResolvers<void>();
    const socket = await apiServer(async (_incoming, outgoing) => {
      outgoing.write('first');
      await release.promise;
      outgoing.end('last');
    });
    const { url } = await openGateway(undefined, { apiSocket: async () => socket });

    const response = await fetch(`${url}/api/v1/log`);
    const reader = response.body!.getReader();
    const first = await reader.read();
    release.resolve();

    expect(Buffer.from(first.value!).toString()).toBe('first');
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('last');
  });

  it('hears that its client went away', async () => {
    const arrived = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const socket = await apiServer((_incoming, outgoing) => {
      outgoing.on('close', () => left.resolve());
      arrived.resolve();
    });
    const { url } = await openGateway(undefined, { apiSocket: async () => socket });
    const abort = new AbortController();
    const given = fetch(`${url}/api/v1/items`, { signal: abort.signal });
    await arrived.promise;

    abort.abort();

    await expect(given).rejects.toMatchObject({ name: 'AbortError' });
    await left.promise;
  });

  it('is told lost when it ends before it answers, and the connection is cut when it ends in between', async () => {
    const silent = await apiServer((incoming) => void incoming.socket.destroy());
    const lost = await openGateway(undefined, { apiSocket: async () => silent });
    const response = await fetch(`${lost.url}/api/v1/items`);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ code: 'WorkerLost' });

    const torn = await apiServer((incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-length': '100' });
      outgoing.write('half', () => incoming.socket.destroy());
    });
    const cut = await openGateway(undefined, { apiSocket: async () => torn });
    await expect(fetch(`${cut.url}/api/v1/items`).then((answer) => answer.text())).rejects.toThrow(
      'terminated',
    );
  });

  it('may refuse an upload before its end', async () => {
    const socket = await apiServer((_incoming, outgoing) => {
      outgoing.writeHead(413, { connection: 'close' });
      outgoing.end('too much');
    });
    const { port } = await openGateway(undefined, { apiSocket: async () => socket });
    const sent = request({
      port,
      method: 'POST',
      path: '/api/v1/items',
      headers: { host: `localhost:${port}`, 'content-length': '1000000' },
    });
    sent.on('error', () => {});
    sent.write('begun');
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    expect(Buffer.concat(await response.toArray()).toString()).toBe('too much');
    sent.destroy();
  });
});
