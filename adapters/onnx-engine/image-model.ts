import { join } from 'node:path';
import { type ImageInput, ImagePacker, type ImageSample, matchImageInput } from './image-input.ts';
import { findModelFile } from './model-file.ts';
import { type OnnxSession, type OutputTensor, openSession } from './session.ts';

export interface ImageModelOptions {
  input: ImageInput;
  /** The model's file below the folder; null: the only one there is. */
  filename: string | null;
  /** Images of one run at most, where the model leaves it open. */
  batchSize: number;
  /** Null: the cores given. */
  threads: number | null;
}

/** What one run says about some of the samples. */
export interface ModelRun {
  /** Place of its first sample. */
  readonly from: number;
  readonly count: number;
  /** By name of the output; rows beyond `count` are of no sample. */
  readonly outputs: ReadonlyMap<string, OutputTensor>;
}

/** An ONNX model of images with its weights in memory. */
export class ImageModel {
  readonly session: OnnxSession;
  /** Path below the snapshot's folder. */
  readonly path: string;
  readonly #input: string;
  readonly #packer: ImagePacker;
  readonly #fixedBatch: number | undefined;
  readonly #batchSize: number;

  private constructor(session: OnnxSession, path: string, { input, batchSize }: ImageModelOptions) {
    const { name, type, batch } = matchImageInput(session.file, session.inputs, input);
    this.session = session;
    this.path = path;
    this.#input = name;
    this.#packer = new ImagePacker(input, type);
    this.#fixedBatch = batch;
    this.#batchSize = batch ?? batchSize;
  }

  /** @throws OnnxFileUnclear, OnnxModelInvalid, OnnxExternalDataRefused, OnnxSignatureDiffers */
  static async open(directory: string, options: ImageModelOptions): Promise<ImageModel> {
    const path = await findModelFile(directory, options.filename);
    const session = await openSession(join(directory, path), options.threads ?? undefined);
    try {
      return new ImageModel(session, path, options);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /** Runs the samples batch by batch. @throws OnnxRunFailed; the signal's reason between two batches */
  async *run(
    samples: readonly ImageSample[],
    wanted: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<ModelRun> {
    for (let from = 0; from < samples.length; from += this.#batchSize) {
      signal.throwIfAborted();
      const batch = samples.slice(from, from + this.#batchSize);
      const tensor = this.#packer.pack(batch, this.#fixedBatch);
      const outputs = await this.session.run({ [this.#input]: tensor }, wanted);
      yield { from, count: batch.length, outputs };
    }
  }

  release(): Promise<void> {
    return this.session.release();
  }
}
