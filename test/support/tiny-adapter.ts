import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuiltInAdapters } from '../../adapters/built-in-adapters.ts';
import {
  type ItemInput,
  ModelAdapter,
  type Prediction,
  type TrainContext,
  type TrainingData,
} from '../../adapters/model-adapter.ts';
import type { JsonObject } from '../../shared/json.ts';

/** What a test may look at, and hold, while a tiny adapter works. */
export interface TinyProbe {
  loads: number;
  predictions: number;
  unloads: number;
  /** Predictions asked of an adapter after its `unload`. */
  predictionsAfterUnload: number;
  /** What a loaded adapter says it takes; nothing when undefined. */
  memoryBytes: number | undefined;
  /** Runs at the start of a load. */
  onLoad: () => Promise<void> | void;
  onUnload: () => void;
  /** Runs at the start of a training, before it looks at its signal. */
  onTrain: (context: TrainContext) => Promise<void> | void;
  /** Runs at the start of a prediction; what it throws is what the adapter throws. */
  onPredict: (samples: readonly number[]) => Promise<void> | void;
}

/** A classifier of JSON items `{"x": number}` by the nearest class mean; small enough to see through. */
export function tinyAdapters(probe: Partial<TinyProbe> = {}): {
  builtIns: BuiltInAdapters;
  probe: TinyProbe;
} {
  const shared: TinyProbe = {
    loads: 0,
    predictions: 0,
    unloads: 0,
    predictionsAfterUnload: 0,
    memoryBytes: undefined,
    onLoad: () => undefined,
    onPredict: () => undefined,
    onUnload: () => undefined,
    onTrain: () => undefined,
    ...probe,
  };

  class TinyAdapter extends ModelAdapter<number> {
    static override readonly defaults: Readonly<JsonObject> = { bias: 0 };
    #means: Record<string, number> = {};
    #isUnloaded = false;

    async prepare(input: ItemInput): Promise<number> {
      const { x } = (await input.json()) as { x: number };
      if (typeof x !== 'number') throw new Error(`${input.item.filename} has no x`);
      return x;
    }

    async train(data: TrainingData<number>, context: TrainContext): Promise<void> {
      await shared.onTrain(context);
      context.signal.throwIfAborted();
      const byLabel: Record<string, number[]> = {};
      for (const { label, sample } of await data.train.samples()) {
        byLabel[label] ??= [];
        byLabel[label].push(sample);
      }
      for (const [label, values] of Object.entries(byLabel))
        this.#means[label] = values.reduce((sum, value) => sum + value, 0) / values.length;
      context.log({ figure: 'classes', legend: 'count', x: 1, y: Object.keys(this.#means).length });
      context.progress(1, 'done');
    }

    async predict(samples: readonly number[]): Promise<Prediction[][]> {
      shared.predictions += 1;
      await shared.onPredict(samples);
      if (this.#isUnloaded) shared.predictionsAfterUnload += 1;
      const bias = Number(this.configuration.bias);
      return samples.map((sample) => {
        const [label] = Object.entries(this.#means).reduce((best, each) =>
          Math.abs(each[1] - sample - bias) < Math.abs(best[1] - sample - bias) ? each : best,
        );
        return [{ type: 'class', label, confidence: 0.5 }];
      });
    }

    async save(directory: string): Promise<void> {
      await writeFile(join(directory, 'means.json'), JSON.stringify(this.#means));
    }

    override unload(): void {
      this.#isUnloaded = true;
      shared.unloads += 1;
      shared.onUnload();
    }

    async load(directory: string): Promise<void> {
      shared.loads += 1;
      await shared.onLoad();
      if (shared.memoryBytes !== undefined) this.memoryBytes = shared.memoryBytes;
      this.#means = JSON.parse(await readFile(join(directory, 'means.json'), 'utf8')) as Record<
        string,
        number
      >;
    }
  }

  return {
    probe: shared,
    builtIns: { has: (entryPoint) => entryPoint === 'modelfn/tiny', load: async () => TinyAdapter },
  };
}
