import { join } from 'node:path';
import { findModelFile } from './model-file.ts';
import { type OnnxSession, type OutputTensor, openSession, type TensorData } from './session.ts';

/** Writes samples into the one input of a model. */
export interface SamplePacker<Sample> {
  /** Name of the input. */
  readonly input: string;
  /** Samples of one run where the model has that fixed; `undefined` where it leaves it open. */
  readonly batch: number | undefined;
  /** `count`: rows of the tensor; those beyond the samples are empty. */
  pack(samples: readonly Sample[], count?: number): TensorData;
  /** The run with the tensor is over: its memory may be filled again. */
  recycle?(tensor: TensorData): void;
  /** Whether two samples may be of one run; missing where all may. */
  isAlike?(first: Sample, second: Sample): boolean;
}

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

/** An ONNX model of one input with its weights in memory. */
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

  /** Runs the samples batch by batch. @throws OnnxRunFailed; the signal's reason between two batches */
  async *run(
    samples: readonly Sample[],
    wanted: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<ModelRun> {
    for (let from = 0; from < samples.length; ) {
      signal.throwIfAborted();
      const batch = samples.slice(from, this.#endOfBatch(samples, from));
      const tensor = this.packer.pack(batch, this.packer.batch);
      const outputs = await this.session.run({ [this.packer.input]: tensor }, wanted);
      this.packer.recycle?.(tensor);
      yield { from, count: batch.length, outputs };
      from += batch.length;
    }
  }

  release(): Promise<void> {
    return this.session.release();
  }

  #endOfBatch(samples: readonly Sample[], from: number): number {
    const most = Math.min(samples.length, from + this.#batchSize);
    let to = from + 1;
    while (to < most && (this.packer.isAlike?.(samples[from]!, samples[to]!) ?? true)) to += 1;
    return to;
  }
}
