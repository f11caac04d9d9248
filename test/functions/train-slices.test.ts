import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelAdapterClass } from '../../adapters/model-adapter.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createDataset } from '../../shared/catalog/datasets.ts';
import { terminateExecution } from '../../shared/catalog/executions.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import { createSnapshot, updateSnapshot } from '../../shared/catalog/snapshots.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import type { Outcome } from '../../shared/invoke/invocation.ts';
import { invoke } from '../../shared/invoke/invoke.ts';
import { freshSeed, seededRandom } from '../support/seeded-random.ts';
import { SoftmaxAdapter } from '../support/softmax-adapter.ts';
import { openTestPlatform, type TestPlatform } from '../support/test-platform.ts';

const PLANS = 15;
/** A look at the clock takes so long: six of them are a minute, and a checkpoint is due. */
const TICK_MS = 10_000;
/** What a slice keeps at most for its last checkpoint. */
const RESERVE_MS = 30_000;
const SEED = freshSeed();

describe('a training in slices', () => {
  let platform: TestPlatform;
  let snapshotId: string;
  let ids = 0;

  beforeEach(async () => {
    platform = await openTestPlatform();
    snapshotId = (await makeSnapshot(platform)).id;
  });
  afterEach(() => platform.close());

  const nextId = () => {
    ids += 1;
    return String(ids).padStart(24, '0');
  };

  /** One invocation, in a container of its own, whose time passes by being looked at. */
  async function slice(
    executionId: string,
    looks: number | undefined,
    adapterClass: ModelAdapterClass = SoftmaxAdapter,
  ): Promise<Outcome> {
    let now = platform.clock.now();
    const ticking: Clock = {
      now: () => {
        now += TICK_MS;
        return now;
      },
    };
    const builtIns = { has: () => true, load: async () => adapterClass };
    const container = createContainer({ ...platform, clock: ticking }, builtIns);
    const deadline = looks === undefined ? undefined : now + RESERVE_MS + looks * TICK_MS;
    const input = { snapshot: snapshotId, seed: 7 };
    const call = {
      functionName: 'train',
      executionId,
      input,
      caller: 'pipeline',
      actor: LOCAL_ACTOR,
    } as const;
    return invoke(container, trainFunction, { ...call, deadline });
  }

  async function trainWith(
    cuts: () => number | undefined,
  ): Promise<{ slices: number; files: unknown; curve: unknown }> {
    const executionId = nextId();
    for (let slices = 1; ; slices += 1) {
      const outcome = await slice(executionId, cuts());
      if (outcome.yielded) continue;
      if (outcome.output === undefined) throw outcome.error;
      const { files } = outcome.output.weights as { files: unknown };
      return { slices, files, curve: await curveOf() };
    }
  }

  async function curveOf(): Promise<unknown> {
    const { items } = await platform.store.query('MetricSample', { filter: { snapshotId } });
    await platform.store.delete(
      'MetricSample',
      items.map(({ id }) => id),
    );
    return items.map(({ figure, legend, x, y }) => [figure, legend, x, y]).sort();
  }

  it(`gives the same weights and the same curve as an uncut one, by ${PLANS} plans of cuts`, {
    timeout: 120_000,
  }, async () => {
    console.log(`train-slices: seed ${SEED}`);
    const random = seededRandom(SEED);
    const uncut = await trainWith(() => undefined);
    let slices = 0;

    for (let plan = 0; plan < PLANS; plan += 1) {
      const most = 4 + random() * 20;
      const cut = await trainWith(() => 6 + Math.floor(random() * most));
      expect(cut).toMatchObject({ files: uncut.files, curve: uncut.curve });
      slices += cut.slices;
    }

    expect(uncut.slices).toBe(1);
    expect(slices).toBeGreaterThan(PLANS);
  });

  it('tells between two slices how far it is, and holds the snapshot', async () => {
    const executionId = nextId();

    const outcome = await slice(executionId, 12);

    expect(outcome).toMatchObject({ yielded: true, output: { status: 'yielded', executionId, slices: 1 } });
    expect(outcome.execution).toMatchObject({
      latestStatus: { status: 'inProgress' },
      attempts: 0,
      lease: { holder: null },
    });
    expect(outcome.execution.status.at(-1)).toMatchObject({ status: 'yielded' });
    await expect(slice(nextId(), undefined)).resolves.toMatchObject({ error: { code: 'SnapshotInUse' } });
    await expect(
      updateSnapshot(platform, LOCAL_ACTOR, snapshotId, { configuration: { epochs: 1 } }),
    ).rejects.toMatchObject({ code: 'SnapshotInUse' });
  });

  it('that is not gone on with frees the snapshot after a while', async () => {
    await slice(nextId(), 12);

    platform.clock.advance(16 * 60_000);

    expect(await slice(nextId(), undefined)).toMatchObject({ output: { status: 'trained' } });
  });

  it('is ended by terminate between two slices', async () => {
    const executionId = nextId();
    await slice(executionId, 12);

    await terminateExecution(platform, LOCAL_ACTOR, executionId);

    expect(await slice(executionId, undefined)).toMatchObject({
      replayed: true,
      error: { code: 'Cancelled' },
    });
    expect(await slice(nextId(), undefined)).toMatchObject({ output: { status: 'trained' } });
  });

  it('does not go on when the data changed since its checkpoint', async () => {
    const executionId = nextId();
    await slice(executionId, 12);
    const { items } = await platform.store.query('Item', { filter: { type: 'file' } });
    const content = await platform.content.put(new TextEncoder().encode('[9, 9]'), 100);
    await platform.store.update('Item', items[0]!.id, (item) => ({ ...item, content }));

    expect(await slice(executionId, undefined)).toMatchObject({
      error: { code: 'TrainingChanged', message: expect.stringContaining('the data') },
    });
    expect(await platform.store.get('Snapshot', snapshotId)).toMatchObject({ revision: 0, run: null });
  });

  it('leaves no checkpoint in the bucket when it is at its end, and one at most before', async () => {
    const bucket = await platform.openBucket(await theSnapshot(), (await theSnapshot()).bucket);
    const keys = async () => (await Array.fromAsync(bucket.list('checkpoints/'))).map(({ key }) => key);
    const executionId = nextId();

    await slice(executionId, 12);
    const first = await keys();
    await slice(executionId, 12);
    const second = await keys();
    await slice(executionId, undefined);

    expect(first).toHaveLength(2);
    expect(second).toHaveLength(2);
    expect(second).not.toEqual(first);
    expect(await keys()).toEqual([]);
  });

  it('is refused when the adapter yields and kept nothing', async () => {
    class Forgetful extends SoftmaxAdapter {
      override train() {
        return Promise.resolve('yielded' as const);
      }
    }

    expect(await slice(nextId(), undefined, Forgetful)).toMatchObject({
      error: { code: 'YieldedWithoutCheckpoint' },
    });
  });

  async function theSnapshot(): Promise<Snapshot> {
    return (await platform.store.get('Snapshot', snapshotId))!;
  }
});

/** Eight points of two classes, and a snapshot on them. */
async function makeSnapshot(platform: TestPlatform): Promise<Snapshot> {
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'slices' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'points', projects: [project.id] });
  const entries = Array.from({ length: 8 }, (_, index) => ({
    path: `/train/${String(index).padStart(2, '0')}.json`,
    bytes: new TextEncoder().encode(JSON.stringify([Math.sin(index * 7), Math.cos(index * 3) + (index % 2)])),
    label: index % 2 ? 'odd' : 'even',
    partition: 'train' as const,
  }));
  await uploadItems(platform, LOCAL_ACTOR, dataset.id, entries, { mode: 'skip' });
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'softmax',
    projectId: project.id,
    entryPoint: 'modelfn/softmax',
    className: 'SoftmaxAdapter',
  });
  const { id: modelId } = model;
  return createSnapshot(platform, LOCAL_ACTOR, {
    name: 'first',
    projectId: project.id,
    modelId,
    datasetId: dataset.id,
  });
}
