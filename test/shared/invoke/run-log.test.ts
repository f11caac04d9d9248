import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { readExecutionLogs } from '../../../shared/catalog/execution-logs.ts';
import { queryServiceLogs } from '../../../shared/catalog/service-logs.ts';
import { readConfig } from '../../../shared/config.ts';
import { LOG_LIMITS } from '../../../shared/entities/log-line.ts';
import { callFromPipeline } from '../../../shared/invoke/callers/pipeline.ts';
import { RunLog, toStore } from '../../../shared/invoke/run-log.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

/** Of this process, whatever else declares one. */
const { console } = globalThis as unknown as { console: Console };
// What the adapters below say belongs into logs, not among the results.
for (const method of ['log', 'warn', 'error'] as const) console[method] = () => undefined;

let space: TinyWorkspace;
beforeEach(async () => {
  const { secrets } = readConfig({ MODELFN_SECRET_TOKEN: 'hunter2-planted' });
  space = await openTinyWorkspace({ config: { secrets } });
});
afterEach(() => space.platform.close());

const logsOf = async (id: string) => (await readExecutionLogs(space.platform, LOCAL_ACTOR, id)).logs;
const train = (executionId: string) =>
  callFromPipeline(
    space.container,
    trainFunction,
    { inputs: { snapshot: space.snapshot.id }, executionId },
    undefined,
  );

describe('the log of an execution', () => {
  it('has what its adapter said on the console, and of a run beside it nothing', async () => {
    const other = new RunLog(space.platform, toStore(space.platform.store, 'e2'));
    space.probe.onTrain = () => {
      console.log('epoch %d of %d', 1, 2);
      console.error('watch out');
      other.log.info('elsewhere');
    };

    await train('e1');

    expect(await logsOf('e1')).toEqual([
      { timestamp: expect.any(String), level: 'info', message: 'epoch 1 of 2' },
      { timestamp: expect.any(String), level: 'error', message: 'watch out' },
    ]);
  });

  it('is kept of a run that fails', async () => {
    space.probe.onTrain = () => {
      console.warn('nearly there');
      throw new Error('lost');
    };

    await expect(train('e1')).rejects.toThrow();

    expect((await logsOf('e1')).map(({ message }) => message)).toEqual(['nearly there']);
  });

  it('is kept of a call in place, in the write that records it', async () => {
    await train('e1');
    space.probe.onPredict = () => console.log('predicting');

    await callFromPipeline(
      space.container,
      predictFunction,
      { inputs: { snapshot: space.snapshot.id, item: space.items.get('/test/0.json')!.id } },
      undefined,
    );

    const [run] = (await space.platform.store.query('Execution', { filter: { functionName: 'predict' } }))
      .items;
    expect((await logsOf(run!.id)).map(({ message }) => message)).toEqual(['predicting']);
  });

  it('costs no write when nothing was logged', async () => {
    let writes = 0;
    const { store } = space.platform;
    store.appendLogs = async () => {
      writes += 1;
    };

    await train('e1');

    expect(writes).toBe(0);
  });

  it('shows no secret: values of the environment, credentials in addresses and headers', async () => {
    space.probe.onTrain = () => {
      console.log('token hunter2-planted');
      console.log('cloning https://me:pass-planted@example.org/x.git');
      console.log('sent Authorization: Bearer abcdefgh-planted');
    };

    await train('e1');

    expect((await logsOf('e1')).map(({ message }) => message)).toEqual([
      'token [MODELFN_SECRET_TOKEN]',
      'cloning https://***@example.org/x.git',
      'sent Authorization: Bearer ***',
    ]);
  });

  it('keeps the newest of too many lines and says how many it dropped, however they came', async () => {
    await train('e1');
    const { store } = space.platform;

    for (const batch of [3, LOG_LIMITS.lines * 3, 5]) {
      const log = new RunLog(space.platform, toStore(store, 'e1'));
      for (let line = 0; line < batch; line += 1) log.add('info', `${batch}: ${line}`);
      await log.end();
    }

    const lines = await logsOf('e1');
    expect(lines).toHaveLength(LOG_LIMITS.lines + 1);
    expect(lines[0]!.message).toMatch(
      new RegExp(`^${3 + LOG_LIMITS.lines * 3 + 5 - LOG_LIMITS.lines} earlier`),
    );
    expect(lines.at(-1)!.message).toBe('5: 4');
  });

  it('keeps no more text than its limit, and cuts a line that is longer than one may be', async () => {
    await train('e1');
    const log = new RunLog(space.platform, toStore(space.platform.store, 'e1'));
    for (let line = 0; line < 200; line += 1) log.add('info', 'x'.repeat(100_000));
    await log.end();

    const lines = await logsOf('e1');
    const characters = lines.reduce((sum, { message }) => sum + message.length, 0);
    expect(characters).toBeLessThan(LOG_LIMITS.characters + 1_000);
    expect(lines.at(-1)!.message).toMatch(/^x{8192}\.\.\. \(100000 characters\)$/);
  });

  it('that cannot be written fails no run', async () => {
    space.probe.onTrain = () => console.log('lost');
    space.platform.store.appendLogs = () => Promise.reject(new Error('disk full'));

    expect(await train('e1')).toMatchObject({ snapshot: { revision: 1 } });
  });

  it('is read part after part, up to the end of a run that ended', async () => {
    space.probe.onTrain = () => {
      for (const line of ['one', 'two', 'three']) console.log(line);
    };
    await train('e1');

    const first = await readExecutionLogs(space.platform, LOCAL_ACTOR, 'e1', { limit: 2 });
    const rest = await readExecutionLogs(space.platform, LOCAL_ACTOR, 'e1', {
      after: first.checkpoint,
      limit: 2,
    });

    expect([first.logs, first.stop]).toMatchObject([[{ message: 'one' }, { message: 'two' }], false]);
    expect([rest.logs, rest.stop]).toMatchObject([[{ message: 'three' }], true]);
  });

  it('goes with its execution', async () => {
    space.probe.onTrain = () => console.log('one');
    await train('e1');

    await space.platform.store.delete('Execution', ['e1']);

    expect(await space.platform.store.readLogs('e1', { after: 0, limit: 10 })).toEqual([]);
    await expect(logsOf('e1')).rejects.toMatchObject({ code: 'EntityNotFound' });
  });

  it('answers the client that asks a service for it', async () => {
    space.probe.onTrain = () => {
      console.log('one');
      console.log('two');
    };
    await train('e1');
    const body = { serviceId: 's1', follow: false, system: false, executionId: 'e1', start: null };

    expect(
      await queryServiceLogs(space.platform, LOCAL_ACTOR, 's1', { ...body, direction: 'desc' }),
    ).toMatchObject({
      logs: [{ message: 'two' }, { message: 'one' }],
      stop: true,
    });
    expect(await queryServiceLogs(space.platform, LOCAL_ACTOR, 's1', { ...body, text: 'tw' })).toMatchObject({
      logs: [{ message: 'two' }],
    });
    await expect(queryServiceLogs(space.platform, LOCAL_ACTOR, 's1', { start: null })).rejects.toMatchObject({
      code: 'EntityNotFound',
    });
  });
});
