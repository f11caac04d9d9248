import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fireDueTriggers } from '../../../shared/catalog/cron-triggers.ts';
import { createTrigger, queryTriggers, updateTrigger } from '../../../shared/catalog/triggers.ts';
import { faultyStore } from '../../support/faulty-store.ts';
import { openWorkspace, takeEvents, type Workspace } from '../../support/workspace.ts';

const MINUTE_MS = 60_000;

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.platform.close());

const fields = (spec: object = {}) => ({
  name: 'every five minutes',
  type: 'Cron',
  projectId: workspace.project.id,
  spec: {
    cron: '*/5 * * * *',
    input: { snapshot: 's1' },
    operation: { type: 'function', functionName: 'evaluate' },
    ...spec,
  },
});
const make = (spec: object = {}) => createTrigger(workspace.platform, workspace.actor, fields(spec));
const executions = async () => (await workspace.platform.store.query('Execution', {})).items;

describe('a cron trigger', () => {
  it('is made with the fields of the contract', async () => {
    expect(await make()).toMatchObject({
      type: 'Cron',
      active: true,
      spec: { cron: '*/5 * * * *', startAt: null, endAt: null, input: { snapshot: 's1' } },
    });
  });

  it.each([
    [{ cron: '0 0 30 2 *' }, 'CronNeverFires'],
    [{ cron: 'every day' }, 'InvalidCron'],
    [{ startAt: 'tomorrow' }, 'InvalidInput'],
    [{ operation: { type: 'function', functionName: 'dream' } }, 'UnknownFunction'],
  ])('with %j is refused and not made', async (spec, code) => {
    await expect(make(spec)).rejects.toMatchObject({ code, statusCode: 400 });

    expect((await queryTriggers(workspace.platform, workspace.actor, {})).items).toEqual([]);
  });

  it('is not changed to one that never fires', async () => {
    const { platform, actor } = workspace;
    const trigger = await make();

    await expect(
      updateTrigger(platform, actor, trigger.id, { spec: { ...trigger.spec, cron: '0 0 30 2 *' } }),
    ).rejects.toMatchObject({ code: 'CronNeverFires' });
    expect((await queryTriggers(platform, actor, {})).items).toEqual([trigger]);
  });

  it('has one run for a time, whoever fires it and however often', async () => {
    const { platform } = workspace;
    const trigger = await make();
    platform.clock.advance(5 * MINUTE_MS);

    const fired = await Promise.all([1, 2, 3].map(() => fireDueTriggers(platform)));
    const later = await fireDueTriggers(platform);

    expect([...fired.flat(), ...later]).toHaveLength(1);
    expect(await executions()).toMatchObject([
      {
        functionName: 'evaluate',
        triggerId: trigger.id,
        input: { snapshot: 's1' },
        projectId: trigger.projectId,
      },
    ]);
    expect(await takeEvents(platform)).toMatchObject([
      { resource: 'Execution', body: { functionName: 'evaluate' } },
    ]);
  });

  it('has a run at each of its times', async () => {
    const { platform } = workspace;
    await make();

    for (let minute = 0; minute < 15; minute += 1) {
      platform.clock.advance(MINUTE_MS);
      await fireDueTriggers(platform);
    }

    expect(await executions()).toHaveLength(3);
  });

  it('of the times it missed has the latest one alone', async () => {
    const { platform } = workspace;
    await make();
    platform.clock.advance(60 * MINUTE_MS);

    await fireDueTriggers(platform);

    expect(await executions()).toHaveLength(1);
  });

  it('fires nothing for a time before it was made, changed or switched on again', async () => {
    const { platform, actor } = workspace;
    platform.clock.advance(MINUTE_MS);
    const trigger = await make();
    await fireDueTriggers(platform);
    await updateTrigger(platform, actor, trigger.id, { active: false });
    platform.clock.advance(10 * MINUTE_MS);
    await fireDueTriggers(platform);
    await updateTrigger(platform, actor, trigger.id, { active: true });
    await fireDueTriggers(platform);

    expect(await executions()).toEqual([]);
  });

  it('whose event cannot be written has no run yet, and has it with the next look', async () => {
    const { platform } = workspace;
    await make();
    platform.clock.advance(5 * MINUTE_MS);

    const faulty = { ...platform, store: faultyStore(platform.store, 1) };
    await expect(fireDueTriggers(faulty)).rejects.toThrow('write 1');
    expect(await executions()).toEqual([]);
    await fireDueTriggers(platform);

    expect(await executions()).toHaveLength(1);
  });
});
