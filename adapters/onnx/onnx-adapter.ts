import { ItemUnreadable } from '../../shared/inputs/errors.ts';
import {
  AdapterMethodMissing,
  type AdapterSetup,
  type ItemInput,
  ModelAdapter,
  type PredictContext,
  type Prediction,
  type TrainResult,
} from '../model-adapter.ts';
import type { ModelRun, SamplePacker } from '../onnx-engine/batched-model.ts';
import { HeldModel } from '../onnx-engine/held-model.ts';
import { findPort, ImagePacker, type ImageSample, readImage } from '../onnx-engine/image-input.ts';
import { type NamedInputs, NamedPacker } from '../onnx-engine/named-inputs.ts';
import type { NumberTensor } from '../onnx-engine/numpy-file.ts';
import type { OnnxSession } from '../onnx-engine/session.ts';
import { readTensor, TensorPacker } from '../onnx-engine/tensor-input.ts';
import {
  checkConfiguration,
  ONNX_DEFAULTS,
  type OnnxConfiguration,
  readConfiguration,
} from './configuration.ts';
import { type OutputReader, outputReader } from './read-output.ts';

type Sample = ImageSample | NumberTensor | NamedInputs;

/** Any ONNX model of images or of numbers: what goes in and what its outputs mean is said in the configuration, no code is written. */
export class OnnxAdapter extends ModelAdapter<Sample> {
  static override readonly defaults = ONNX_DEFAULTS;
  static readonly checkConfiguration = checkConfiguration;
  static override readonly inputType = 'image';

  override readonly maxBatchSize: number;
  readonly #settings: OnnxConfiguration;
  readonly #cacheDirectory: string | undefined;
  readonly #held = new HeldModel<Sample, readonly OutputReader[]>('ONNX adapter');

  constructor(setup: AdapterSetup) {
    super(setup);
    this.#cacheDirectory = setup.cacheDirectory;
    this.#settings = readConfiguration(setup.configuration);
    this.maxBatchSize = Math.max(32, this.#settings.batch_size);
  }

  /** @throws ItemUnreadable */
  async prepare(input: ItemInput): Promise<Sample> {
    const spec = this.#settings.input;
    if (!('kind' in spec)) return readImage(input, spec);
    const packer = this.#held.ifLoaded?.model.packer;
    if (packer instanceof NamedPacker) return packer.read(input);
    const sample = await readTensor(input, spec);
    const problem = packer instanceof TensorPacker ? packer.problemOf(sample) : undefined;
    if (problem !== undefined) throw new ItemUnreadable(input.item, problem);
    return sample;
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
  async predict(samples: readonly Sample[], { signal }: PredictContext): Promise<Prediction[][]> {
    const { model, facts: readers } = this.#held.loaded;
    const wanted = [...new Set(readers.map(({ name }) => name))];
    const answers: Prediction[][] = [];
    for await (const run of model.run(samples, wanted, signal))
      for (let index = 0; index < run.count; index += 1)
        answers.push(answerOf(readers, run, index, samples[run.from + index]!));
    return answers;
  }

  /** Copies the files it was loaded from. */
  save(directory: string): Promise<void> {
    return this.#held.save(directory);
  }

  /** @throws OnnxFileUnclear, OnnxModelInvalid, OnnxExternalDataRefused, OnnxSignatureDiffers */
  load(directory: string): Promise<void> {
    const { input, outputs, weights_filename, batch_size, threads } = this.#settings;
    const options = {
      filename: weights_filename,
      batchSize: batch_size,
      threads,
      cacheDirectory: this.#cacheDirectory,
      openPacker: (session: Parameters<typeof packerOf>[0]) => packerOf(session, input),
    };
    return this.#held.load(directory, options, ({ session }) => {
      const meaning = { session, settings: this.#settings, labels: this.labels };
      const { file, outputs: ports } = session;
      return outputs.map((spec) => outputReader(spec, findPort(file, ports, spec.name, 'output'), meaning));
    });
  }

  /** Gives the memory of the model back, if it has any. */
  override unload(): Promise<void> {
    return this.#held.unload();
  }
}

/** Its samples are of the kind that `prepare` makes, as both go by the same setting. */
function packerOf(session: OnnxSession, input: OnnxConfiguration['input']): SamplePacker<Sample> {
  if (!('kind' in input)) return new ImagePacker(session, input) as SamplePacker<Sample>;
  const isNamed = input.name === null && session.inputs.length > 1;
  return (isNamed ? new NamedPacker(session) : new TensorPacker(session, input)) as SamplePacker<Sample>;
}

/** Vectors get the label of the surest class, which may be told by an output after theirs. */
function answerOf(
  readers: readonly OutputReader[],
  { outputs }: ModelRun,
  index: number,
  sample: Sample,
): Prediction[] {
  const answers = readers.map((reader) => reader.read(outputs.get(reader.name)!, index, sample));
  const best = answers.flat().find(({ type }) => type === 'class');
  return answers.flatMap((own, place) =>
    best && readers[place]!.isVector
      ? own.map((each) => ({ ...each, label: best.label, confidence: best.confidence }))
      : own,
  );
}
