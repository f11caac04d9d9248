import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { FunctionFailed } from '../../../cli/local/errors.ts';
import { openGateway, send } from './open-gateway.ts';

describe('a function behind the gateway', () => {
  it('gets the event that API Gateway would send', async () => {
    const { port, events } = await openGateway();
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
    const { url, events } = await openGateway();
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
    const { url, events } = await openGateway();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

    await (await fetch(`${url}/api/v1/functions/predict`, { method: 'POST', headers, body: bytes })).text();

    expect(events[0]).toMatchObject({ isBase64Encoded: true, body: bytes.toString('base64') });
  });

  it('answers with its own status, headers, cookies and bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const { url } = await openGateway(() => ({
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
    const { url } = await openGateway(() => ({ label: 'seven' }));
    const response = await fetch(`${url}/api/v1/functions/predict`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ label: 'seven' });
  });

  it('answers 204 and HEAD without a body', async () => {
    const empty = await openGateway(() => ({ statusCode: 204, body: 'ignored' }));
    expect(await (await fetch(`${empty.url}/api/v1/functions/predict`)).text()).toBe('');
    const full = await openGateway(() => ({ statusCode: 200, body: '12345' }));
    const head = await fetch(`${full.url}/api/v1/functions/predict`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('5');
  });

  it('fails with the code, status and details of its error', async () => {
    const body = { statusCode: 404, code: 'EntityNotFound', message: 'No snapshot.', details: { id: '7' } };
    const { url } = await openGateway(() => {
      throw new FunctionFailed(body, false);
    });
    const response = await fetch(`${url}/api/v1/functions/predict`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual(body);
  });

  it('fails with 502 when it answers a status that is none', async () => {
    const { url } = await openGateway(() => ({ statusCode: 'yes' }));
    const response = await fetch(`${url}/api/v1/functions/predict`);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ code: 'InvalidFunctionReply' });
  });

  it('is named when another is asked for', async () => {
    const { url } = await openGateway();
    const response = await fetch(`${url}/api/v1/functions/predcit`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: 'FunctionNotFound',
      details: { functions: ['predict'] },
    });
  });

  it('is not called with a body over 10 MB, told or found out on the way', async () => {
    const { url, events } = await openGateway();
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
    const { url, events } = await openGateway();
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
    const { port, url } = await openGateway(async () => {
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
    const { port, events, close } = await openGateway();
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
