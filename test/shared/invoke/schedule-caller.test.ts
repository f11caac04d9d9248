import { afterEach, beforeEach, expect, it } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { fireDueTriggers } from '../../../shared/catalog/cron-triggers.ts';
import { createTrigger, updateTrigger } from '../../../shared/catalog/triggers.ts';
import type { Trigger } from '../../../shared/entities/trigger.ts';
import { createHandler } from '../../../shared/invoke/handler.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

const TIME = '2026-01-31T12:05:00Z';

let space: TinyWorkspace;
let trigger: Trigger;
beforeEach(async () => {
  space = await openTinyWorkspace();
  await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
  trigger = await createTrigger(space.platform, LOCAL_ACTOR, {
    name: 'every five minutes',
    type: 'Cron',
    projectId: space.project.id,
    spec: {
      cron: '*/5 * * * *',
      endAt: '2026-01-31T13:00:00.000Z',
      input: { snapshot: space.snapshot.id, items: [space.items.get('/test/4.json')!.id] },
      operation: { type: 'function', functionName: 'predict' },
    },
  });
});
afterEach(() => space.platform.close());

const deliver = (payload: object, spec: typeof predictFunction | typeof trainFunction = predictFunction) =>
  createHandler(
    spec as typeof predictFunction,
    space.container.builtIns,
    async () => space.platform,
  )(payload);
const runs = async () =>
  (await space.platform.store.query('Execution', { filter: { triggerId: { $eq: trigger.id } } })).items;

it('a time that the scheduler tells of twice is one run', async () => {
  const first = await deliver({ trigger: trigger.id, time: TIME });
  const second = await deliver({ trigger: trigger.id, time: TIME });

  expect(second).toEqual(first);
  expect(await runs()).toMatchObject([{ attempts: 1, latestStatus: { status: 'success' }, caller: 'event' }]);
});

it('is the same run that a local server asked for', async () => {
  space.platform.clock.advance(5 * 60_000);
  const [id] = await fireDueTriggers(space.platform);

  expect(await deliver({ trigger: trigger.id, time: TIME })).toEqual({ executions: [id] });
  expect(await runs()).toHaveLength(1);
});

it('is nothing to do for a trigger that is gone, switched off, of another function, or over', async () => {
  const nothing = { executions: [] };
  expect(await deliver({ trigger: 'gone', time: TIME })).toEqual(nothing);
  expect(await deliver({ trigger: trigger.id, time: '2026-01-31T13:05:00Z' })).toEqual(nothing);
  expect(await deliver({ trigger: trigger.id, time: TIME }, trainFunction)).toEqual(nothing);
  await updateTrigger(space.platform, LOCAL_ACTOR, trigger.id, { active: false });
  expect(await deliver({ trigger: trigger.id, time: TIME })).toEqual(nothing);
});

it('fails with what its run failed with, and a time that is none is refused', async () => {
  await space.platform.store.delete('Snapshot', [space.snapshot.id]);

  await expect(deliver({ trigger: trigger.id, time: TIME })).rejects.toMatchObject({
    code: 'EntityNotFound',
  });
  await expect(deliver({ trigger: trigger.id, time: 'noon' })).rejects.toMatchObject({
    code: 'InvalidInput',
  });
  expect(await runs()).toMatchObject([{ latestStatus: { status: 'failed' } }]);
});
