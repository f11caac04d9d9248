import { expect, it, onTestFinished } from 'vitest';
import { CronClock } from '../../../cli/local/cron-clock.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import { silentLog } from '../../../shared/log.ts';
import { openWorkspace } from '../../support/workspace.ts';
import { recordingLog } from './fixture-functions.ts';
import { heldTimers } from './held-timers.ts';

async function open(log = silentLog) {
  const workspace = await openWorkspace();
  const { platform, actor, project } = workspace;
  await createTrigger(platform, actor, {
    name: 'hourly',
    type: 'Cron',
    projectId: project.id,
    spec: { cron: '0 * * * *', operation: { type: 'function', functionName: 'evaluate' } },
  });
  const time = heldTimers();
  const cron = new CronClock({ platform, log, timers: time.timers });
  onTestFinished(async () => {
    await cron.close();
    await platform.close();
  });
  const runs = () => platform.store.count('Execution', {});
  return { ...workspace, ...time, cron, runs };
}

it('looks at the start of every minute and fires what is due', async () => {
  const { platform, cron, fire, delays, runs } = await open();
  platform.clock.advance(59 * 60_000 + 30_000);
  await cron.look();
  expect([await runs(), delays]).toEqual([0, [30_000]]);

  platform.clock.advance(30_000);
  fire();
  while ((await runs()) === 0) await new Promise(setImmediate);

  expect(await runs()).toBe(1);
});

it('fires at the start what was missed, the latest time of it', async () => {
  const { platform, cron, runs } = await open();
  platform.clock.advance(5 * 60 * 60_000);

  await cron.look();

  expect(await runs()).toBe(1);
});

it('goes on after a look at a store that was away', async () => {
  const { log, lines } = recordingLog();
  const { platform, cron, runs, delays } = await open(log);
  platform.clock.advance(60 * 60_000);
  const { query } = platform.store;
  platform.store.query = () => Promise.reject(new Error('away'));
  await cron.look();
  platform.store.query = query.bind(platform.store);

  await cron.look();

  expect(lines.map(({ message }) => message)).toEqual(['triggers cannot be fired', 'trigger fired']);
  expect([await runs(), delays.length]).toEqual([1, 2]);
});

it('fires nothing once it is closed', async () => {
  const { platform, cron, runs, pending } = await open();
  await cron.look();
  await cron.close();
  platform.clock.advance(60 * 60_000);

  await cron.look();

  expect([await runs(), pending.length]).toEqual([0, 0]);
});
