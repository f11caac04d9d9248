import {
  AdapterMethodMissing,
  type AdapterSetup,
  type ItemInput,
  ModelAdapter,
  type PredictContext,
  type Prediction,
  type TrainResult,
} from '../model-adapter.ts';
import { copyWeights } from '../onnx-engine/copy-weights.ts';
import { WeightsNotLoaded } from '../onnx-engine/errors.ts';
import { findPort, type ImageSample, readImage } from '../onnx-engine/image-input.ts';
import { ImageModel, type ModelRun } from '../onnx-engine/image-model.ts';
import { ONNX_DEFAULTS, type OnnxConfiguration, readConfiguration } from './configuration.ts';
import { type OutputReader, outputReader } from './read-output.ts';

/** Weights ready to predict. */
interface Ready {
  directory: string;
  model: ImageModel;
  readers: readonly OutputReader[];
}

/** Any ONNX model of images: what goes in and what its outputs mean is said in the configuration, no code is written. */
export class OnnxAdapter extends ModelAdapter<ImageSample> {
  static override readonly defaults = ONNX_DEFAULTS;
  static override readonly inputType = 'image';

  override readonly maxBatchSize: number;
  readonly #settings: OnnxConfiguration;
  #ready: Ready | undefined;

  constructor(setup: AdapterSetup) {
    super(setup);
    this.#settings = readConfiguration(setup.configuration);
    this.maxBatchSize = Math.max(32, this.#settings.batch_size);
  }

  /** @throws ItemUnreadable */
  prepare(input: ItemInput): Promise<ImageSample> {
    return readImage(input, this.#settings.input);
  }

  /** @throws AdapterMethodMissing always */
  async train(): Promise<TrainResult> {
    throw new AdapterMethodMissing(
      'modelfn/onnx',
      'train',
      'An ONNX file is the end of a training: train elsewhere, export to ONNX, and save the file as a snapshot of this model.',
    );
  }

  /** Annotations of the outputs, in the order of the configuration. */
  async predict(samples: readonly ImageSample[], { signal }: PredictContext): Promise<Prediction[][]> {
    const { model, readers } = this.#loaded();
    const wanted = [...new Set(readers.map(({ name }) => name))];
    const answers: Prediction[][] = [];
    for await (const run of model.run(samples, wanted, signal))
      for (let index = 0; index < run.count; index += 1)
        answers.push(answerOf(readers, run, index, samples[run.from + index]!));
    return answers;
  }

  /** Copies the files it was loaded from. */
  async save(directory: string): Promise<void> {
    await copyWeights(this.#loaded().directory, directory);
  }

  /** @throws OnnxFileUnclear, OnnxModelInvalid, OnnxExternalDataRefused, OnnxSignatureDiffers */
  async load(directory: string): Promise<void> {
    const { input, outputs, weights_filename, batch_size, threads } = this.#settings;
    const model = await ImageModel.open(directory, {
      input,
      filename: weights_filename,
      batchSize: batch_size,
      threads,
    });
    try {
      const { file, outputs: ports } = model.session;
      const meaning = { file, settings: this.#settings, labels: this.labels };
      const readers = outputs.map((spec) =>
        outputReader(spec, findPort(file, ports, spec.name, 'output'), meaning),
      );
      this.#ready = { directory, model, readers };
    } catch (error) {
      await model.release();
      throw error;
    }
  }

  /** Gives the memory of the model back, if it has any. */
  override async unload(): Promise<void> {
    const ready = this.#ready;
    this.#ready = undefined;
    await ready?.model.release();
  }

  #loaded(): Ready {
    if (!this.#ready) throw new WeightsNotLoaded('ONNX adapter');
    return this.#ready;
  }
}

/** Vectors get the label of the surest class, which may be told by an output after theirs. */
function answerOf(
  readers: readonly OutputReader[],
  { outputs }: ModelRun,
  index: number,
  sample: ImageSample,
): Prediction[] {
  const answers = readers.map((reader) => reader.read(outputs.get(reader.name)!, index, sample));
  const best = answers.flat().find(({ type }) => type === 'class');
  return answers.flatMap((own, place) =>
    best && readers[place]!.isVector
      ? own.map((each) => ({ ...each, label: best.label, confidence: best.confidence }))
      : own,
  );
}
