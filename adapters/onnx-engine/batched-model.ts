import { join } from 'node:path';
import { OnnxSignatureDiffers } from './errors.ts';
import { findModelFile } from './model-file.ts';
import { type OnnxSession, type OutputTensor, openSession } from './session.ts';
import type { FeedData } from './tensor-data.ts';

/** Writes samples into the inputs of a model. */
export interface SamplePacker<Sample> {
  /** Samples of one run where the model has that fixed; `undefined` where it leaves it open. */
  readonly batch: number | undefined;
  /** Tensors by name of the input. `count`: rows of each; those beyond the samples are empty. */
  feed(samples: readonly Sample[], count?: number): Feeds;
  /** The run with the tensors is over: their memory may be filled again. */
  release?(feeds: Feeds): void;
  /** Whether two samples may be of one run; missing where all may. */
  isAlike?(first: Sample, second: Sample): boolean;
}

export type Feeds = Readonly<Record<string, FeedData>>;

export interface BatchedModelOptions<Sample> {
  /** The model's file below the folder; null: the only one there is. */
  filename: string | null;
  /** Samples of one run at most, where the model leaves it open. */
  batchSize: number;
  /** Null: the cores given. */
  threads: number | null;
  /** Where optimised graphs are kept; none when missing. */
  cacheDirectory: string | undefined;
  /** How samples become the model's input. @throws OnnxSignatureDiffers */
  openPacker: (session: OnnxSession) => SamplePacker<Sample>;
}

/** What one run says about some of the samples. */
export interface ModelRun {
  /** Place of its first sample. */
  readonly from: number;
  readonly count: number;
  /** By name of the output; rows beyond `count` are of no sample. */
  readonly outputs: ReadonlyMap<string, OutputTensor>;
}

/** An ONNX model with its weights in memory. */
export class BatchedModel<Sample> {
  readonly session: OnnxSession;
  /** Path below the snapshot's folder. */
  readonly path: string;
  readonly packer: SamplePacker<Sample>;
  readonly #batchSize: number;

  private constructor(
    session: OnnxSession,
    path: string,
    { openPacker, batchSize }: BatchedModelOptions<Sample>,
  ) {
    this.session = session;
    this.path = path;
    this.packer = openPacker(session);
    this.#batchSize = this.packer.batch ?? batchSize;
  }

  /** @throws OnnxFileUnclear, OnnxModelInvalid, OnnxExternalDataRefused, OnnxSignatureDiffers */
  static async open<Sample>(
    directory: string,
    options: BatchedModelOptions<Sample>,
  ): Promise<BatchedModel<Sample>> {
    const path = await findModelFile(directory, options.filename);
    const session = await openSession(
      join(directory, path),
      options.threads ?? undefined,
      options.cacheDirectory,
    );
    try {
      return new BatchedModel(session, path, options);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /**
   * Runs the samples batch by batch. @throws OnnxRunFailed; OnnxSignatureDiffers for an output without a row per sample; the
   * signal's reason between two batches
   */
  async *run(
    samples: readonly Sample[],
    wanted: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<ModelRun> {
    for (let from = 0; from < samples.length; ) {
      signal.throwIfAborted();
      const batch = samples.slice(from, this.#endOfBatch(samples, from));
      const feeds = this.packer.feed(batch, this.packer.batch);
      const outputs = await this.session.run(feeds, wanted);
      this.packer.release?.(feeds);
      this.#checkRows(outputs, this.packer.batch ?? batch.length);
      yield { from, count: batch.length, outputs };
      from += batch.length;
    }
  }

  release(): Promise<void> {
    return this.session.release();
  }

  #checkRows(outputs: ReadonlyMap<string, OutputTensor>, rows: number): void {
    for (const [name, { dims }] of outputs)
      if (dims[0] !== rows)
        throw new OnnxSignatureDiffers(
          this.session.file,
          `its output ${name} is [${dims.join(', ')}] for ${rows} items`,
          'The first size of an output is the number of items. Export the model with its batch as the first dimension, or set batch_size to 1.',
        );
  }

  #endOfBatch(samples: readonly Sample[], from: number): number {
    const most = Math.min(samples.length, from + this.#batchSize);
    let to = from + 1;
    while (to < most && (this.packer.isAlike?.(samples[from]!, samples[to]!) ?? true)) to += 1;
    return to;
  }
}
