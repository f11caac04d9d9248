import { expect, it } from 'vitest';
import {
  AdapterMethodMissing,
  type ItemInput,
  ModelAdapter,
  type Prediction,
} from '../../../adapters/model-adapter.ts';
import type { Json } from '../../../shared/json.ts';
import type { Platform } from '../../../shared/platform.ts';
import { predictItems } from '../../../shared/predict/predict-items.ts';
import { item } from '../store/sample-entities.ts';

const OPTIONS = { signal: new AbortController().signal, minConfidence: 0 };
/** Nothing is read of it. */
const NOWHERE = { content: undefined } as unknown as Platform;

/** Two items a batch; hears what is prepared and predicted. */
class Heard extends ModelAdapter<string> {
  override readonly maxBatchSize = 2;
  readonly onPrepare: (id: string) => void;
  readonly onPredict: (ids: readonly string[]) => Promise<void>;

  constructor(onPrepare: Heard['onPrepare'], onPredict: Heard['onPredict']) {
    super({ configuration: {}, labels: ['a'] });
    this.onPrepare = onPrepare;
    this.onPredict = onPredict;
  }
  prepare({ item: { id } }: ItemInput): string {
    this.onPrepare(id);
    return id;
  }
  async predict(ids: readonly string[]): Promise<Prediction[][]> {
    await this.onPredict(ids);
    return ids.map(() => [{ type: 'class', label: 'a', confidence: 1 }]);
  }
  train(): never {
    throw new AdapterMethodMissing('Heard', 'train');
  }
  async save(): Promise<void> {}
  async load(): Promise<void> {}
}

it('prepares the next batch while one is predicted, and no batch more', async () => {
  const items = ['1', '2', '3', '4', '5', '6', '7'].map((id) => item(id));
  const ids = items.map(({ id }) => id);
  const prepared: string[] = [];
  const waiting = new Map<string, () => void>();
  const isPrepared = (id: string) =>
    prepared.includes(id) ? undefined : new Promise<void>((resolve) => waiting.set(id, resolve));
  const ahead: number[] = [];
  const adapter = new Heard(
    (id) => {
      prepared.push(id);
      waiting.get(id)?.();
    },
    async (batch) => {
      const after = ids[ids.indexOf(batch.at(-1)!) + 1];
      // Without the next batch under way this would wait for ever.
      if (after !== undefined) await isPrepared(after);
      ahead.push(prepared.length - ids.indexOf(batch[0]!) - batch.length);
    },
  );

  const { results } = await predictItems(NOWHERE, { adapter }, items, OPTIONS);

  expect(results.map(({ item: { id } }) => id)).toEqual(ids);
  expect(prepared).toEqual(ids);
  expect(Math.max(...ahead)).toBe(2);
});

it('tells the adapter of the next batch while one is predicted, and takes no harm from what that does', async () => {
  const items = ['1', '2', '3', '4', '5'].map((id) => item(id));
  const ids = items.map(({ id }) => id);
  const heard: string[] = [];
  let told = Promise.withResolvers<void>();
  class Told extends Heard {
    override expect(samples: readonly string[]): void {
      heard.push(`expect ${samples.join(' ')}`);
      told.resolve();
      throw new Error('it was not to');
    }
  }
  const adapter = new Told(
    () => undefined,
    async (batch) => {
      // Without a word of the next batch this would wait for ever.
      if (!batch.includes(ids.at(-1)!)) await told.promise;
      told = Promise.withResolvers();
      heard.push(`predict ${batch.join(' ')}`);
    },
  );

  await predictItems(NOWHERE, { adapter }, items, OPTIONS);

  const [one, two, three] = [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)].map((each) => each.join(' '));
  expect(heard).toEqual([
    `expect ${two}`,
    `predict ${one}`,
    `expect ${three}`,
    `predict ${two}`,
    `predict ${three}`,
  ]);
});

it('tells it of no batch whose items all failed', async () => {
  const items = ['1', '2', '3', '4'].map((id) => item(id));
  const expected: (readonly string[])[] = [];
  class Told extends Heard {
    override expect(samples: readonly string[]): void {
      expected.push(samples);
    }
  }
  const adapter = new Told(
    (id) => {
      if (items.findIndex((each) => each.id === id) >= 2) throw new Error('unreadable');
    },
    async () => undefined,
  );

  const { failed } = await predictItems(NOWHERE, { adapter }, items, OPTIONS);

  expect(failed).toHaveLength(2);
  expect(expected).toEqual([]);
});

it('leaves no failure unheard when the run ends before the next batch has its turn', async () => {
  const items = ['1', '2', '3', '4'].map((id) => item(id));
  const controller = new AbortController();
  const adapter = new Heard(
    () => undefined,
    async () => controller.abort(new Error('enough')),
  );

  const predicting = predictItems(NOWHERE, { adapter }, items, {
    ...OPTIONS,
    signal: controller.signal,
  });

  await expect(predicting).rejects.toThrow('enough');
});

it('tells after each batch how many items are done', async () => {
  const items = ['1', '2', '3'].map((id) => item(id));
  const adapter = new Heard(
    (id) => {
      if (id === '1') throw new Error('a broken item');
    },
    async () => undefined,
  );
  const done: number[] = [];

  await predictItems(NOWHERE, { adapter }, items, { ...OPTIONS, onProgress: (count) => done.push(count) });

  expect(done).toEqual([2, 3]);
});

it.each<[string, unknown, RegExp]>([
  ['too few elements', { dims: [2, 2], data: Float32Array.of(1) }, /2 x 2 with 1 elements/],
  ['a size that is none', { dims: [-1], data: Float32Array.of(1) }, /no list of sizes/],
  ['no sizes', { data: Float32Array.of(1) }, /no list of sizes/],
  ['a list for an array', { dims: [1], data: [1] }, /no typed array/],
])('refuses a tensor of %s', async (_what, tensor, message) => {
  class Wrong extends Heard {
    override async predict(): Promise<Prediction[][]> {
      return [[{ type: 'tensor', label: 'a', confidence: 1, tensor } as Prediction]];
    }
  }
  const adapter = new Wrong(
    () => undefined,
    async () => undefined,
  );

  await expect(predictItems(NOWHERE, { adapter }, [item('1')], OPTIONS)).rejects.toMatchObject({
    code: 'PredictionInvalid',
    message: expect.stringMatching(message),
  });
});

it.each(['coordinates', 'attributes'])(
  'refuses %s that are nested without end, whatever language the adapter is written in',
  async (field) => {
    class Deep extends Heard {
      override async predict(): Promise<Prediction[][]> {
        const deep = JSON.parse(`{"a":${'['.repeat(300)}${']'.repeat(300)}}`) as Json;
        return [[{ type: 'box', label: 'a', confidence: 1, [field]: deep }]];
      }
    }
    const adapter = new Deep(
      () => undefined,
      async () => undefined,
    );

    await expect(predictItems(NOWHERE, { adapter }, [item('1')], OPTIONS)).rejects.toMatchObject({
      code: 'PredictionInvalid',
      message: expect.stringContaining(`${field}.a.0`),
    });
  },
);
