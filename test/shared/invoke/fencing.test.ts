import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { DEFAULT_LEASE_SECONDS } from '../../../shared/config.ts';
import type { Execution } from '../../../shared/entities/execution.ts';
import { claimExecution } from '../../../shared/invoke/executions.ts';
import { FencedStore } from '../../../shared/invoke/fenced-store.ts';
import type { Invocation } from '../../../shared/invoke/invocation.ts';
import { invoke } from '../../../shared/invoke/invoke.ts';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { testClock } from '../../support/test-platform.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';
import { annotation, event, item, sample } from '../store/sample-entities.ts';

const ID = 'e'.repeat(24);
const LEASE_MS = DEFAULT_LEASE_SECONDS * 1000;
const FIVE_MINUTES_MS = 5 * 60_000;

function callOf(functionName: string, input: Invocation['input']): Invocation {
  return { functionName, executionId: ID, input, caller: 'pipeline', actor: LOCAL_ACTOR };
}

describe('a holder whose lease ran out', () => {
  let space: TinyWorkspace;

  beforeEach(async () => {
    space = await openTinyWorkspace();
  });
  afterEach(() => space.platform.close());

  /** Has the next training stop at its start. */
  function holdNextTraining(): { begun: Promise<void>; go: () => void } {
    const begun = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    space.probe.onTrain = async () => {
      space.probe.onTrain = () => undefined;
      begun.resolve();
      await gone.promise;
    };
    return { begun: begun.promise, go: gone.resolve };
  }

  it('saves no weights, gives no snapshot back and logs no metrics once another one trained in its place', async () => {
    const { platform, container, snapshot } = space;
    const call = callOf('train', { snapshot: snapshot.id });
    const held = holdNextTraining();
    const late = invoke(container, trainFunction, call);
    await held.begun;
    platform.clock.advance(LEASE_MS + 1);
    const second = await invoke(container, trainFunction, call);
    const before = await stateOf(platform.store, snapshot.id);

    held.go();

    await expect(late).rejects.toMatchObject({ code: 'LeaseLost', retryable: true });
    expect(second.execution).toMatchObject({ attempts: 2, latestStatus: { status: 'success' } });
    expect(before.snapshot).toMatchObject({ revision: 1, status: 'trained' });
    expect(await stateOf(platform.store, snapshot.id)).toEqual(before);
  });

  it('does not take the snapshot from the one that trains in its place', async () => {
    const { platform, container, snapshot } = space;
    const call = callOf('train', { snapshot: snapshot.id });
    const first = holdNextTraining();
    const late = invoke(container, trainFunction, call);
    await first.begun;
    platform.clock.advance(LEASE_MS + 1);
    const second = holdNextTraining();
    const current = invoke(container, trainFunction, call);
    await second.begun;

    first.go();
    await expect(late).rejects.toMatchObject({ code: 'LeaseLost' });
    const meanwhile = await platform.store.get('Snapshot', snapshot.id);
    second.go();

    expect(meanwhile).toMatchObject({ status: 'training', run: { executionId: ID } });
    expect((await current).execution.latestStatus.status).toBe('success');
    expect(await platform.store.get('Snapshot', snapshot.id)).toMatchObject({ revision: 1, run: null });
  });

  it.each<[string, (store: EntityStore) => Promise<unknown>]>([
    ['insert', (store) => store.insert('Annotation', [annotation('late', 'i1')])],
    ['upsert', (store) => store.upsert('Annotation', [annotation('late', 'i1')])],
    ['update', (store) => store.update('Item', 'i1', (current) => ({ ...current, name: 'late' }))],
    ['delete', (store) => store.delete('Item', ['i1'])],
    ['refreshAnnotationCounts', (store) => store.refreshAnnotationCounts(['i1'])],
    ['appendEvents', (store) => store.appendEvents([event('late')])],
    ['appendLogs', (store) => store.appendLogs(ID, [{ timestamp: '', level: 'info', message: 'late' }])],
    ['removeEvents', (store) => store.removeEvents([1])],
    [
      'transaction',
      (store) => store.transaction((open) => open.insert('MetricSample', [sample('late', 's1')])),
    ],
  ])('is refused its %s', async (_write, write) => {
    const { store } = space.platform;
    await store.insert('Item', [item('i1')]);
    await claimExecution(space.platform, ID, callOf('train', {}), 'first');
    const fenced = new FencedStore(store, ID, 'first');
    await fenced.insert('Item', [item('i2')]);
    space.platform.clock.advance(LEASE_MS + 1);
    await claimExecution(space.platform, ID, callOf('train', {}), 'second');

    await expect(write(fenced)).rejects.toMatchObject({ code: 'LeaseLost' });

    expect(await store.get('Item', 'i1')).toEqual(item('i1'));
    expect(await store.get('Annotation', 'late')).toBeUndefined();
    expect(await store.get('MetricSample', 'late')).toBeUndefined();
  });

  it('goes on as long as nobody took its place', async () => {
    const { store, clock } = space.platform;
    await claimExecution(space.platform, ID, callOf('train', {}), 'first');
    clock.advance(10 * LEASE_MS);

    await new FencedStore(store, ID, 'first').insert('Item', [item('i1')]);

    expect(await store.get('Item', 'i1')).toEqual(item('i1'));
  });

  it.each([-FIVE_MINUTES_MS, FIVE_MINUTES_MS])(
    'is told by the store’s time, whatever a container’s clock says (off by %i ms)',
    async (offMs) => {
      const { store, clock } = space.platform;
      const skewed = { ...space.platform, clock: testClock(clock.now() + offMs) };
      await claimExecution(skewed, ID, callOf('train', {}), 'skewed');

      clock.advance(LEASE_MS - 1);
      await expect(claimExecution(skewed, ID, callOf('train', {}), 'impatient')).rejects.toMatchObject({
        code: 'ExecutionInProgress',
      });
      clock.advance(1);
      const taken = await claimExecution(space.platform, ID, callOf('train', {}), 'next');

      expect(taken).toMatchObject({ lease: { holder: 'next' }, fence: 2 });
      expect(await store.now()).toBe(clock.now());
    },
  );
});

describe('a call whose container has no time left', () => {
  it.each([0, -5_000])('is not begun with %i ms to go, so that it is delivered again', async (leftMs) => {
    const space = await openTinyWorkspace();
    const deadline = space.platform.clock.now() + leftMs;
    const call = { ...callOf('predict', { snapshot: space.snapshot.id }), deadline };

    await expect(invoke(space.container, predictFunction, call)).rejects.toMatchObject({
      code: 'DeadlineExceeded',
      retryable: true,
    });

    expect(await space.platform.store.get('Execution', ID)).toBeUndefined();
    await space.platform.close();
  });
});

async function stateOf(store: EntityStore, snapshotId: string) {
  const own = { filter: { snapshotId } };
  return {
    snapshot: await store.get('Snapshot', snapshotId),
    execution: (await store.get('Execution', ID)) as Execution,
    samples: await store.ids('MetricSample', own),
  };
}
