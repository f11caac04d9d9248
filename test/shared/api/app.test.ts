import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { jsonLog } from '../../../shared/log.ts';
import { openTestApi, type TestApi } from './open-test-api.ts';

let api: TestApi;
let lines: string[];
beforeEach(async () => {
  lines = [];
  api = await openTestApi((platform) => ({
    ...platform,
    log: jsonLog('info', (line) => lines.push(line)),
    store: new Proxy(platform.store, {
      get: (store, name) => {
        if (name === 'get')
          return (kind: 'Model', id: string) =>
            id === 'broken' ? Promise.reject(new Error('wires crossed')) : store.get(kind, id);
        const value: unknown = Reflect.get(store, name, store);
        return typeof value === 'function' ? value.bind(store) : value;
      },
    }),
  }));
});
afterEach(() => api.close());

const send = (path: string, init: RequestInit) => fetch(`${api.baseUrl}${path}`, init);
const json = { 'content-type': 'application/json' };

describe('whatever goes wrong is answered as JSON', () => {
  it.each([
    ['broken JSON', { headers: json, body: '{"name":' }, 400, 'InvalidBody'],
    ['a body of another type', { headers: { 'content-type': 'text/plain' }, body: 'x' }, 400, 'InvalidInput'],
    ['no body', {}, 400, 'InvalidInput'],
    ['a scalar', { headers: json, body: '7' }, 400, 'InvalidInput'],
    ['an array', { headers: json, body: '[]' }, 400, 'InvalidInput'],
    [
      'a charset that nobody knows',
      { headers: { 'content-type': 'application/json; charset=x-klingon' }, body: '{}' },
      415,
      'UnsupportedEncoding',
    ],
    [
      'a compressed body that is damaged',
      { headers: { ...json, 'content-encoding': 'gzip' }, body: 'not gzip' },
      400,
      'InvalidBody',
    ],
  ])('%s', async (_name, init, status, code) => {
    const response = await send('/models', { method: 'POST', ...init });

    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toMatchObject({ statusCode: status, code, message: expect.any(String) });
  });

  it('a body over 64 MB is a 413, also when it is small on the way', async () => {
    const body = gzipSync(Buffer.alloc(65 * 1024 * 1024, ' '));

    const response = await send('/models', {
      method: 'POST',
      headers: { ...json, 'content-encoding': 'gzip' },
      body,
    });

    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'BodyTooLarge' });
  });

  it('an unknown route names the nearest one', async () => {
    const { status, body } = await api.call('POST', '/model');

    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 'RouteNotFound', details: { nearest: 'POST /models' } });
  });

  it.each(['/', '//', '/api', '/api/v1', '/api/v2/models'])(
    '%s outside the API is a 404 too',
    async (path) => {
      const response = await fetch(new URL(api.baseUrl).origin + path);

      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'RouteNotFound' });
    },
  );

  it('a method that a path does not take is a 405 that says which it takes', async () => {
    const { status, headers, body } = await api.call('PUT', '/models/abc');

    expect(status).toBe(405);
    expect(headers.get('allow')).toBe('GET, PATCH, DELETE');
    expect(body).toMatchObject({ code: 'MethodNotAllowed' });
  });

  it('a path that is not well-formed is a 400', async () => {
    const { status, body } = await api.call('GET', '/models/%E0%A4%A');

    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'InvalidUrl' });
  });

  it('a fault of the system is a 500, logged with its stack and the request’s id', async () => {
    const response = await send('/models/broken', { headers: { 'x-request-id': 'r-1' } });

    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'InternalError' });
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'error',
      requestId: 'r-1',
      path: '/api/v1/models/broken',
      stack: expect.stringContaining('wires crossed'),
    });
  });

  it('a caller’s own mistake is not logged', async () => {
    await api.call('GET', '/models/missing');

    expect(lines).toEqual([]);
  });
});

describe('headers', () => {
  it('name the request and not the software, and forbid pages to use the answer', async () => {
    const { headers } = await api.call('GET', '/health');

    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('a request id that could forge a log line is not taken over', async () => {
    const response = await send('/health', { headers: { 'x-request-id': 'a b"}{' } });

    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('small routes', () => {
  it('health tells version and store', async () => {
    expect((await api.call('GET', '/health')).body).toEqual({
      status: 'ok',
      version: expect.any(String),
      store: 'sqlite',
      problems: [],
    });
  });

  it('health names what cannot be written: the state folder, or the store', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const folderGone = await openTestApi((platform) => {
      const file = join(platform.config.home, 'a-file');
      writeFileSync(file, '');
      return { ...platform, config: { ...platform.config, home: file } };
    });
    onTestFinished(() => folderGone.close());
    const storeFull = await openTestApi((platform) => ({
      ...platform,
      store: new Proxy(platform.store, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (name === 'transaction') return () => Promise.reject(full);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
    }));
    onTestFinished(() => storeFull.close());

    expect(await folderGone.call('GET', '/health')).toMatchObject({
      status: 503,
      body: { status: 'failing', problems: [{ part: 'stateFolder', code: 'StorageUnavailable' }] },
    });
    expect(await storeFull.call('GET', '/health')).toMatchObject({
      status: 503,
      body: { problems: [{ part: 'store', code: 'StorageUnavailable' }] },
    });
  });

  it('the client’s check at import is answered in its own words', async () => {
    const body = new URLSearchParams({ version: '1.49.20', email: 'me@example.org' });

    const response = await send('/sdk/check', { method: 'POST', body });

    expect(await response.json()).toMatchObject({ level: 'debug', msg: expect.any(String) });
  });

  it('no command is ever under way', async () => {
    expect((await api.call('GET', '/commands')).body).toEqual([]);
    expect(await api.call('GET', '/commands/abc')).toMatchObject({
      status: 404,
      body: { code: 'CommandNotFound' },
    });
    expect((await api.call('POST', '/commands/abc/abort')).status).toBe(404);
  });
});
