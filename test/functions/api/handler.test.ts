import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

type ApiFunction = typeof import('../../../functions/api/handler.ts');

let handler: ApiFunction['handler'];
let home: string;
let server: Server;
let socketPath: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mf-'));
  vi.stubEnv('MODELFN_HOME', join(home, 'state'));
  vi.stubEnv('MODELFN_LOG_LEVEL', 'silent');
  // A bundle captures its environment when it is imported.
  vi.resetModules();
  const api = await import('../../../functions/api/handler.ts');
  handler = api.handler;
  socketPath = join(home, 'api');
  await writeFile(socketPath, 'left by a process that is gone');
  server = await api.listen(socketPath);
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

/** An API Gateway v2 request. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
function event(
  method: string,
  path: string,
  options: { body?: string; type?: string; headers?: object } = {},
) {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: `/api/v1${path}`,
    rawQueryString: '',
    headers: {
      host: 'api.example.org',
      'x-forwarded-proto': 'https',
      ...(options.body !== undefined && { 'content-type': options.type ?? 'application/json' }),
      ...options.headers,
    },
    requestContext: {
      http: {
        method,
        path: `/api/v1${path}`,
        protocol: 'HTTP/1.1',
        sourceIp: '203.0.113.7',
        userAgent: 'test',
      },
      requestId: 'r',
      stage: '$default',
    },
    ...(options.body !== undefined && { body: options.body }),
    isBase64Encoded: false,
  };
}

interface Reply {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
  isBase64Encoded: boolean;
}
const invoke = async (...args: Parameters<typeof event>): Promise<Reply> =>
  (await handler(event(...args), {})) as Reply;

interface SocketReply {
  status: number | undefined;
  body: string;
}

/** Asks over the socket, as the local gateway does. */
function ask(
  method: string,
  path: string,
  body?: Buffer,
  headers: Record<string, string> = {},
): Promise<SocketReply> {
  const { promise, resolve, reject } = Promise.withResolvers<SocketReply>();
  const request = httpRequest({
    socketPath,
    method,
    path: `/api/v1${path}`,
    headers: { host: '127.0.0.1:3700', ...headers },
    agent: false,
  });
  request.on('error', reject);
  request.on('response', (response) => {
    text(response).then((read) => resolve({ status: response.statusCode, body: read }), reject);
  });
  request.end(body);
  return promise;
}

describe('the deployed function', () => {
  it('answers an API Gateway request with JSON as text, and links as the caller reached it', async () => {
    const created = await invoke('POST', '/projects', {
      body: 'name=p1',
      type: 'application/x-www-form-urlencoded',
    });
    const project = JSON.parse(created.body) as { id: string };
    const body = JSON.stringify({ name: 'm1', projectId: project.id });
    const reply = await invoke('POST', '/models', { body });

    expect(reply).toMatchObject({ statusCode: 200, isBase64Encoded: false });
    expect(JSON.parse(reply.body)).toMatchObject({
      url: expect.stringContaining('https://api.example.org/api/v1/models/'),
    });
  });

  it('a host that is none is not repeated into links', async () => {
    const created = await invoke('POST', '/projects', {
      body: 'name=p2',
      type: 'application/x-www-form-urlencoded',
    });
    const { id } = JSON.parse(created.body) as { id: string };
    const reply = await invoke('POST', '/models', {
      body: JSON.stringify({ name: 'm', projectId: id }),
      headers: { host: 'x/<script>' },
    });

    expect((JSON.parse(reply.body) as { url: string }).url).toMatch(
      /^https:\/\/localhost\/api\/v1\/models\//,
    );
  });

  it('a function that cannot be opened says why as JSON, and tries again', async () => {
    const blocked = join(home, 'blocked');
    await writeFile(blocked, 'a file where the state folder belongs');
    vi.resetModules();
    vi.stubEnv('MODELFN_HOME', join(blocked, 'state'));
    const fresh = await import('../../../functions/api/handler.ts');
    const reply = (await fresh.handler(event('GET', '/health'), {})) as Reply;
    await rm(blocked);
    const second = (await fresh.handler(event('GET', '/health'), {})) as Reply;

    expect(reply.statusCode).toBe(503);
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'StateFolderUnusable' });
    expect(second.statusCode).toBe(200);
  });

  it('an error is JSON with its status', async () => {
    const reply = await invoke('GET', '/models/none');

    expect(reply.statusCode).toBe(404);
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'EntityNotFound' });
  });
});

describe('the local server’s socket', () => {
  it('replaces a socket that was left there, and serves the same state', async () => {
    const { status, body } = await ask('GET', '/projects/p1/name');

    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject([{ name: 'p1' }]);
  });

  it('takes bytes in and gives the same out, over the socket and as base64 from the function', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const [project] = JSON.parse((await ask('GET', '/projects/p1/name')).body) as [{ id: string }];
    const dataset = JSON.parse(
      (
        await ask('POST', '/datasets', Buffer.from(JSON.stringify({ name: 'd', projects: [project.id] })), {
          'content-type': 'application/json',
        })
      ).body,
    ) as { id: string };
    const form = Buffer.concat([
      Buffer.from(
        '--b\r\nContent-Disposition: form-data; name="type"\r\n\r\nfile\r\n--b\r\nContent-Disposition: form-data; ' +
          'name="path"\r\n\r\n/x.txt\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="x.txt"\r\n\r\n',
      ),
      bytes,
      Buffer.from('\r\n--b--\r\n'),
    ]);
    const item = JSON.parse(
      (
        await ask('POST', `/datasets/${dataset.id}/items?mode=skip`, form, {
          'content-type': 'multipart/form-data; boundary=b',
        })
      ).body,
    ) as { id: string };

    const reply = await invoke('GET', `/items/${item.id}/stream`);

    expect(reply.isBase64Encoded).toBe(true);
    expect(Buffer.from(reply.body, 'base64')).toEqual(bytes);
  });
});
