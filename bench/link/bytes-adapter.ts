import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuiltInAdapters } from '../../adapters/built-in-adapters.ts';
import { type ItemInput, ModelAdapter, type Prediction } from '../../adapters/model-adapter.ts';

/** The one file of its weights. */
export const WEIGHTS_FILE = '00000.bin';

/** Reads weights of any size into memory, as a runtime of networks does, and predicts by their first byte. */
class BytesAdapter extends ModelAdapter<number> {
  #weights = new Uint8Array();

  async prepare(input: ItemInput): Promise<number> {
    return (await input.bytes()).byteLength;
  }

  async train(): Promise<void> {
    throw new Error('the bench trains nothing');
  }

  predict(samples: readonly number[]): Prediction[][] {
    const [label] = this.labels;
    const confidence = this.#weights[0]! / 255;
    return samples.map(() => [{ type: 'class', label: label!, confidence }]);
  }

  async save(): Promise<void> {
    throw new Error('the bench saves nothing');
  }

  async load(directory: string): Promise<void> {
    // In one call, as native runtimes read: by promises it comes in 200 pieces and takes twice as long.
    this.#weights = readFileSync(join(directory, WEIGHTS_FILE));
    this.memoryBytes = this.#weights.byteLength;
  }
}

export const bytesAdapters: BuiltInAdapters = {
  has: (entryPoint) => entryPoint === 'modelfn/bytes',
  load: async () => BytesAdapter,
};
