import { convertFunction } from '../../functions/convert/convert.ts';
import { evaluateFunction } from '../../functions/evaluate/evaluate.ts';
import { predictFunction } from '../../functions/predict/predict.ts';
import { saveFunction } from '../../functions/save/save.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import type { Container } from '../../shared/invoke/run.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { Platform } from '../../shared/platform.ts';
import { runInPlace } from '../support/run-function.ts';
import { type OutagePlan, StorageOutage } from '../support/storage-outage.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

/** The methods that read or write items and weights, and the storage that each of them uses. */
export const METHODS = {
  train: ['contents', 'buckets'],
  predict: ['contents', 'buckets'],
  evaluate: ['contents', 'buckets'],
  convert: ['contents', 'buckets'],
  'convert to COCO': ['contents', 'buckets'],
  save: ['buckets'],
} as const;
export type Method = keyof typeof METHODS;

/** What a method left in the store. The points of a training's curve are kept as it goes, also of one that fails later. */
interface Kept {
  revision: number;
  weights: unknown;
  evaluations: number;
  annotations: number;
}

export interface OutageRun {
  output: JsonObject | undefined;
  error: unknown;
  before: Kept;
  after: Kept;
  outage: StorageOutage;
}

/** Runs a method on a workspace of its own, whose snapshot is trained, with an outage in the middle. */
export async function runWithOutage(
  method: Method,
  plan: OutagePlan,
  around: (platform: Platform) => Platform = (platform) => platform,
): Promise<OutageRun> {
  const space = await openTinyWorkspace();
  try {
    await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
    const other = await createSnapshot(space.platform, LOCAL_ACTOR, {
      name: 'other',
      projectId: space.project.id,
      modelId: space.model.id,
      datasetId: space.dataset.id,
    });
    const target = method === 'save' ? other.id : space.snapshot.id;
    const before = await keptOf(space, target);
    const outage = new StorageOutage(plan);
    // An empty cache of weights, so that they are read from the bucket.
    const cacheDirectory = `${space.platform.cacheDirectory}-of-the-run`;
    const platform = around(outage.around({ ...space.platform, cacheDirectory }));
    const container = createContainer(platform, space.builtIns);
    const { output, error } = await run(container, method, space, target).then(
      (value) => ({ output: withoutTimes(value), error: undefined }),
      (reason: unknown) => ({ output: undefined, error: reason }),
    );
    return { output, error, before, after: await keptOf(space, target), outage };
  } finally {
    await space.platform.close();
  }
}

async function run(
  container: Container,
  method: Method,
  space: TinyWorkspace,
  target: string,
): Promise<JsonObject> {
  const test = { 'metadata.system.snapshotPartition': 'test' };
  const snapshot = target;
  if (method === 'train') return runInPlace(container, trainFunction, { snapshot });
  if (method === 'predict')
    return runInPlace(container, predictFunction, {
      snapshot,
      items: { dataset: space.dataset.id, filter: test },
    });
  if (method === 'evaluate') return runInPlace(container, evaluateFunction, { snapshot, predict: true });
  if (method === 'save')
    return runInPlace(container, saveFunction, { snapshot, fromSnapshot: space.snapshot.id });
  const format = method === 'convert' ? 'adapter' : 'coco';
  return runInPlace(container, convertFunction, { snapshot, format });
}

async function keptOf({ platform }: TinyWorkspace, snapshotId: string): Promise<Kept> {
  const { revision, weights } = (await platform.store.get('Snapshot', snapshotId))!;
  return {
    revision,
    weights,
    evaluations: await platform.store.count('MetricSample', { filter: { snapshotId, figure: 'test' } }),
    annotations: await platform.store.count('Annotation', {}),
  };
}

function withoutTimes(output: JsonObject): JsonObject {
  const { timings: _timings, ...rest } = output;
  return rest;
}
