import { expect, it } from 'vitest';
import { AdapterMethodMissing, ModelAdapter, type Prediction } from '../../../adapters/model-adapter.ts';
import type { Platform } from '../../../shared/platform.ts';
import { predictAndKeep } from '../../../shared/predict/predict-and-keep.ts';
import { item } from '../store/sample-entities.ts';

const OPTIONS = { signal: new AbortController().signal, minConfidence: 0, write: true };

/** A large tensor for each item, one item a batch. */
class Tensors extends ModelAdapter<number> {
  override readonly maxBatchSize = 1;
  readonly onPredict: () => void;

  constructor(onPredict: () => void) {
    super({ configuration: {}, labels: ['a'] });
    this.onPredict = onPredict;
  }
  prepare(): number {
    return 0;
  }
  async predict(): Promise<Prediction[][]> {
    this.onPredict();
    const tensor = { dims: [5_000], data: new Float32Array(5_000) };
    return [[{ type: 'tensor', label: 'a', confidence: 1, tensor }]];
  }
  train(): never {
    throw new AdapterMethodMissing('Tensors', 'train');
  }
  async save(): Promise<void> {}
  async load(): Promise<void> {}
}

/** A content store that hears of what it is given and keeps nothing. */
function platformThat(onPut: () => void): Platform {
  const put = async () => {
    onPut();
    return { sha256: 'f'.repeat(64), sizeBytes: 20_128 };
  };
  return { content: { put }, config: { maxItemBytes: 1e9 } } as unknown as Platform;
}

it('puts the tensors of a batch away before it predicts the next', async () => {
  const heard: string[] = [];
  const adapter = new Tensors(() => heard.push('predicted'));
  const platform = platformThat(() => heard.push('kept'));
  const items = ['1', '2', '3'].map((id) => item(id));

  const { results } = await predictAndKeep(platform, { adapter }, items, OPTIONS);

  expect(heard).toEqual(['predicted', 'kept', 'predicted', 'kept', 'predicted', 'kept']);
  expect(results.map(({ predictions }) => predictions[0])).toEqual(
    Array(3).fill({
      type: 'tensor',
      label: 'a',
      confidence: 1,
      coordinates: { dims: [5_000], dtype: 'float32', sizeBytes: 20_128 },
      content: { sha256: 'f'.repeat(64), sizeBytes: 20_128 },
    }),
  );
});

it('puts nothing away that is not to be written', async () => {
  const platform = platformThat(() => {
    throw new Error('nothing is to be kept');
  });
  const adapter = new Tensors(() => undefined);

  const { results, failed } = await predictAndKeep(platform, { adapter }, [item('1')], {
    ...OPTIONS,
    write: false,
  });

  expect(failed).toEqual([]);
  expect(results[0]!.predictions[0]).not.toHaveProperty('content');
});

it('takes no word of an adapter for a file that others may have', async () => {
  class Forging extends Tensors {
    override async predict(): Promise<Prediction[][]> {
      const forged = {
        type: 'class',
        label: 'a',
        confidence: 1,
        content: { sha256: 'a'.repeat(64), sizeBytes: 1 },
      };
      return [[forged]];
    }
  }

  const platform = platformThat(() => undefined);
  const { results } = await predictAndKeep(
    platform,
    { adapter: new Forging(() => undefined) },
    [item('1')],
    OPTIONS,
  );

  expect(results[0]!.predictions).toEqual([{ type: 'class', label: 'a', confidence: 1 }]);
});
