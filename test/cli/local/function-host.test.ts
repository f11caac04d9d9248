import { describe, expect, it, onTestFinished } from 'vitest';
import { FunctionHost } from '../../../cli/local/function-host.ts';
import { silentLog } from '../../../shared/log.ts';
import { buildFixtures, recordingLog } from './fixture-functions.ts';
import { heldTimers } from './held-timers.ts';
import { type Answer, OBEDIENT } from './obedient-function.ts';

describe('FunctionHost', () => {
  async function openHost(log = silentLog, timers = heldTimers().timers) {
    const bundles = await buildFixtures({ obedient: OBEDIENT });
    const host = new FunctionHost({ bundles, workersPerFunction: 1, env: {}, log, timers });
    onTestFinished(() => host.close());
    return host;
  }

  it('names the functions there are when asked for another', async () => {
    const host = await openHost();
    await expect(host.invoke('trian', {})).rejects.toMatchObject({
      code: 'FunctionNotFound',
      statusCode: 404,
      details: { functions: ['obedient'] },
    });
  });

  it('gives a call 15 minutes, and work in the background no limit', async () => {
    const { log, seen } = recordingLog();
    const host = await openHost(log);
    const { remaining } = (await host.invoke('obedient', {})) as Answer;
    expect(Math.round(remaining / 60_000)).toBe(15);

    host.dispatch('obedient', { tell: true });

    await seen(({ message }) => message === 'remaining Infinity');
  });

  it('answers a call while work in the background takes all of its processes', async () => {
    const { log, seen } = recordingLog();
    const host = await openHost(log);
    host.dispatch('obedient', { say: 'busy', hang: true });
    await seen(({ message }) => message === 'busy');

    expect(await host.invoke('obedient', {})).toMatchObject({ calls: 1 });
  });

  it('repeats work in the background whose process was lost, twice, and knows it as under way until then', async () => {
    const { log, seen, lines } = recordingLog();
    const time = heldTimers();
    const host = await openHost(log, time.timers);

    host.dispatch('obedient', { exit: 4, executionId: 'e1' });
    while (!lines.some(({ message }) => message === 'background invocation failed')) {
      expect(host.isUnderWay('e1')).toBe(true);
      time.fire();
      await new Promise(setImmediate);
    }

    expect(time.delays).toEqual([1_000, 1_000]);
    expect(await seen(({ message }) => message === 'background invocation failed')).toMatchObject({
      function: 'obedient',
      code: 'WorkerLost',
      level: 'error',
    });
    await new Promise(setImmediate);
    expect(host.isUnderWay('e1')).toBe(false);
  });

  it('does not repeat what failed for good, and drops repetitions when it closes', async () => {
    const { log, seen } = recordingLog();
    const time = heldTimers();
    const host = await openHost(log, time.timers);
    host.dispatch('obedient', { crash: 'boom', fruit: 'planted secret' });
    const line = await seen(({ message }) => message === 'background invocation failed');
    expect(line).toMatchObject({ function: 'obedient', code: 'InternalError', level: 'error' });
    expect(JSON.stringify(line)).not.toContain('planted secret');
    expect(time.delays).toEqual([]);

    host.dispatch('obedient', { exit: 4 });
    await seen(({ message }) => message === 'background invocation is repeated');
    await host.close();

    expect(time.pending).toEqual([]);
  });

  it('runs what a function dispatches after the function answered', async () => {
    const { log, seen } = recordingLog();
    const host = await openHost(log);

    expect(await host.invoke('obedient', { again: 'later' })).toMatchObject({ calls: 1 });

    await seen(({ message }) => message === 'later');
  });
});
