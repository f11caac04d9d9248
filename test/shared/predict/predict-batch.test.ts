import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Prediction } from '../../../adapters/model-adapter.ts';
import { PredictionInvalid } from '../../../shared/predict/errors.ts';
import { predictBatch } from '../../../shared/predict/predict-batch.ts';

const never = new AbortController().signal;
const answerTo = (sample: number): Prediction[] => [{ type: 'class', label: `${sample}`, confidence: 1 }];

/** An adapter that throws on any batch with one of the poisonous samples, and counts its calls. */
function allergicTo(poison: readonly number[]) {
  const calls: number[][] = [];
  const predict = (samples: readonly number[]): Prediction[][] => {
    calls.push([...samples]);
    const bad = samples.find((sample) => poison.includes(sample));
    if (bad !== undefined) throw new Error(`cannot take ${bad}`);
    return samples.map(answerTo);
  };
  return { predict, calls };
}

describe('a batch of predictions', () => {
  it('is one call when nothing fails', async () => {
    const { predict, calls } = allergicTo([]);

    const outcomes = await predictBatch([1, 2, 3], predict, never);

    expect(outcomes).toEqual([1, 2, 3].map((sample) => ({ predictions: answerTo(sample) })));
    expect(calls).toEqual([[1, 2, 3]]);
    expect(await predictBatch([], predict, never)).toEqual([]);
  });

  it('fails exactly the poisonous samples and lands the others, in their order', async () => {
    const seed = Date.now() % 1_000_000;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.uniqueArray(fc.integer({ min: 8, max: 199 }), { maxLength: 7 }),
        async (count, poison) => {
          const samples = Array.from({ length: count }, (_, index) => index);
          const bad = poison.filter((sample) => sample < count);
          const { predict, calls } = allergicTo(bad);

          const outcomes = await predictBatch(samples, predict, never);

          for (const [sample, outcome] of outcomes.entries())
            expect(outcome).toEqual(
              bad.includes(sample)
                ? { error: new Error(`cannot take ${sample}`) }
                : { predictions: answerTo(sample) },
            );
          expect(calls.length).toBeLessThanOrEqual(1 + bad.length * 2 * Math.ceil(Math.log2(count + 1)));
        },
      ),
      { seed, verbose: 1 },
    );
    console.log(`predict-batch: seed ${seed}`);
  });

  it('throws what the adapter threw when it can take nothing, after a few tries rather than one a sample', async () => {
    const samples = Array.from({ length: 256 }, (_, index) => index);
    const { predict, calls } = allergicTo(samples);

    await expect(predictBatch(samples, predict, never)).rejects.toThrow('cannot take');

    expect(calls.length).toBeLessThan(40);
  });

  it('does not halve a batch whose answer has a wrong form', async () => {
    const calls: number[] = [];
    const predict = (samples: readonly number[]): never => {
      calls.push(samples.length);
      throw new PredictionInvalid({ filename: '/a', problem: 'is no list' });
    };

    await expect(predictBatch([1, 2, 3], predict, never)).rejects.toMatchObject({
      code: 'PredictionInvalid',
    });

    expect(calls).toEqual([3]);
  });

  it('stops halving when it is cancelled, and throws the reason', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    let calls = 0;
    const predict = (): never => {
      calls += 1;
      abort.abort(reason);
      throw new Error('poison');
    };

    await expect(predictBatch([1, 2, 3, 4], predict, abort.signal)).rejects.toBe(reason);

    expect(calls).toBe(1);
  });
});
