import { type KeptPredictions, keepTensors } from '../annotations/keep-tensors.ts';
import type { ItemPredictions } from '../annotations/predictions.ts';
import { type FailedItem, mapItems } from '../datasets/map-items.ts';
import type { Item } from '../entities/item.ts';
import type { Platform } from '../platform.ts';
import type { LoadedSnapshot } from '../snapshots/loaded-snapshots.ts';
import { type PredictOptions, predictBatches } from './predict-items.ts';

/** Predictions of all items, small enough to be held together: large tensors lie in the content store. */
export interface KeptItems {
  results: KeptPredictions[];
  failed: FailedItem[];
  /** `keepMs`: time that went into files of tensors. */
  timings: { prepareMs: number; predictMs: number; keepMs: number };
}

/**
 * Predicts items, and after each batch takes the numbers of its tensors out of memory (`keepTensors`). An item whose tensors
 * cannot be kept fails alone. @throws as `predictBatches`
 */
export async function predictAndKeep(
  platform: Platform,
  loaded: Pick<LoadedSnapshot, 'adapter'>,
  items: readonly Readonly<Item>[],
  { write, ...options }: PredictOptions & { write: boolean },
): Promise<KeptItems> {
  const all: KeptItems = { results: [], failed: [], timings: { prepareMs: 0, predictMs: 0, keepMs: 0 } };
  for await (const { results, failed, timings } of predictBatches(platform, loaded, items, options)) {
    const predicted = performance.now();
    all.failed.push(...failed);
    if (results.every(isKept)) all.results.push(...results);
    else {
      const kept = await mapItems(
        results,
        ({ item }) => item,
        ({ predictions }) => keepTensors(platform, predictions, { write }),
        options.signal,
      );
      for (const { from, result } of kept.done) all.results.push({ item: from.item, predictions: result });
      all.failed.push(...kept.failed);
    }
    all.timings.prepareMs += timings.prepareMs;
    all.timings.predictMs += timings.predictMs;
    all.timings.keepMs += performance.now() - predicted;
  }
  return all;
}

/** Of most adapters: no tensors, and no file that only `keepTensors` may name. Nothing is waited for then. */
function isKept(each: ItemPredictions): each is KeptPredictions {
  return each.predictions.every(
    (prediction) => prediction.tensor === undefined && !('content' in prediction),
  );
}
