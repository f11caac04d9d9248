import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { type ReapOptions, reapExecutions } from '../../../shared/catalog/abandoned-executions.ts';
import { terminateExecution } from '../../../shared/catalog/executions.ts';
import type { Execution } from '../../../shared/entities/execution.ts';
import type { PipelineExecution } from '../../../shared/entities/pipeline.ts';
import { callFromPipeline } from '../../../shared/invoke/callers/pipeline.ts';
import { claimExecution, newExecution, yieldExecution } from '../../../shared/invoke/executions.ts';
import type { FunctionSpec } from '../../../shared/invoke/function-spec.ts';
import type { Invocation } from '../../../shared/invoke/invocation.ts';
import { beginRun } from '../../../shared/snapshots/snapshot-run.ts';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';
import { takeEvents } from '../../support/workspace.ts';

const LEASE_MS = 30_000;

let space: TinyWorkspace;
let call: Invocation;
beforeEach(async () => {
  space = await openTinyWorkspace();
  await takeEvents(space.platform);
  call = {
    functionName: 'train',
    input: { snapshot: space.snapshot.id },
    projectId: space.project.id,
    caller: 'http',
    actor: LOCAL_ACTOR,
  };
});
afterEach(() => space.platform.close());

const reap = (options: Partial<ReapOptions> = {}) =>
  reapExecutions(space.platform, { graceMs: 1_000, ...options });
const execution = async (id: string) => (await space.platform.store.get('Execution', id))!;
const delivered = async () =>
  (await takeEvents(space.platform))
    .filter(({ resource }) => resource === 'Execution')
    .map(({ resourceId, body }) => [resourceId, body?.functionName]);

/** A run whose container was killed after it claimed it. */
async function killed(id: string, overrides: Partial<Invocation> = {}): Promise<Execution> {
  return claimExecution(space.platform, id, { ...call, ...overrides }, 'lost');
}

async function accepted(id: string): Promise<void> {
  await space.platform.store.insert('Execution', [newExecution(space.platform, id, call)]);
}

describe('a run whose container was lost', () => {
  it('is begun again when its lease has ended, and ends as if nothing had happened', async () => {
    await killed('e1');
    expect(await reap()).toEqual({ resumed: 0, ended: 0 });
    space.platform.clock.advance(LEASE_MS + 1_000);

    expect(await reap()).toEqual({ resumed: 1, ended: 0 });
    expect(await reap()).toEqual({ resumed: 0, ended: 0 });

    expect(await delivered()).toEqual([['e1', 'train']]);
    await runInPlace(space.container, trainFunction, call.input, 'e1');
    expect(await execution('e1')).toMatchObject({ attempts: 2, latestStatus: { status: 'success' } });
  });

  it('was accepted and not begun: it is begun when the next server starts, or when its server forgot it', async () => {
    await accepted('e1');
    await accepted('e2');

    expect(await reap({ isUnderWay: () => true, atStart: true, graceMs: 0 })).toEqual({
      resumed: 0,
      ended: 0,
    });
    expect(await reap()).toEqual({ resumed: 0, ended: 0 });
    expect(await reap({ atStart: true, graceMs: 0, isUnderWay: (id) => id === 'e2' })).toMatchObject({
      resumed: 1,
    });
    space.platform.clock.advance(1_000);
    expect(await reap()).toMatchObject({ resumed: 1 });

    expect(await delivered()).toEqual([
      ['e1', 'train'],
      ['e2', 'train'],
    ]);
  });

  it('waits for its next slice: it goes on when the next server starts', async () => {
    await killed('e1');
    await yieldExecution(space.platform, 'e1', 'lost', { durationMs: 1, percentComplete: 10 });

    expect(await reap({ graceMs: 0 })).toEqual({ resumed: 0, ended: 0 });
    expect(await reap({ graceMs: 0, atStart: true })).toEqual({ resumed: 1, ended: 0 });
  });

  it('has no attempt left: it has failed, and its snapshot is free', async () => {
    for (const holder of ['a', 'b', 'c']) {
      await claimExecution(space.platform, 'e1', call, holder);
      space.platform.clock.advance(LEASE_MS + 1_000);
    }
    await beginRun(space.platform, space.snapshot, 'e1');

    expect(await reap()).toEqual({ resumed: 0, ended: 1 });

    expect(await execution('e1')).toMatchObject({ lease: null, error: { code: 'AttemptsExhausted' } });
    expect(await space.platform.store.get('Snapshot', space.snapshot.id)).toMatchObject({
      run: null,
      status: 'failed',
    });
    expect(await delivered()).toEqual([]);
  });

  it('was begun on the command line: it has failed with advice, whichever process finds it first', async () => {
    await callFromPipeline(
      space.container,
      trainFunction as unknown as FunctionSpec,
      { inputs: call.input, executionId: 'done', context: { caller: 'cli' } },
      undefined,
    );
    await killed('e1', { caller: (await execution('done')).caller as 'cli' });
    await killed('e2');
    space.platform.clock.advance(LEASE_MS + 1_000);

    expect(await reap({ only: 'cli' })).toEqual({ resumed: 0, ended: 1 });

    expect((await execution('e1')).error).toMatchObject({
      code: 'ExecutionAbandoned',
      message: expect.stringContaining('run the command again'),
    });
    expect((await execution('e2')).error).toBeNull();
  });

  it('was asked to stop: it is recorded as stopped', async () => {
    await killed('e1');
    await terminateExecution(space.platform, LOCAL_ACTOR, 'e1');
    space.platform.clock.advance(LEASE_MS + 1_000);

    expect(await reap()).toEqual({ resumed: 0, ended: 1 });
    expect((await execution('e1')).error).toMatchObject({ code: 'Cancelled' });
  });

  it('is never begun by the container that should: it has failed after five times', async () => {
    await accepted('e1');
    const rounds = [];
    for (let round = 0; round < 6; round += 1) {
      space.platform.clock.advance(16 * 60_000);
      rounds.push(await reap());
    }

    expect(rounds.map(({ resumed, ended }) => [resumed, ended])).toEqual([...Array(5).fill([1, 0]), [0, 1]]);
    expect((await execution('e1')).error).toMatchObject({ code: 'ExecutionAbandoned' });
  });

  it('is a node of a pipeline: it is left to its pipeline while that goes on', async () => {
    const pipeline = { executionId: 'p1', nodeId: 'n1' };
    const run = { id: 'p1', projectId: space.project.id, pipelineId: 'x', status: 'inProgress' };
    await space.platform.store.insert('PipelineExecution', [run as unknown as PipelineExecution]);
    await killed('e1', { caller: 'pipeline', pipeline });
    space.platform.clock.advance(LEASE_MS + 1_000);

    expect(await reap()).toEqual({ resumed: 0, ended: 0 });
    await space.platform.store.update('PipelineExecution', 'p1', (current) => ({
      ...current,
      status: 'failed',
    }));
    expect(await reap()).toEqual({ resumed: 0, ended: 1 });
  });

  it('cannot be written: it is logged, and the others are resumed all the same', async () => {
    await killed('e1');
    await killed('e2');
    space.platform.clock.advance(LEASE_MS + 1_000);
    const { store } = space.platform;
    const refusing = (open: EntityStore): EntityStore =>
      new Proxy(open, {
        get: (target, name) => {
          if (name === 'transaction')
            return (work: (inner: EntityStore) => Promise<unknown>) =>
              target.transaction((inner) => work(refusing(inner)));
          if (name === 'update')
            return (kind: 'Execution', id: string, change: (current: Execution) => Execution) =>
              id === 'e1' ? Promise.reject(new Error('bad row')) : target.update(kind, id, change);
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });

    expect(await reapExecutions({ ...space.platform, store: refusing(store) }, { graceMs: 0 })).toEqual({
      resumed: 1,
      ended: 0,
    });
    expect(await delivered()).toEqual([['e2', 'train']]);
  });

  it('was reported as in progress by a client and never begun: it is begun all the same', async () => {
    await accepted('e1');
    await space.platform.store.update('Execution', 'e1', (current) => ({
      ...current,
      latestStatus: { ...current.latestStatus, status: 'inProgress' },
    }));
    space.platform.clock.advance(1_000);

    expect(await reap()).toEqual({ resumed: 1, ended: 0 });
  });
});

describe('a lease that ends later than its length from now, since the clock went back', () => {
  const HOUR_MS = 3600_000;
  beforeEach(async () => {
    await killed('e1');
    await beginRun(space.platform, space.snapshot, 'e1');
    space.platform.clock.advance(-HOUR_MS);
  });

  it('does not keep its snapshot from another run', async () => {
    await runInPlace(space.container, trainFunction, call.input);

    expect(await space.platform.store.get('Snapshot', space.snapshot.id)).toMatchObject({
      status: 'trained',
    });
  });

  it('lets terminate end the run at once, and gives its snapshot back', async () => {
    const ended = await terminateExecution(space.platform, LOCAL_ACTOR, 'e1');

    expect(ended).toMatchObject({ lease: null, error: { code: 'Cancelled' } });
    expect(await space.platform.store.get('Snapshot', space.snapshot.id)).toMatchObject({ run: null });
  });

  it('lets the run be taken over', async () => {
    expect(await claimExecution(space.platform, 'e1', call, 'next')).toMatchObject({ attempts: 2 });
    expect(await reap()).toEqual({ resumed: 0, ended: 0 });
  });

  it('lets the run be resumed', async () => {
    expect(await reap()).toEqual({ resumed: 1, ended: 0 });
  });
});
