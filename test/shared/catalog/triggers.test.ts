import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createTrigger,
  deleteTrigger,
  getTrigger,
  queryTriggers,
  updateTrigger,
} from '../../../shared/catalog/triggers.ts';
import { openWorkspace, STRANGER, type Workspace } from '../../support/workspace.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.platform.close());

function fields(spec: object = {}) {
  return {
    name: 't1',
    projectId: workspace.project.id,
    spec: {
      filter: { $and: [{ dir: '/in' }] },
      resource: 'Item',
      actions: ['Created'],
      operation: { type: 'function', functionName: 'predict' },
      ...spec,
    },
  };
}

describe('triggers', () => {
  it('a new one is active, fires once a resource, and reads back as it was answered', async () => {
    const { platform, actor } = workspace;

    const trigger = await createTrigger(platform, actor, { ...fields(), id: 'noise', scope: null });

    expect(trigger).toMatchObject({
      active: true,
      type: 'Event',
      spec: { executionMode: 'Once', input: {} },
    });
    expect(await getTrigger(platform, actor, trigger.id)).toEqual(trigger);
    expect((await queryTriggers(platform, actor, { resource: 'triggers' })).items).toEqual([trigger]);
  });

  it('a function that does not exist is refused with the nearest one', async () => {
    const { platform, actor } = workspace;
    const spec = { operation: { type: 'function', functionName: 'predcit' } };

    await expect(createTrigger(platform, actor, fields(spec))).rejects.toMatchObject({
      code: 'UnknownFunction',
      statusCode: 400,
      message: expect.stringContaining('nearest is predict'),
    });
  });

  it.each([
    [{ filter: { $and: [{ name: { $nope: 1 } }] } }, 'InvalidFilter'],
    [{ resource: 'Planet' }, 'InvalidInput'],
    [{ actions: [] }, 'InvalidInput'],
    [{ operation: { type: 'webhook', webhookId: 'w' } }, 'InvalidInput'],
  ])('a spec that could never run is refused when it is made: %j', async (spec, code) => {
    const { platform, actor } = workspace;

    await expect(createTrigger(platform, actor, fields(spec))).rejects.toMatchObject({ code });
    expect(await platform.store.count('Trigger', {})).toBe(0);
  });

  it('a whole trigger sent back changes only what is the caller’s', async () => {
    const { platform, actor } = workspace;
    const trigger = await createTrigger(platform, actor, fields());
    platform.clock.advance(1000);

    expect(await updateTrigger(platform, actor, trigger.id, { ...trigger, url: 'u' })).toEqual(trigger);
    const off = await updateTrigger(platform, actor, trigger.id, {
      ...trigger,
      active: false,
      projectId: 'x',
    });
    expect(off).toMatchObject({ active: false, projectId: trigger.projectId });
    expect(off.updatedAt > trigger.updatedAt).toBe(true);
  });

  it('an update to a broken filter leaves the trigger as it was', async () => {
    const { platform, actor } = workspace;
    const trigger = await createTrigger(platform, actor, fields());

    await expect(
      updateTrigger(platform, actor, trigger.id, fields({ filter: { $or: 'x' } })),
    ).rejects.toMatchObject({ code: 'InvalidFilter' });
    expect(await getTrigger(platform, actor, trigger.id)).toEqual(trigger);
  });

  it('a stranger finds none', async () => {
    const { platform, actor } = workspace;
    const { id } = await createTrigger(platform, actor, fields());

    for (const attempt of [
      () => getTrigger(platform, STRANGER, id),
      () => updateTrigger(platform, STRANGER, id, { active: false }),
      () => deleteTrigger(platform, STRANGER, id),
      () => createTrigger(platform, STRANGER, fields()),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'EntityNotFound' });
    await deleteTrigger(platform, actor, id);
    await expect(getTrigger(platform, actor, id)).rejects.toMatchObject({ code: 'EntityNotFound' });
  });
});
