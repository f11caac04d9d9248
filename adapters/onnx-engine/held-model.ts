import { BatchedModel, type BatchedModelOptions } from './batched-model.ts';
import { copyWeights } from './copy-weights.ts';
import { WeightsNotLoaded } from './errors.ts';

/** A model in memory, the folder it came from, and what its adapter found out about it. */
export interface Held<Sample, Facts> {
  readonly directory: string;
  readonly model: BatchedModel<Sample>;
  readonly facts: Facts;
}

/** What an adapter of ONNX models has in memory between `load` and `unload`: nothing, or one model. */
export class HeldModel<Sample, Facts> {
  readonly #adapter: string;
  #held: Held<Sample, Facts> | undefined;

  /** @param adapter as errors name it. */
  constructor(adapter: string) {
    this.#adapter = adapter;
  }

  /**
   * Opens the model in the folder and keeps it when `check` is content with it; what `check` throws leaves nothing in memory.
   * @throws OnnxFileUnclear, OnnxModelInvalid, OnnxExternalDataRefused, OnnxSignatureDiffers
   */
  async load(
    directory: string,
    options: BatchedModelOptions<Sample>,
    check: (model: BatchedModel<Sample>) => Promise<Facts> | Facts,
  ): Promise<void> {
    const model = await BatchedModel.open(directory, options);
    try {
      this.#held = { directory, model, facts: await check(model) };
    } catch (error) {
      await model.release();
      throw error;
    }
  }

  /** @throws WeightsNotLoaded */
  get loaded(): Held<Sample, Facts> {
    if (!this.#held) throw new WeightsNotLoaded(this.#adapter);
    return this.#held;
  }

  get ifLoaded(): Held<Sample, Facts> | undefined {
    return this.#held;
  }

  /** Copies the files it was loaded from. */
  async save(directory: string, keep?: (path: string) => boolean): Promise<void> {
    await copyWeights(this.loaded.directory, directory, keep);
  }

  /** Gives the memory of the model back, if it has any. */
  async unload(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.model.release();
  }
}
