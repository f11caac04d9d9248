import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PipelineRunner } from '../../../cli/local/pipeline-runner.ts';
import { createPipeline, executePipeline } from '../../../shared/catalog/pipelines.ts';
import { silentLog } from '../../../shared/log.ts';
import { claimPipeline, runnerLease } from '../../../shared/pipelines/runner-lease.ts';
import { trainAndPredict } from '../../shared/pipelines/graphs.ts';
import { openWorkspace, type Workspace } from '../../support/workspace.ts';
import { recordingLog } from './fixture-functions.ts';

/** Polls only when it is woken. */
const NO_TIMERS = { setTimeout: () => undefined, clearTimeout: () => undefined };

describe('the runner of pipelines', () => {
  let space: Workspace;
  beforeEach(async () => {
    space = await openWorkspace();
  });
  afterEach(() => space.platform.close());

  const record = async () => {
    const { platform, actor, project } = space;
    const drawn = { ...trainAndPredict(), name: `p-${platform.ids.objectId()}`, projectId: project.id };
    const pipeline = await createPipeline(platform, actor, drawn);
    return executePipeline(platform, actor, pipeline.id, { input: { snapshot: 's1' } });
  };
  const statusOf = async (id: string) => (await space.platform.store.get('PipelineExecution', id))!.status;
  const answers = async (name: string) => ({
    snapshot: { id: 's1' },
    ...(name === 'evaluate' && { metrics: { accuracy: 1 } }),
  });
  const runner = (invoke: (name: string) => Promise<unknown>, log = silentLog) =>
    new PipelineRunner({ platform: space.platform, functions: { invoke }, log, timers: NO_TIMERS });

  it('begins what is recorded, runs its nodes and ends it', async () => {
    const execution = await record();
    const called: string[] = [];
    const running = runner((name) => {
      called.push(name);
      return answers(name);
    });

    await running.wake();
    await running.drained();

    expect(called).toEqual(['train', 'evaluate', 'predict']);
    expect(await statusOf(execution.id)).toBe('success');
  });

  it('leaves a run to the command that runs it, and records it as failed when that command is gone', async () => {
    const { platform } = space;
    const { id } = await record();
    const byCommand = await runnerLease(platform, 'command');
    await platform.store.update('PipelineExecution', id, (current) => ({ ...current, runner: byCommand }));
    const called: string[] = [];
    const running = runner((name) => {
      called.push(name);
      return answers(name);
    });

    await running.wake();
    await running.drained();
    expect(await statusOf(id)).toBe('created');
    platform.clock.advance(platform.config.leaseMs);
    await running.wake();
    await running.drained();

    expect(called).toEqual([]);
    expect(await platform.store.get('PipelineExecution', id)).toMatchObject({
      status: 'failed',
      error: {
        code: 'PipelineAbandoned',
        message: expect.stringContaining(`modelfn pipelines resume ${id}`),
      },
    });
  });

  it('lets a command resume a run that was left behind, once, and none that a server runs or that ended well', async () => {
    const { platform } = space;
    const { id } = await record();
    const claim = () => claimPipeline(platform, id, 'command');
    const refused = { code: 'PipelineNotResumable', statusCode: 409 };

    await expect(claim()).rejects.toMatchObject(refused);
    await platform.store.update('PipelineExecution', id, (current) => ({ ...current, status: 'failed' }));
    expect(await claim()).toMatchObject({ status: 'inProgress', runner: { holder: 'command' } });
    await expect(claim()).rejects.toMatchObject(refused);
    platform.clock.advance(platform.config.leaseMs);
    expect(await claim()).toMatchObject({ status: 'inProgress' });
    await platform.store.update('PipelineExecution', id, (current) => ({ ...current, status: 'success' }));
    await expect(claim()).rejects.toMatchObject(refused);
  });

  it('does not begin a run twice', async () => {
    await record();
    const called: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = runner(async (name) => {
      called.push(name);
      await promise;
      return answers(name);
    });

    await running.wake();
    await running.wake();
    resolve();
    await running.drained();

    expect(called.filter((name) => name === 'train')).toHaveLength(1);
  });

  it('closed in the middle, leaves the run to the next start, which continues it', async () => {
    const execution = await record();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const first = runner(async (name) => {
      enter();
      await promise;
      return answers(name);
    });
    await first.wake();
    await entered;
    const closing = first.close();
    resolve();
    await closing;
    expect(await statusOf(execution.id)).toBe('inProgress');

    const second = runner(answers);
    await second.wake();
    await second.drained();

    expect(await statusOf(execution.id)).toBe('success');
  });

  it('tells the log of a run that failed', async () => {
    const execution = await record();
    const { log, lines } = recordingLog();
    const running = runner(() => Promise.reject(Object.assign(new Error('no'), { name: 'Broken' })), log);

    await running.wake();
    await running.drained();

    expect(await statusOf(execution.id)).toBe('failed');
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'pipeline failed', execution: execution.id }),
    );
  });
});
