import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuiltInAdapters } from '../../../adapters/built-in-adapters.ts';
import { type ItemInput, ModelAdapter, type Prediction } from '../../../adapters/model-adapter.ts';
import type { JsonObject } from '../../../shared/json.ts';

/** Says of a number whether it is even or odd, as often as it was configured to when it was trained. */
class ParityAdapter extends ModelAdapter<number> {
  static override readonly defaults: Readonly<JsonObject> = { times: 1 };
  #times = 0;

  async prepare(input: ItemInput): Promise<number> {
    return ((await input.json()) as { x: number }).x;
  }

  async train(): Promise<void> {
    this.#times = Number(this.configuration.times);
  }

  predict(samples: readonly number[]): Prediction[][] {
    return samples.map((sample) =>
      Array.from({ length: this.#times }, (_, index) => ({
        type: 'class',
        label: parityOf(sample),
        confidence: 1 / (index + 1),
      })),
    );
  }

  async save(directory: string): Promise<void> {
    await writeFile(join(directory, 'times.json'), JSON.stringify(this.#times));
  }

  async load(directory: string): Promise<void> {
    this.#times = Number(await readFile(join(directory, 'times.json'), 'utf8'));
  }
}

export function parityOf(x: number): 'even' | 'odd' {
  return x % 2 === 0 ? 'even' : 'odd';
}

export const parityAdapters: BuiltInAdapters = {
  has: (entryPoint) => entryPoint === 'modelfn/parity',
  load: async () => ParityAdapter,
};
