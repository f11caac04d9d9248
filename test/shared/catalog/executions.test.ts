import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  addProgress,
  getExecution,
  queryExecutions,
  terminateExecution,
} from '../../../shared/catalog/executions.ts';
import { newExecution, renewExecution } from '../../../shared/invoke/executions.ts';
import { openWorkspace, STRANGER, type Workspace } from '../../support/workspace.ts';
import { runningExecution } from './model-workspace.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.platform.close());

/** One that is recorded and that nobody has begun. */
async function waiting(id = 'e1', inProject = true): Promise<string> {
  const { platform, actor, project } = workspace;
  const projectId = inProject ? project.id : undefined;
  const call = { functionName: 'train', input: {}, projectId, caller: 'http' as const, actor };
  await platform.store.insert('Execution', [newExecution(platform, id, call)]);
  return id;
}

describe('terminating', () => {
  it('tells the container that holds the run, and leaves the end to it', async () => {
    const { platform, actor } = workspace;
    const { id } = await runningExecution(workspace, 'e1');

    const asked = await terminateExecution(platform, actor, id);

    expect(asked).toMatchObject({ toTerminate: true, latestStatus: { status: 'inProgress' } });
    expect(await renewExecution(platform, id, 'holder-1', undefined)).toEqual({ toTerminate: true });
  });

  it('ends a run that nobody holds, as the platform words it', async () => {
    const { platform, actor } = workspace;
    const id = await waiting();

    const ended = await terminateExecution(platform, actor, id);

    expect(ended).toMatchObject({
      toTerminate: true,
      latestStatus: { status: 'failed', message: expect.stringContaining('InterruptedError') },
      error: { code: 'Cancelled' },
    });
    platform.clock.advance(1000);
    expect(await terminateExecution(platform, actor, id)).toEqual(ended);
  });
});

describe('progress reports', () => {
  it('a report moves the progress of a run that waits', async () => {
    const { platform, actor } = workspace;
    const id = await waiting();

    const report = { status: 'inProgress', percentComplete: 40, message: 'half' };
    const moved = await addProgress(platform, actor, id, report);

    expect(moved.latestStatus).toMatchObject(report);
    expect(moved.status.map(({ status }) => status)).toEqual(['created', 'inProgress']);
  });

  it.each([
    { status: 'completed' },
    { status: 'success', output: { weights: { bucket: { type: 'local' } } } },
    { status: 'failed', message: 'no memory' },
    { status: 'inProgress', output: { n: 1 } },
  ])(
    'a result is refused from anyone but the holder, whether the run waits or is held: %j',
    async (report) => {
      const { platform, actor } = workspace;
      const held = await runningExecution(workspace, 'held');
      for (const id of [await waiting(), held.id]) {
        const before = await getExecution(platform, actor, id);

        const reported = addProgress(platform, actor, id, report);

        await expect(reported).rejects.toMatchObject({ code: 'ResultRefused', statusCode: 403 });
        expect(await getExecution(platform, actor, id)).toEqual(before);
      }
    },
  );

  it('the end that a run has had is accepted again, another end or an output is not', async () => {
    const { platform, actor } = workspace;
    const id = await waiting();
    const ended = await terminateExecution(platform, actor, id);

    expect(await addProgress(platform, actor, id, { status: 'failed' })).toEqual(ended);
    for (const report of [{ status: 'completed' }, { status: 'failed', output: 1 }])
      await expect(addProgress(platform, actor, id, report)).rejects.toMatchObject({
        code: 'ExecutionFinished',
        statusCode: 409,
      });
  });

  it.each([
    {},
    { status: 'in-progress' },
    { status: 'inProgress', percentComplete: 101 },
    { status: 'created' },
  ])('%j is refused', async (report) => {
    const { platform, actor } = workspace;
    const id = await waiting();

    await expect(addProgress(platform, actor, id, report)).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it('the log keeps its first entry and the latest ones, however many come', async () => {
    const { platform, actor } = workspace;
    const id = await waiting();
    for (let percentComplete = 1; percentComplete <= 100; percentComplete += 1)
      await addProgress(platform, actor, id, { status: 'inProgress', percentComplete });
    const { status } = await addProgress(platform, actor, id, { status: 'inProgress', percentComplete: 100 });

    expect(status).toHaveLength(100);
    expect(status[0]?.status).toBe('created');
    expect(status[1]?.percentComplete).toBe(3);
  });
});

describe('who sees an execution', () => {
  it('a stranger sees none of the project', async () => {
    const { platform } = workspace;
    const id = await waiting();

    for (const attempt of [
      () => getExecution(platform, STRANGER, id),
      () => terminateExecution(platform, STRANGER, id),
      () => addProgress(platform, STRANGER, id, { status: 'failed' }),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'EntityNotFound' });
    expect((await queryExecutions(platform, STRANGER, {})).items).toEqual([]);
    expect((await queryExecutions(platform, workspace.actor, {})).items).toHaveLength(1);
  });

  it('one without a project is seen by who asked for it', async () => {
    const { platform, actor } = workspace;
    const id = await waiting('e2', false);

    expect(await getExecution(platform, { email: actor.email, projectIds: [] }, id)).toMatchObject({ id });
    await expect(getExecution(platform, STRANGER, id)).rejects.toMatchObject({ code: 'EntityNotFound' });
  });
});
