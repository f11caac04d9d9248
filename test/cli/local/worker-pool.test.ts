import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WorkerPool, type WorkerPoolOptions } from '../../../cli/local/worker-pool.ts';
import { silentLog } from '../../../shared/log.ts';
import { buildFixtures, recordingLog, temporaryFolder } from './fixture-functions.ts';
import { type Answer, OBEDIENT } from './obedient-function.ts';

async function openPool(source = OBEDIENT, options: Partial<WorkerPoolOptions> = {}) {
  const bundles = await buildFixtures({ obedient: source });
  const pool = new WorkerPool({
    functionName: 'obedient',
    bundle: bundles.get('obedient')!,
    size: 1,
    env: { LC_FRUIT: 'fig' },
    log: silentLog,
    ...options,
  });
  onTestFinished(() => pool.close());
  const call = (event: object, invokeOptions = {}) => pool.invoke(event, invokeOptions) as Promise<Answer>;
  return { pool, call };
}

describe('WorkerPool', () => {
  it('starts no process before the first call, and answers what the handler answers', async () => {
    const { pool, call } = await openPool();
    expect(pool.workerCount).toBe(0);

    const answer = await call({ fruit: 'apple' });

    expect(answer).toMatchObject({ event: { fruit: 'apple' }, env: 'fig', name: 'obedient', calls: 1 });
    expect(answer.pid).not.toBe(process.pid);
    expect(answer.requestId).toMatch(/^obedient-/);
  });

  it('keeps a process whose handler left a rejection unhandled, and logs the reason', async () => {
    const { log, seen } = recordingLog();
    const forgetful = `
      export const handler = async ({ turns }) => {
        void Promise.reject(new Error('forgotten'));
        for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        return process.pid;
      };`;
    const { call } = await openPool(forgetful, { log });

    const pids = [await call({ turns: 20 }), await call({ turns: 20 })];

    expect(new Set(pids).size).toBe(1);
    expect(await seen(({ message }) => message === 'unhandled rejection')).toMatchObject({
      level: 'error',
      reason: 'forgotten',
      function: 'obedient',
    });
  });

  it('takes the process it used last, so that warm weights are found', async () => {
    const { call, pool } = await openPool(OBEDIENT, { size: 2 });
    const meet = await temporaryFolder();
    const both = await Promise.all([call({ meet }), call({ meet })]);
    expect(pool.workerCount).toBe(2);
    expect(new Set(both.map(({ pid }) => pid)).size).toBe(2);

    const first = await call({});
    const second = await call({});

    expect(second.pid).toBe(first.pid);
    expect(second.calls).toBe(first.calls + 1);
  });

  it('queues calls beyond its size and answers all of them, one at a time and in order', async () => {
    const { call, pool } = await openPool();

    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => call({ index })));

    expect(answers.map(({ calls }) => calls)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(pool.workerCount).toBe(1);
  });

  it.each([
    ['exits', { exit: 3 }, 'exit code 3'],
    ['exits as if all were well', { exit: 0 }, 'exit code 0'],
    ['is killed', { die: true }, 'signal SIGKILL'],
  ])(
    'fails the one call whose process %s, and serves the next with a new process',
    async (_name, event, how) => {
      const { call } = await openPool();
      const before = await call({});

      const [lost, next] = await Promise.allSettled([call(event), call({})]);

      expect(lost).toMatchObject({
        status: 'rejected',
        reason: { code: 'WorkerLost', statusCode: 502, retryable: true, details: { how } },
      });
      expect(next).toMatchObject({ status: 'fulfilled', value: { calls: 1 } });
      expect((next as PromiseFulfilledResult<Answer>).value.pid).not.toBe(before.pid);
    },
  );

  it('gives a call to another process when the one it was sent to had died before it received it', async () => {
    const { call } = await openPool();
    const { pid } = await call({});

    process.kill(pid, 'SIGKILL');
    const answer = await call({ fruit: 'late' });

    expect(answer).toMatchObject({ event: { fruit: 'late' }, calls: 1 });
    expect(answer.pid).not.toBe(pid);
  });

  it('runs a repeatable call once more when its process is lost, and fails it when that one is lost too', async () => {
    const fragile = `
      import { appendFileSync, readFileSync } from 'node:fs';
      export const handler = async ({ path, dies }) => {
        appendFileSync(path, 'x');
        const tries = readFileSync(path, 'utf8').length;
        if (tries <= dies) process.kill(process.pid, 'SIGKILL');
        return tries;
      };`;
    const { call } = await openPool(fragile);
    const folder = await temporaryFolder();

    const answer = await call({ path: join(folder, 'once'), dies: 1 }, { repeatable: true });
    const twice = call({ path: join(folder, 'twice'), dies: 2 }, { repeatable: true });
    await expect(twice).rejects.toMatchObject({ code: 'WorkerLost', statusCode: 502 });
    const other = call({ path: join(folder, 'other'), dies: 1 });
    await expect(other).rejects.toMatchObject({ code: 'WorkerLost' });

    expect(answer).toBe(2);
    expect(await readFile(join(folder, 'other'), 'utf8')).toBe('x');
  });

  it('passes an error of the function on under its own code', async () => {
    const { call } = await openPool();
    await expect(call({ fail: 'no pears' })).rejects.toMatchObject({
      name: 'NoFruit',
      code: 'NoFruit',
      statusCode: 418,
      message: 'no pears',
      retryable: true,
      details: { fruit: 'pear' },
    });
  });

  it('keeps the process after an error nobody foresaw, with its stack in the log', async () => {
    const { log, seen } = recordingLog();
    const { call } = await openPool(OBEDIENT, { log });

    await expect(call({ crash: 'boom' })).rejects.toMatchObject({ code: 'InternalError', statusCode: 500 });

    expect(await call({})).toMatchObject({ calls: 2 });
    await seen(({ message }) => String(message).includes('functions/obedient/handler.ts'));
  });

  it('refuses an answer that JSON cannot carry, and goes on', async () => {
    const { call } = await openPool();
    await expect(call({ bigint: true })).rejects.toMatchObject({ code: 'InternalError' });
    expect(await call({})).toMatchObject({ calls: 2 });
  });

  it('fails every waiting call with the reason when the bundle cannot be imported', async () => {
    const { call, pool } = await openPool(
      `throw new Error('the weights are sour'); export const handler = 1;`,
      {
        size: 2,
      },
    );

    const results = await Promise.allSettled([call({}), call({}), call({}), call({})]);

    for (const result of results)
      expect(result).toMatchObject({
        reason: { code: 'FunctionNotLoadable', message: expect.stringContaining('the weights are sour') },
      });
    await pool.close();
    expect(pool.workerCount).toBe(0);
  });

  it('tells of a bundle that ends its process, exports nothing or never finishes while it is imported', async () => {
    const exiting = await openPool('process.exit(7); export const handler = 1;');
    await expect(exiting.call({})).rejects.toMatchObject({
      code: 'FunctionNotLoadable',
      message: expect.stringContaining('exit code 7'),
    });
    const empty = await openPool('export const fruit = 1;');
    await expect(empty.call({})).rejects.toMatchObject({
      message: expect.stringContaining('exports no handler'),
    });
    const endless = await openPool('setInterval(() => {}, 1000); await new Promise(() => {});', {
      startTimeoutMs: 300,
    });
    await expect(endless.call({})).rejects.toMatchObject({
      code: 'FunctionNotLoadable',
      message: expect.stringContaining('within 300 ms'),
    });
  });

  it('serves again once a bundle that could not be imported was mended', async () => {
    const bundles = await buildFixtures({ obedient: OBEDIENT });
    const bundle = bundles.get('obedient')!;
    const good = await readFile(bundle);
    await writeFile(bundle, 'throw new Error("torn")');
    const pool = new WorkerPool({ functionName: 'obedient', bundle, size: 1, env: {}, log: silentLog });
    onTestFinished(() => pool.close());
    await expect(pool.invoke({})).rejects.toMatchObject({ code: 'FunctionNotLoadable' });

    await writeFile(bundle, good);

    expect(await pool.invoke({})).toMatchObject({ calls: 1 });
  });

  it('lets a call wait for the process of an earlier build when the new one cannot be imported', async () => {
    const bundles = await buildFixtures({ obedient: OBEDIENT });
    const bundle = bundles.get('obedient')!;
    const { log, seen } = recordingLog();
    const pool = new WorkerPool({ functionName: 'obedient', bundle, size: 2, env: {}, log });
    onTestFinished(() => pool.close());
    const meet = await temporaryFolder();
    const busy = pool.invoke({ meet, say: 'begun' });
    await seen(({ message }) => message === 'begun');
    await writeFile(bundle, 'throw new Error("torn")');

    const waiting = pool.invoke({});
    await seen(({ message }) => String(message).includes('torn'));
    while (pool.workerCount > 1) await new Promise(setImmediate);
    await writeFile(join(meet, 'other'), '');

    expect(await Promise.all([busy, waiting])).toMatchObject([{ calls: 1 }, { calls: 2 }]);
  });

  it.each([
    ['waits forever', { hang: true }],
    ['keeps its processor busy', { spin: true }],
  ])('stops a function that %s when its time is over', async (_name, event) => {
    const { call } = await openPool();
    await call({});

    await expect(call(event, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'FunctionTimeout',
      statusCode: 504,
      retryable: true,
    });

    expect(await call({})).toMatchObject({ calls: 1 });
  });

  it('tells the function how much time it has', async () => {
    const { call } = await openPool();
    const { remaining } = await call({}, { timeoutMs: 60_000 });
    expect(remaining).toBeGreaterThan(50_000);
    expect(remaining).toBeLessThanOrEqual(60_000);
  });

  it('drops a waiting call that its caller gave up, and lets a running one finish', async () => {
    const { call } = await openPool();
    const { pid } = await call({});
    const running = new AbortController();
    const waiting = new AbortController();
    const calls = [
      call({ index: 1 }, { signal: running.signal }),
      call({ index: 2 }, { signal: waiting.signal }),
    ];

    running.abort(new Error('enough'));
    waiting.abort();

    for (const given of calls) await expect(given).rejects.toMatchObject({ code: 'Cancelled' });
    await expect(call({}, { signal: waiting.signal })).rejects.toMatchObject({ code: 'Cancelled' });
    expect(await call({})).toMatchObject({ pid, calls: 3 });
  });

  it('passes what a worker writes to the log, each line with the level it had', async () => {
    const { log, seen } = recordingLog();
    const { call } = await openPool(OBEDIENT, { log });

    await call({ say: 'grüße' });

    await seen((line) => line.level === 'info' && line.message === 'grüße' && line.function === 'obedient');
    await seen((line) => line.level === 'warn' && line.message === 'heard' && line.word === 'grüße');
  });

  it('refuses what waits when it closes, and lets what runs finish', async () => {
    const { call, pool } = await openPool(
      `export const handler = async () => { await new Promise((resolve) => setTimeout(resolve, 50)); return 'done'; }`,
    );
    const running = call({});
    while (pool.workerCount === 0) await Promise.resolve();
    const first = await running;
    const last = call({});
    const waiting = call({});

    const closed = pool.close(10_000);

    await expect(waiting).rejects.toMatchObject({ code: 'ShuttingDown', statusCode: 503 });
    expect([first, await last]).toEqual(['done', 'done']);
    await closed;
    expect(pool.workerCount).toBe(0);
    await expect(call({})).rejects.toMatchObject({ code: 'ShuttingDown' });
  });

  it('ends a process that does not listen when it closes', async () => {
    const { call, pool } = await openPool();
    const { pid } = await call({});
    const stuck = call({ hang: true });

    await Promise.all([pool.close(10), expect(stuck).rejects.toMatchObject({ code: 'WorkerLost' })]);

    expect(() => process.kill(pid, 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }));
  });

  it('leaves no worker behind when the server is killed', async () => {
    const bundles = await buildFixtures({ obedient: OBEDIENT });
    const folder = await temporaryFolder();
    // The worker holds a connection to this server, which closes when the worker is gone, and not before.
    const witness = createServer().listen(join(folder, 'witness'));
    onTestFinished(() => void witness.close());
    const held = once(witness, 'connection') as Promise<[Socket]>;
    const script = join(folder, 'server.mjs');
    const poolModule = join(import.meta.dirname, '../../../cli/local/worker-pool.ts');
    const options = { functionName: 'obedient', bundle: bundles.get('obedient'), size: 1, env: {} };
    await writeFile(
      script,
      `import { WorkerPool } from ${JSON.stringify(poolModule)};
       const quiet = () => {};
       const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
       const pool = new WorkerPool({ ...${JSON.stringify(options)}, log });
       await pool.invoke({ hold: ${JSON.stringify(join(folder, 'witness'))} });`,
    );
    const server = fork(script, [], { execArgv: [] });
    const [connection] = await held;

    server.kill('SIGKILL');

    connection.resume();
    await once(connection, 'close');
    expect(server.exitCode).toBeNull();
  });
});
