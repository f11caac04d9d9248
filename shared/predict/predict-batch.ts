import type { Prediction } from '../../adapters/model-adapter.ts';
import { isItemFault } from '../datasets/item-fault.ts';
import { hasCode } from '../errors.ts';

/** How one sample of a batch ended. */
export type BatchOutcome = { readonly predictions: Prediction[] } | { readonly error: unknown };

type Predict<Sample> = (samples: readonly Sample[]) => Promise<Prediction[][]> | Prediction[][];

/** So many samples that fail alone, before any was predicted, are no poison: the adapter itself is at fault. */
const MAX_POISON_AT_START = 8;

/**
 * Predicts a batch. When the adapter throws, the batch is halved until the samples it cannot take stand alone: they fail,
 * the others are predicted. n samples with one that is poison cost about 2 log2(n) calls more.
 * @throws what the adapter threw, when `MAX_POISON_AT_START` samples failed before one was predicted, or when it is not about
 * samples, such as storage that is unavailable; PredictionInvalid; the signal's reason
 */
export async function predictBatch<Sample>(
  samples: readonly Sample[],
  predict: Predict<Sample>,
  signal: AbortSignal,
): Promise<BatchOutcome[]> {
  const outcomes = new Array<BatchOutcome>(samples.length);
  const tally = { predicted: 0, failed: 0 };
  const attempt = async (from: number, to: number): Promise<void> => {
    try {
      const answers = await predict(samples.slice(from, to));
      signal.throwIfAborted();
      for (let index = from; index < to; index += 1)
        outcomes[index] = { predictions: answers[index - from]! };
      tally.predicted += to - from;
    } catch (error) {
      signal.throwIfAborted();
      // An answer in a wrong form is the adapter's fault, whatever the samples are.
      if (hasCode(error, 'PredictionInvalid')) throw error;
      // The adapter restarts a process that died and repeats the call: samples that end it twice are at fault.
      if (!isItemFault(error) && !hasCode(error, 'PythonDied')) throw error;
      if (to - from > 1) return halve(from, to);
      outcomes[from] = { error };
      tally.failed += 1;
      if (tally.predicted === 0 && tally.failed >= MAX_POISON_AT_START) throw error;
    }
  };
  const halve = async (from: number, to: number): Promise<void> => {
    const middle = (from + to) >>> 1;
    await attempt(from, middle);
    await attempt(middle, to);
  };
  if (samples.length > 0) await attempt(0, samples.length);
  return outcomes;
}
