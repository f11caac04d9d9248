import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FunctionFailed } from '../../../cli/local/errors.ts';
import { type GatewayOptions, startGateway } from '../../../cli/local/gateway.ts';
import { isJsonObject, type JsonObject } from '../../../shared/json.ts';
import { silentLog } from '../../../shared/log.ts';
import { temporaryFolder } from './fixture-functions.ts';

const UNUSED_SOCKET = () => Promise.reject(new Error('no request of this test goes to the API'));

/** A gateway whose one function is `reply`, with what it was called with. */
async function open(
  reply: (event: JsonObject) => unknown = () => ({ statusCode: 200, body: 'fine' }),
  options: Partial<GatewayOptions> = {},
) {
  const events: JsonObject[] = [];
  const gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    functions: {
      functionNames: ['predict'],
      invoke: async (_name, event) => {
        if (!isJsonObject(event)) throw new Error('the event is no object');
        events.push(event);
        return reply(event);
      },
    },
    apiSocket: UNUSED_SOCKET,
    log: silentLog,
    ...options,
  });
  onTestFinished(() => gateway.close(0));
  return { ...gateway, port: Number(new URL(gateway.url).port), events };
}

/** An HTTP server on a Unix socket, in place of the API's process. */
async function apiServer(listener: RequestListener): Promise<string> {
  const path = join(await temporaryFolder(), 'api');
  const server = createServer(listener).listen(path);
  onTestFinished(() => closeServer(server));
  await once(server, 'listening');
  return path;
}

function closeServer(server: Server): void {
  server.closeAllConnections();
  server.close();
}

/** A request with exactly these headers, which `fetch` would not send. */
async function send(
  port: number,
  path: string,
  options: { method?: string; headers?: object; body?: string } = {},
) {
  const { body, ...rest } = options;
  const sent = request({ port, host: '127.0.0.1', path, ...rest, headers: { ...options.headers } });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const text = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, headers: response.headers, text, json: () => JSON.parse(text) };
}

describe('a function behind the gateway', () => {
  it('gets the event that API Gateway would send', async () => {
    const { port, events } = await open();
    const host = `localhost:${port}`;

    await send(port, '/api/v1/functions/predict?a=1&a=two%20words&b=', {
      method: 'POST',
      headers: {
        host,
        'content-type': 'application/json',
        'user-agent': 'tester',
        'x-list': ['one', 'two'],
        cookie: 'first=1; second=2',
        connection: 'keep-alive',
      },
      body: '{"inputs":{"name":"grüße"}}',
    });

    expect(events).toEqual([
      {
        version: '2.0',
        routeKey: 'ANY /api/v1/functions/predict',
        rawPath: '/api/v1/functions/predict',
        rawQueryString: 'a=1&a=two%20words&b=',
        cookies: ['first=1', 'second=2'],
        headers: {
          'content-length': '29',
          'content-type': 'application/json',
          host,
          'user-agent': 'tester',
          'x-forwarded-for': '127.0.0.1',
          'x-forwarded-port': String(port),
          'x-forwarded-proto': 'http',
          'x-list': 'one,two',
        },
        queryStringParameters: { a: '1,two words', b: '' },
        requestContext: {
          accountId: '000000000000',
          apiId: 'local',
          domainName: host,
          domainPrefix: 'localhost',
          http: {
            method: 'POST',
            path: '/api/v1/functions/predict',
            protocol: 'HTTP/1.1',
            sourceIp: '127.0.0.1',
            userAgent: 'tester',
          },
          requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          routeKey: 'ANY /api/v1/functions/predict',
          stage: '$default',
          time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
          timeEpoch: expect.any(Number),
        },
        body: '{"inputs":{"name":"grüße"}}',
        isBase64Encoded: false,
      },
    ]);
  });

  it('gets no body, cookies or parameters where the request has none', async () => {
    const { url, events } = await open();
    await (await fetch(`${url}/api/v1/functions/predict`)).text();
    expect(events[0]).not.toHaveProperty('body');
    expect(events[0]).not.toHaveProperty('cookies');
    expect(events[0]).not.toHaveProperty('queryStringParameters');
    expect(events[0]).toMatchObject({ isBase64Encoded: false, rawQueryString: '' });
  });

  it.each([
    ['of no type', {}],
    ['of bytes', { 'content-type': 'application/octet-stream' }],
    ['that claims to be JSON and is not UTF-8', { 'content-type': 'application/json' }],
    ['that is compressed', { 'content-type': 'text/plain', 'content-encoding': 'gzip' }],
  ])('gets a body %s whole, in base64', async (_name, headers) => {
    const { url, events } = await open();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

    await (await fetch(`${url}/api/v1/functions/predict`, { method: 'POST', headers, body: bytes })).text();

    expect(events[0]).toMatchObject({ isBase64Encoded: true, body: bytes.toString('base64') });
  });

  it('answers with its own status, headers, cookies and bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const { url } = await open(() => ({
      statusCode: 201,
      headers: { 'Content-Type': 'image/png', 'x-count': 3, 'content-length': '1', connection: 'upgrade' },
      cookies: ['a=1', 'b=2'],
      body: bytes.toString('base64'),
      isBase64Encoded: true,
    }));

    const response = await fetch(`${url}/api/v1/functions/predict`);

    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe('image/png');
    expect(response.headers.get('x-count')).toBe('3');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
  });

  it('answers 200 with JSON when it does not speak of HTTP, as API Gateway does', async () => {
    const { url } = await open(() => ({ label: 'seven' }));
    const response = await fetch(`${url}/api/v1/functions/predict`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ label: 'seven' });
  });

  it('answers 204 and HEAD without a body', async () => {
    const empty = await open(() => ({ statusCode: 204, body: 'ignored' }));
    expect(await (await fetch(`${empty.url}/api/v1/functions/predict`)).text()).toBe('');
    const full = await open(() => ({ statusCode: 200, body: '12345' }));
    const head = await fetch(`${full.url}/api/v1/functions/predict`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('5');
  });

  it('fails with the code, status and details of its error', async () => {
    const body = { statusCode: 404, code: 'EntityNotFound', message: 'No snapshot.', details: { id: '7' } };
    const { url } = await open(() => {
      throw new FunctionFailed(body, false);
    });
    const response = await fetch(`${url}/api/v1/functions/predict`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual(body);
  });

  it('fails with 502 when it answers a status that is none', async () => {
    const { url } = await open(() => ({ statusCode: 'yes' }));
    const response = await fetch(`${url}/api/v1/functions/predict`);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ code: 'InvalidFunctionReply' });
  });

  it('is named when another is asked for', async () => {
    const { url } = await open();
    const response = await fetch(`${url}/api/v1/functions/predcit`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: 'FunctionNotFound',
      details: { functions: ['predict'] },
    });
  });

  it('is not called with a body over 10 MB, told or found out on the way', async () => {
    const { url, events } = await open();
    const body = Buffer.alloc(10 * 1024 * 1024 + 1);
    const told = await fetch(`${url}/api/v1/functions/predict`, { method: 'POST', body });
    expect(told.status).toBe(413);
    expect(await told.json()).toMatchObject({ statusCode: 413, code: 'BodyTooLarge' });

    const chunked = await fetch(`${url}/api/v1/functions/predict`, {
      method: 'POST',
      body: Readable.toWeb(Readable.from([body])) as ReadableStream,
      duplex: 'half',
    });

    expect(chunked.status).toBe(413);
    expect(await chunked.json()).toMatchObject({ code: 'BodyTooLarge' });
    expect(events).toEqual([]);
  });

  it('takes a body of exactly 10 MB', async () => {
    const { url, events } = await open();
    const body = Buffer.alloc(10 * 1024 * 1024, 'x');
    const response = await fetch(`${url}/api/v1/functions/predict`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body,
    });
    expect(await response.text()).toBe('fine');
    expect((events[0]!.body as string).length).toBe(body.length);
  });

  it('finishes what it began when its client goes away', async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const finished = Promise.withResolvers<string>();
    const { port, url } = await open(async () => {
      entered.resolve();
      await release.promise;
      finished.resolve('written');
      return { statusCode: 200 };
    });
    const client = connect(port, '127.0.0.1');
    client.write(`GET /api/v1/functions/predict HTTP/1.1\r\nhost: localhost:${port}\r\n\r\n`);
    await entered.promise;

    client.destroy();
    await once(client, 'close');
    release.resolve();

    expect(await finished.promise).toBe('written');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('is not called for a body that breaks off', async () => {
    const { port, events, close } = await open();
    const client = connect(port, '127.0.0.1');
    client.write(
      `POST /api/v1/functions/predict HTTP/1.1\r\nhost: localhost:${port}\r\ncontent-length: 10\r\n\r\nhalf`,
    );
    await once(client, 'ready');
    client.destroy();
    await once(client, 'close');

    await close();

    expect(events).toEqual([]);
  });
});

describe('the gateway', () => {
  it('lets only this machine in', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.4', 'example.org', '127.evil.example', ''])
      await expect(open(undefined, { host })).rejects.toMatchObject({ code: 'HostRefused', statusCode: 400 });
  });

  it('listens on localhost and on IPv6 loopback as well', async () => {
    const { url } = await open(undefined, { host: 'localhost' });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('says which port is taken and how to choose another', async () => {
    const { port } = await open();
    await expect(open(undefined, { port })).rejects.toMatchObject({
      code: 'PortInUse',
      message: expect.stringMatching(new RegExp(`Port ${port} .*PORT=${port + 1}.*PORT=0`)),
    });
  });

  it.each([['evil.example'], ['127.0.0.1'], ['localhost:1'], ['localhost.evil.example:PORT']])(
    'refuses a request for the host %j, which a foreign name may lead here',
    async (host) => {
      const { port, events } = await open();
      const { status, json } = await send(port, '/api/v1/functions/predict', {
        headers: { host: host.replace('PORT', String(port)) },
      });
      expect(status).toBe(403);
      expect(json()).toMatchObject({ code: 'UntrustedHost' });
      expect(events).toEqual([]);
    },
  );

  it.each([['localhost'], ['127.0.0.1'], ['[::1]'], ['LocalHost']])('answers as %s', async (name) => {
    const { port } = await open();
    const { status } = await send(port, '/healthz', { headers: { host: `${name}:${port}` } });
    expect(status).toBe(200);
  });

  it.each([
    ['another site', { origin: 'https://evil.example' }],
    ['another port of this machine', { origin: 'http://localhost:1' }],
    ['a sandboxed page', { origin: 'null' }],
    ['a site that hides', { 'sec-fetch-site': 'cross-site' }],
  ])('refuses a write that comes from %s', async (_name, headers) => {
    const { url, events, port } = await open();
    const options = { method: 'POST', headers: { host: `localhost:${port}`, ...headers } };
    const { status, json } = await send(port, '/api/v1/functions/predict', options);
    expect(status).toBe(403);
    expect(json()).toMatchObject({ code: 'UntrustedOrigin', details: { url } });
    expect(events).toEqual([]);
  });

  it('takes writes of its own pages and of programs', async () => {
    const { port, events } = await open();
    const host = `localhost:${port}`;
    await send(port, '/api/v1/functions/predict', {
      method: 'POST',
      headers: { host, origin: `http://${host}` },
    });
    await send(port, '/api/v1/functions/predict', { method: 'POST', headers: { host } });
    expect(events).toHaveLength(2);
  });

  it('says at / what there is, and elsewhere that there is nothing', async () => {
    const { url } = await open();
    expect(await (await fetch(url)).json()).toEqual({
      name: 'modelfn',
      api: `${url}/api/v1`,
      health: `${url}/healthz`,
      functions: { predict: `${url}/api/v1/functions/predict` },
    });
    const missing = await fetch(`${url}/nowhere`);
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ code: 'RouteNotFound', statusCode: 404 });
  });

  it('closes when the request under way is answered, and takes no other', async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const { url, close } = await open(async () => {
      entered.resolve();
      await release.promise;
      return { statusCode: 200, body: 'in time' };
    });
    const underway = fetch(`${url}/api/v1/functions/predict`);
    await entered.promise;

    const closed = close();
    await expect(fetch(`${url}/healthz`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    release.resolve();

    expect(await (await underway).text()).toBe('in time');
    const begun = performance.now();
    await closed;
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});

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
    const { url, port } = await open(undefined, { apiSocket: async () => socket });

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
    const { url } = await open(undefined, { apiSocket: async () => socket });
    for (const path of ['/api/v1/functions', '/api/v1/functions/predict/logs', '/api/v1'])
      expect(await (await fetch(url + path)).text()).toBe(path);
  });

  it('streams 50 MB in both directions without holding them', async () => {
    const chunk = Buffer.alloc(64 * 1024, 7);
    const count = 800;
    const socket = await apiServer((incoming, outgoing) => void incoming.pipe(outgoing));
    const { url } = await open(undefined, { apiSocket: async () => socket });
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
    const { url } = await open(undefined, { apiSocket: async () => socket });

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
    const { url } = await open(undefined, { apiSocket: async () => socket });
    const abort = new AbortController();
    const given = fetch(`${url}/api/v1/items`, { signal: abort.signal });
    await arrived.promise;

    abort.abort();

    await expect(given).rejects.toMatchObject({ name: 'AbortError' });
    await left.promise;
  });

  it('is told lost when it ends before it answers, and the connection is cut when it ends in between', async () => {
    const silent = await apiServer((incoming) => void incoming.socket.destroy());
    const lost = await open(undefined, { apiSocket: async () => silent });
    const response = await fetch(`${lost.url}/api/v1/items`);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ code: 'WorkerLost' });

    const torn = await apiServer((incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-length': '100' });
      outgoing.write('half', () => incoming.socket.destroy());
    });
    const cut = await open(undefined, { apiSocket: async () => torn });
    await expect(fetch(`${cut.url}/api/v1/items`).then((answer) => answer.text())).rejects.toThrow(
      'terminated',
    );
  });

  it('may refuse an upload before its end', async () => {
    const socket = await apiServer((_incoming, outgoing) => {
      outgoing.writeHead(413, { connection: 'close' });
      outgoing.end('too much');
    });
    const { port } = await open(undefined, { apiSocket: async () => socket });
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
