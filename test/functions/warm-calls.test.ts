import { afterEach, describe, expect, it } from 'vitest';
import { evaluateFunction } from '../../functions/evaluate/evaluate.ts';
import { loadFunction } from '../../functions/load/load.ts';
import { predictFunction } from '../../functions/predict/predict.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import type { Config } from '../../shared/config.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import { runInPlace } from '../support/run-function.ts';
import type { TinyProbe } from '../support/tiny-adapter.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

let space: TinyWorkspace;
afterEach(() => space.platform.close());

/** A workspace with so many trained snapshots, and a container that has loaded none of them. */
async function trained(
  count: number,
  options: { config?: Partial<Config>; probe?: Partial<TinyProbe> } = {},
): Promise<Snapshot[]> {
  space = await openTinyWorkspace(options);
  const snapshots = [space.snapshot];
  for (let index = 1; index < count; index += 1)
    snapshots.push(
      await createSnapshot(space.platform, LOCAL_ACTOR, {
        name: `snapshot ${index}`,
        projectId: space.project.id,
        modelId: space.model.id,
        datasetId: space.dataset.id,
      }),
    );
  for (const { id } of snapshots) await runInPlace(space.container, trainFunction, { snapshot: id });
  // A training loads nothing, and unloads what it trained.
  space.probe.loads = 0;
  space.probe.unloads = 0;
  space.container = createContainer(space.platform, space.builtIns);
  return snapshots;
}

const predict = (snapshot: string) =>
  runInPlace(space.container, predictFunction, {
    snapshot,
    item: space.items.get('/test/4.json')!.id,
    write: false,
  });

describe('a warm container', () => {
  it('serves 10,000 calls with one load', async () => {
    const [snapshot] = await trained(1);

    for (let round = 0; round < 200; round += 1)
      await Promise.all(Array.from({ length: 50 }, () => predict(snapshot!.id)));

    expect(space.probe).toMatchObject({ loads: 1, predictions: 10_000, unloads: 0 });
  }, 180_000);

  it('loads once for 50 callers that come at once while it is cold', async () => {
    const [snapshot] = await trained(1);

    const outputs = await Promise.all(Array.from({ length: 50 }, () => predict(snapshot!.id)));

    expect(space.probe.loads).toBe(1);
    expect(outputs.filter(({ cold }) => cold)).toHaveLength(1);
    expect(new Set(outputs.map(({ predictions }) => JSON.stringify(predictions))).size).toBe(1);
  });

  it('drops the snapshot used longest ago when their memory is too much, and unloads it once', async () => {
    const snapshots = await trained(3, { config: { loadedBytes: 250 }, probe: { memoryBytes: 100 } });
    const [a, b, c] = snapshots.map(({ id }) => id) as [string, string, string];

    for (const id of [a, b, a, c]) await predict(id);
    expect(space.probe).toMatchObject({ loads: 3, unloads: 1 });
    for (const id of [a, c]) await predict(id);
    expect(space.probe).toMatchObject({ loads: 3, unloads: 1 });
    await predict(b);

    expect(space.probe).toMatchObject({ loads: 4, unloads: 2 });
  });

  it('counts the size of the files for an adapter that does not say what it takes', async () => {
    const [a, b] = await trained(2, { config: { loadedBytes: 20 } });

    await predict(a!.id);
    await predict(b!.id);

    expect(space.probe).toMatchObject({ loads: 2, unloads: 1 });
  });

  it('unloads a snapshot only when the call that uses it has ended', async () => {
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const [a, b] = await trained(2, { config: { maxLoadedSnapshots: 1 } });
    space.probe.onPredict = async () => {
      begun.resolve();
      await held.promise;
    };
    const slow = predict(a!.id);
    await begun.promise;
    space.probe.onPredict = () => undefined;

    await predict(b!.id);
    expect(space.probe.unloads).toBe(0);
    held.resolve();
    await slow;

    expect(space.probe).toMatchObject({ loads: 2, unloads: 1, predictionsAfterUnload: 0 });
  });

  it('keeps working when an adapter fails to unload', async () => {
    const [a, b] = await trained(2, { config: { maxLoadedSnapshots: 1 } });
    space.probe.onUnload = () => {
      throw new Error('the handle is stuck');
    };

    for (const id of [a!.id, b!.id, a!.id]) expect(await predict(id)).toMatchObject({ cold: true });

    expect(space.probe).toMatchObject({ loads: 3, unloads: 2 });
  });

  it('unloads what was loaded only to be looked at', async () => {
    const [snapshot] = await trained(1);

    await runInPlace(space.container, loadFunction, { snapshot: snapshot!.id, fresh: true });
    expect(space.probe).toMatchObject({ loads: 1, unloads: 1 });
    await runInPlace(space.container, evaluateFunction, { snapshot: snapshot!.id, predict: true });

    expect(space.probe).toMatchObject({ loads: 2, unloads: 1 });
  });

  it('loads a snapshot that moved on, and drops the earlier revision in its turn', async () => {
    const [snapshot] = await trained(1, { config: { maxLoadedSnapshots: 1 } });
    await predict(snapshot!.id);
    await runInPlace(space.container, trainFunction, { snapshot: snapshot!.id });

    expect(await predict(snapshot!.id)).toMatchObject({ cold: true, snapshot: { revision: 2 } });

    // One by the training, one of the earlier revision.
    expect(space.probe).toMatchObject({ loads: 2, unloads: 2 });
  });
});
