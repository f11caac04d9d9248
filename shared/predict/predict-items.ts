import type { Prediction } from '../../adapters/model-adapter.ts';
import { problemOfTensor } from '../annotations/keep-tensors.ts';
import type { ItemPredictions } from '../annotations/predictions.ts';
import { type FailedItem, failedItem, mapItems } from '../datasets/map-items.ts';
import { inputOf } from '../datasets/partition-data.ts';
import type { Item } from '../entities/item.ts';
import { findJsonProblem } from '../json-limits.ts';
import type { Platform } from '../platform.ts';
import type { LoadedSnapshot } from '../snapshots/loaded-snapshots.ts';
import { BatchSizeInvalid, PredictionInvalid, PredictionNotFinite } from './errors.ts';
import { findNotFinite } from './not-finite.ts';
import { predictBatch } from './predict-batch.ts';

/** What a loaded snapshot says about items, in the items' order; items that could not be read are apart. */
export interface PredictedItems {
  results: ItemPredictions[];
  failed: FailedItem[];
  /** `prepareMs`: time that predictions waited for items. */
  timings: { prepareMs: number; predictMs: number };
}

export interface PredictOptions {
  signal: AbortSignal;
  /** Predictions below are dropped, 0..1. */
  minConfidence: number;
}

type Preparing = ReturnType<typeof mapItems<Readonly<Item>, unknown>>;

/** All items' predictions together; `onProgress` is told how many items are done. @throws as `predictBatches` */
export async function predictItems(
  platform: Platform,
  loaded: Pick<LoadedSnapshot, 'adapter'>,
  items: readonly Readonly<Item>[],
  { onProgress, ...options }: PredictOptions & { onProgress?: (done: number) => void },
): Promise<PredictedItems> {
  const all = nothingPredicted();
  for await (const { results, failed, timings } of predictBatches(platform, loaded, items, options)) {
    for (const each of results) all.results.push(each);
    for (const each of failed) all.failed.push(each);
    all.timings.prepareMs += timings.prepareMs;
    all.timings.predictMs += timings.predictMs;
    onProgress?.(all.results.length + all.failed.length);
  }
  return all;
}

/**
 * Prepares and predicts items batch by batch, one batch of `maxBatchSize` ahead: at most two of them are in memory. An
 * unreadable item fails alone, and so does one that makes the adapter throw or whose predictions have NaN or Infinity.
 * @throws PredictionInvalid for an answer that is no list of annotations with the snapshot's labels
 */
export async function* predictBatches(
  platform: Platform,
  { adapter }: Pick<LoadedSnapshot, 'adapter'>,
  items: readonly Readonly<Item>[],
  { signal, minConfidence }: PredictOptions,
): AsyncGenerator<PredictedItems> {
  const labels = new Set(adapter.labels);
  const batchSize = batchSizeOf(adapter.maxBatchSize);
  const prepare = (item: Readonly<Item>) => adapter.prepare(inputOf(platform, item));
  const prepareFrom = (from: number) => {
    const batch = items.slice(from, from + batchSize);
    const preparing = mapItems(batch, (item) => item, prepare, signal);
    // Its turn may never come, when the batch before it fails the run.
    preparing.catch(() => undefined);
    return { batch, preparing };
  };
  const announce = (preparing: Preparing) => {
    preparing
      .then(({ done }) => done.length > 0 && adapter.expect?.(done.map(({ result }) => result)))
      .catch(() => undefined);
  };
  let next = prepareFrom(0);
  for (let from = 0; from < items.length; from += batchSize) {
    const started = performance.now();
    const { batch, preparing } = next;
    // Images of the next batch are decoded while this one is predicted.
    if (from + batchSize < items.length) next = prepareFrom(from + batchSize);
    const { done, failed } = await preparing;
    const prepared = performance.now();
    const predicted = nothingPredicted();
    const samples = done.map(({ result }) => result);
    const predict = async (part: readonly unknown[]) => {
      const answers = await adapter.predict(part, { signal });
      checkCount(answers, batch, part.length);
      return answers;
    };
    const predicting = predictBatch(samples, predict, signal);
    if (next.preparing !== preparing) announce(next.preparing);
    const outcomes = await predicting;
    for (const [index, { from: item }] of done.entries()) {
      const outcome = outcomes[index]!;
      if ('error' in outcome) {
        predicted.failed.push(failedItem(item, outcome.error));
        continue;
      }
      const predictions = checked(item, outcome.predictions, labels, adapter.labels);
      const notFinite = findNotFinite(predictions);
      if (notFinite !== undefined) {
        predicted.failed.push(failedItem(item, new PredictionNotFinite(item.filename, notFinite)));
        continue;
      }
      predicted.results.push({
        item,
        predictions: predictions.filter((each) => each.confidence >= minConfidence),
      });
    }
    predicted.failed.push(...failed);
    predicted.timings.prepareMs = prepared - started;
    predicted.timings.predictMs = performance.now() - prepared;
    yield predicted;
  }
}

function nothingPredicted(): PredictedItems {
  return { results: [], failed: [], timings: { prepareMs: 0, predictMs: 0 } };
}

/** No batch size at all would be a loop without end. */
function batchSizeOf(maxBatchSize: number): number {
  if (Number.isSafeInteger(maxBatchSize) && maxBatchSize >= 1) return maxBatchSize;
  throw new BatchSizeInvalid(maxBatchSize);
}

/** As annotations that people make. */
const MAX_TYPE_LENGTH = 64;

function checkCount(answers: Prediction[][], batch: readonly Readonly<Item>[], wanted: number): void {
  if (Array.isArray(answers) && answers.length === wanted) return;
  throw new PredictionInvalid({
    filename: batch[0]!.filename,
    problem: `is not one list for each sample: ${wanted} samples, ${Array.isArray(answers) ? answers.length : typeof answers} answers`,
  });
}

function checked(
  item: Readonly<Item>,
  predictions: readonly Prediction[],
  known: ReadonlySet<string>,
  labels: readonly string[],
): readonly Prediction[] {
  const refuse = (problem: string, shown?: readonly string[]): never => {
    throw new PredictionInvalid({ filename: item.filename, problem, ...(shown && { labels: shown }) });
  };
  if (!Array.isArray(predictions)) refuse('is no list');
  for (const { type, label, confidence, tensor, coordinates, attributes } of predictions) {
    if (typeof type !== 'string' || type === '') refuse('has no annotation type');
    if (type.length > MAX_TYPE_LENGTH)
      refuse(`has an annotation type longer than ${MAX_TYPE_LENGTH} characters`);
    if (!known.has(label))
      refuse(`has the label ${JSON.stringify(label)}, which is not in the ontology`, labels);
    // NaN and Infinity do not make the prediction's form invalid: such an item fails alone.
    const isItemFault = typeof confidence === 'number' && !Number.isFinite(confidence);
    if (!isItemFault && !(confidence >= 0 && confidence <= 1))
      refuse(`has the confidence ${confidence}, which is not in 0..1`);
    const tooMuch = findJsonProblem({ coordinates, attributes });
    if (tooMuch) refuse(`has ${tooMuch.field} that cannot be kept: ${tooMuch.problem}`);
    const problem = tensor && problemOfTensor(tensor);
    if (problem !== undefined) refuse(problem);
  }
  return predictions;
}
