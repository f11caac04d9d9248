import type { EvaluationPair } from '../../adapters/model-adapter.ts';
import { classLabelOf, predictedBy, toPrediction } from '../../shared/annotations/predictions.ts';
import { chunksOf } from '../../shared/catalog/all-matches.ts';
import type { FailedItem } from '../../shared/datasets/map-items.ts';
import { withAnnotations, withGroundTruth } from '../../shared/datasets/partition-data.ts';
import { assertFewUnreadable, type UnreadableLimit } from '../../shared/datasets/unreadable-share.ts';
import type { Annotation } from '../../shared/entities/annotation.ts';
import type { Item } from '../../shared/entities/item.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { Cancelled } from '../../shared/errors.ts';
import type { Run } from '../../shared/invoke/run.ts';
import type { Platform } from '../../shared/platform.ts';
import { ItemsGone, PredictionsMissing } from '../../shared/predict/errors.ts';
import { predictBatches } from '../../shared/predict/predict-items.ts';
import type { Query } from '../../shared/query/query.ts';
import type { LoadedSnapshot } from '../../shared/snapshots/loaded-snapshots.ts';

/** The items of an evaluation, and what became of them so far. */
export interface EvaluatedItems {
  readonly ids: readonly string[];
  /** Pairs that were handed out. */
  evaluated: number;
  failed: FailedItem[];
}

/** Lists the items first: what is uploaded or deleted while they are evaluated neither doubles nor hides another. */
export async function listItems({ store }: Platform, query: Query): Promise<EvaluatedItems> {
  return { ids: await store.ids('Item', query), evaluated: 0, failed: [] };
}

/** The items in their order, some hundred at once, without those that were deleted meanwhile. */
async function* readItems({ store }: Platform, { ids }: EvaluatedItems): AsyncGenerator<Item[]> {
  for (const chunk of chunksOf(ids)) yield (await store.getMany('Item', chunk)).map(({ entity }) => entity);
}

/**
 * Each item that the snapshot's current revision predicted, with its predictions, the surest first, and what people said.
 * Memory: that of a few items, however many there are.
 * @throws PredictionsMissing at the end, when there was none
 */
export async function* pairsWithPredictions(
  { platform, signal }: Pick<Run, 'platform' | 'signal'>,
  snapshot: Readonly<Snapshot>,
  items: EvaluatedItems,
): AsyncGenerator<EvaluationPair> {
  const isCurrent = (annotation: Annotation): boolean => {
    const { snapshotId, revision } = predictedBy(annotation) ?? {};
    return snapshotId === snapshot.id && revision === snapshot.revision;
  };
  for await (const part of readItems(platform, items))
    for await (const { item, annotations } of withAnnotations(platform, part)) {
      if (signal.aborted) throw new Cancelled('The evaluation', signal.reason);
      const predictions = annotations.filter(isCurrent).map(toPrediction);
      if (predictions.length === 0) continue;
      predictions.sort((a, b) => b.confidence - a.confidence);
      const groundTruth = annotations.filter((each) => !predictedBy(each));
      items.evaluated += 1;
      yield { item, groundTruth, label: classLabelOf(groundTruth), predictions };
    }
  if (items.evaluated === 0) throw new PredictionsMissing(snapshot, items.ids.length);
}

/**
 * Each item with what the loaded snapshot predicts for it now, batch by batch. Items that fail are left out and noted.
 * @throws TooManyUnreadable as soon as more failed than `limit` allows
 */
export async function* pairsPredictedNow(
  { platform, signal, progress }: Pick<Run, 'platform' | 'signal' | 'progress'>,
  loaded: LoadedSnapshot,
  items: EvaluatedItems,
  limit: UnreadableLimit,
): AsyncGenerator<EvaluationPair> {
  const options = { signal, minConfidence: 0 };
  for await (const part of readItems(platform, items))
    for await (const { results, failed } of predictBatches(platform, loaded, part, options)) {
      items.failed.push(...failed);
      assertFewUnreadable(items.failed, items.ids.length, limit);
      const predictions = new Map(results.map((each) => [each.item.id, each.predictions]));
      const predicted = results.map(({ item }) => item);
      for await (const { item, annotations } of withGroundTruth(platform, predicted)) {
        items.evaluated += 1;
        yield {
          item,
          groundTruth: annotations,
          label: classLabelOf(annotations),
          predictions: predictions.get(item.id)!,
        };
      }
      progress(((items.evaluated + items.failed.length) / items.ids.length) * 95, 'predicting');
    }
  assertFewUnreadable(items.failed, items.evaluated + items.failed.length, limit);
  if (items.evaluated === 0) throw new ItemsGone(items.ids.length);
}
