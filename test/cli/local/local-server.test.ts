import { EventEmitter, once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ApiProcess } from '../../../cli/local/api-process.ts';
import { closeOnSignal } from '../../../cli/local/close-on-signal.ts';
import { startLocalServer } from '../../../cli/local/local-server.ts';
import { systemClock } from '../../../shared/clock.ts';
import { readConfig } from '../../../shared/config.ts';
import { silentLog } from '../../../shared/log.ts';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import { buildFixtures, recordingLog, temporaryFolder, writeFiles } from './fixture-functions.ts';

const API = `
  import { createServer } from 'node:http';
  const home = process.env.MODELFN_HOME;
  export const listen = (socketPath) => new Promise((resolve) => {
    createServer((request, response) => {
      if (request.url.endsWith('/exit')) process.exit(9);
      response.end(JSON.stringify({ url: request.url, pid: process.pid, home }));
    }).listen(socketPath, resolve);
  });`;

const PREDICT = `
  export async function handler(event, context) {
    if (event.Records) {
      console.log('told of ' + event.Records.map(({ body }) => JSON.parse(body).detail.resourceId));
      return { batchItemFailures: [] };
    }
    if (event.requestContext) {
      await context.dispatch({ inputs: { word: event.body } });
      return { statusCode: 202, body: 'accepted' };
    }
    console.log('ran in the background with ' + event.inputs.word);
  }`;

const TRIGGER = {
  id: '9'.repeat(24),
  name: 'on new items',
  type: 'Event',
  active: true,
  projectId: '0b1e6c0e-7c39-4c3a-9d1c-9f3f0f6f7a11',
  spec: {
    filter: {},
    resource: 'Item',
    actions: ['Created'],
    executionMode: 'Once',
    input: {},
    operation: { type: 'function', functionName: 'predict' },
  },
  scope: 'project',
  global: false,
  creator: 'me@example.org',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
} as const;

async function open(env: Record<string, string> = {}) {
  const root = await temporaryFolder();
  await writeFiles(root, { 'functions/api/handler.ts': API, 'functions/predict/handler.ts': PREDICT });
  const config = readConfig({ MODELFN_HOME: join(root, 'home'), PORT: '0', MODELFN_WORKERS: '1', ...env });
  const store = await openSqliteStore({ path: join(root, 'store.sqlite') });
  onTestFinished(() => store.close());
  const recorded = recordingLog();
  const start = async (overrides = {}) => {
    const server = await startLocalServer({
      config: { ...config, ...overrides },
      platform: { store, clock: systemClock },
      root,
      log: recorded.log,
    });
    onTestFinished(() => server.close(0));
    return server;
  };
  return { config, store, start, ...recorded };
}

describe('startLocalServer', () => {
  it('serves functions, entity API and events from the bundles', async () => {
    const { start, store, seen, config } = await open();
    const { url } = await start();

    const accepted = await fetch(`${url}/api/v1/functions/predict`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'seven',
    });
    expect([accepted.status, await accepted.text()]).toEqual([202, 'accepted']);
    await seen(({ message }) => message === 'ran in the background with seven');

    expect(await (await fetch(`${url}/api/v1/items`)).json()).toMatchObject({
      url: '/api/v1/items',
      home: config.home,
    });
    expect(await (await fetch(url)).json()).toMatchObject({ functions: { predict: expect.any(String) } });
    expect((await fetch(`${url}/api/v1/functions/api`)).status).toBe(404);

    await store.insert('Trigger', [{ ...TRIGGER, spec: { ...TRIGGER.spec, actions: ['Created'] } }]);
    const change = {
      id: '1'.repeat(24),
      resourceId: '2'.repeat(24),
      datasetId: null,
      projectId: TRIGGER.projectId,
    };
    await store.appendEvents([{ ...change, resource: 'Item', action: 'Created' }]);
    await seen(({ message }) => message === `told of ${'2'.repeat(24)}`);
  });

  it('refuses a second server on the same state folder, and lets it in after the first closed', async () => {
    const { start } = await open();
    const first = await start();
    await expect(start()).rejects.toMatchObject({ code: 'AlreadyRunning', details: { url: first.url } });

    await first.close();

    await start();
  });

  it('leaves no lock behind when it cannot start', async () => {
    const { start } = await open();
    const other = await open();
    const taken = await other.start();
    const port = Number(new URL(taken.url).port);

    await expect(start({ port })).rejects.toMatchObject({ code: 'PortInUse', details: { port } });
    await expect(start({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'HostRefused' });

    await start();
  });

  it('leaves no process and no socket behind', async () => {
    const { start, config } = await open();
    const server = await start();
    const { pid } = (await (await fetch(`${server.url}/api/v1/`)).json()) as { pid: number };
    await (await fetch(`${server.url}/api/v1/functions/predict`, { method: 'POST' })).text();

    await server.close();
    await server.close();

    expect(() => process.kill(pid, 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }));
    await expect(fetch(server.url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await expect(server.host.invoke('predict', {})).rejects.toMatchObject({ code: 'ShuttingDown' });
    expect(await readdir(config.home)).toEqual(['server.lock']);
  });
});

describe('ApiProcess', () => {
  async function openApi(source = API) {
    const bundles = await buildFixtures({ api: source });
    const options = { functionName: 'api', bundle: bundles.get('api')!, env: {}, log: silentLog };
    const api = new ApiProcess(options);
    onTestFinished(() => api.close());
    return api;
  }

  it('listens on a path that every system takes, for this user only, and removes it', async () => {
    const api = await openApi();
    const [path, again] = await Promise.all([api.socket(), api.socket()]);
    expect(again).toBe(path);
    expect(Buffer.byteLength(path)).toBeLessThan(100);

    await api.close();

    const folder = path.split('/').at(-2)!;
    expect(await readdir(tmpdir())).not.toContain(folder);
    await expect(api.socket()).rejects.toMatchObject({ code: 'ShuttingDown' });
  });

  it('is started again by the request after it ended', async () => {
    const api = await openApi();
    const path = await api.socket();
    const client = connect(path);
    client.write('GET /exit HTTP/1.1\r\nhost: localhost\r\n\r\n');
    client.resume();
    await once(client, 'close');

    let next = await api.socket();
    while (next === path) {
      await new Promise(setImmediate);
      next = await api.socket();
    }

    const second = connect(next);
    await once(second, 'connect');
    second.destroy();
  });

  it('tells why it cannot serve, and tries again for the next request', async () => {
    const broken = await openApi(`export const listen = async () => { throw new Error('no store'); };`);
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(broken.socket()).rejects.toMatchObject({
        code: 'FunctionNotLoadable',
        message: expect.stringContaining('no store'),
      });
    const none = await openApi('export const handler = async () => 1;');
    await expect(none.socket()).rejects.toMatchObject({
      message: expect.stringContaining('exports no listen'),
    });
  });
});

describe('closeOnSignal', () => {
  it('closes in good order at the first signal, and ends at the second', async () => {
    const exits: unknown[] = [];
    const source = Object.assign(new EventEmitter(), { exit: (code: unknown) => exits.push(code) });
    const release = Promise.withResolvers<void>();
    let closings = 0;
    const running = {
      close: () => {
        closings += 1;
        return release.promise;
      },
    };
    const closed = closeOnSignal(running, silentLog, source as never);

    source.emit('SIGTERM');
    await Promise.resolve();
    expect(exits).toEqual([]);
    source.emit('SIGINT');
    expect(exits).toEqual([130]);
    release.resolve();
    await closed;

    expect(closings).toBe(1);
  });
});
