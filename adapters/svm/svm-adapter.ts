import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Cancelled } from '../../shared/errors.ts';
import {
  type AdapterSetup,
  type ConvertedItem,
  type ItemInput,
  type LabelledSample,
  type LayoutReader,
  type LayoutWriter,
  ModelAdapter,
  type PartitionData,
  type Prediction,
  type TrainContext,
  type TrainingData,
  type TrainResult,
} from '../model-adapter.ts';
import { nothingToLearn } from '../nothing-to-learn.ts';
import { LabelOutsideOntology, OneClassOnly } from '../training-errors.ts';
import {
  checkConfiguration,
  readConfiguration,
  SVM_DEFAULTS,
  type SvmConfiguration,
} from './configuration.ts';
import { SvmTrainer } from './engine/one-vs-one.ts';
import { Predictor } from './engine/predict.ts';
import { type FeatureMatrix, packRows } from './engine/samples.ts';
import { applyStandardisation, fitStandardisation, type Standardisation } from './engine/standardise.ts';
import type { Kernel, SvmModel } from './engine/svm-model.ts';
import { FeaturesDiffer, SvmNotFinished } from './errors.ts';
import {
  assertWeightsOccur,
  differenceOf,
  type FeatureSpace,
  featuresOf,
  itemWeight,
  type SvmSample,
} from './features.ts';
import { readLayout, writeLayout } from './layout.ts';
import { svmAsOnnx } from './onnx-export.ts';
import { readWeights, type SvmWeights, writeWeights } from './weights.ts';

/** Between two looks at the signal: some ten milliseconds of work. */
const SLICE_ITERATIONS = 256;
/** The solver's curve has so many points. */
const LOGGED_STEPS = 20;
/** The one file of a checkpoint. */
const STATE_FILE = 'trainer.state';

/** Weights ready to predict. */
interface Ready extends SvmWeights {
  predictor: Predictor;
  standardisation: Standardisation | null;
}

/**
 * Support vector machine: C-SVC, one against one, for images and tables. Gives the support vectors
 * and predictions of scikit-learn's `SVC` for the same samples and parameters.
 */
export class SvmAdapter extends ModelAdapter<SvmSample> {
  static override readonly defaults = SVM_DEFAULTS;
  static readonly checkConfiguration = checkConfiguration;
  static override readonly inputType = 'image';
  static override readonly outputType = 'class';

  readonly #settings: SvmConfiguration;
  #ready: Ready | undefined;

  constructor(setup: AdapterSetup) {
    super(setup);
    this.#settings = readConfiguration(setup.configuration);
  }

  /** @throws ItemUnreadable; FeaturesDiffer when the loaded model takes other features */
  async prepare(input: ItemInput): Promise<SvmSample> {
    const sample = await featuresOf(input, this.#settings);
    if (this.#ready) assertSpace(this.#ready.facts.space, sample.space, input.item.filename);
    return sample;
  }

  async train(data: TrainingData<SvmSample>, context: TrainContext): Promise<TrainResult> {
    context.progress(0, 'reading items');
    const samples = await data.train.samples();
    const [first] = samples;
    if (!first) throw await nothingToLearn(data.train, (input) => this.prepare(input));
    for (const { sample, input } of samples)
      assertSpace(first.sample.space, sample.space, input.item.filename);
    const classes = this.#classesOf(samples);
    const raw = packRows(samples.map(({ sample }) => sample.values));
    const standardisation = this.#settings.standardise ? fitStandardisation(raw) : null;
    const matrix = standardisation ? applyStandardisation(standardisation, raw) : raw;
    const model = await this.#solve(matrix, samples, classes, context);
    if (model === 'yielded') return model;
    const facts = {
      formatVersion: 1 as const,
      space: first.sample.space,
      classes,
      standardisation: plain(standardisation),
    };
    this.#ready = { model, facts, predictor: new Predictor(model), standardisation };
    logSupport(this.#ready, context);
    this.#logAccuracy('train', samples, context);
    if (data.validation.count > 0) this.#logAccuracy('validation', await data.validation.samples(), context);
    context.progress(1, 'trained');
  }

  predict(samples: readonly SvmSample[]): Prediction[][] {
    const { predictor, facts, standardisation } = this.#loaded();
    if (samples.length === 0) return [];
    const raw = packRows(samples.map(({ values }) => values));
    const { classIndex, confidences, probabilities } = predictor.predict(
      standardisation ? applyStandardisation(standardisation, raw) : raw,
    );
    const k = facts.classes.length;
    const sure = probabilities ?? confidences;
    return Array.from(classIndex, (index, row) => [
      { type: 'class', label: facts.classes[index]!, confidence: sure[row * k + index]! },
    ]);
  }

  async save(directory: string): Promise<void> {
    await writeWeights(directory, this.#loaded());
  }

  /** @throws WeightsCorrupt; LabelOutsideOntology when the model knows a label that the snapshot no longer has */
  async load(directory: string): Promise<void> {
    const { model, facts } = await readWeights(directory);
    for (const label of facts.classes) this.#assertLabel(label);
    const { standardisation } = facts;
    this.#ready = {
      model,
      facts,
      predictor: new Predictor(model),
      standardisation: standardisation && {
        mean: Float64Array.from(standardisation.mean),
        deviation: Float64Array.from(standardisation.deviation),
      },
    };
  }

  override exportOnnx(): Uint8Array {
    return svmAsOnnx(this.#loaded(), this.#settings.image);
  }

  override async convert(data: PartitionData<SvmSample>, layout: LayoutWriter): Promise<void> {
    await writeLayout(data, layout, this.labels);
  }

  override convertBack(layout: LayoutReader): AsyncIterable<ConvertedItem> {
    return readLayout(layout);
  }

  #loaded(): Ready {
    if (!this.#ready) throw new SvmNotFinished();
    return this.#ready;
  }

  /** Labels that occur, in the ontology's order: class indices do not depend on the order of items. */
  #classesOf(samples: readonly LabelledSample<SvmSample>[]): string[] {
    const found = new Set(samples.map(({ label }) => label));
    for (const label of found) this.#assertLabel(label);
    const classes = this.labels.filter((label) => found.has(label));
    if (classes.length < 2) throw new OneClassOnly(classes[0]!, samples.length);
    return classes;
  }

  #assertLabel(label: string): void {
    if (!this.labels.includes(label)) throw new LabelOutsideOntology(label, this.labels);
  }

  async #solve(
    samples: FeatureMatrix,
    labelled: readonly LabelledSample<SvmSample>[],
    classes: readonly string[],
    context: TrainContext,
  ): Promise<SvmModel | 'yielded'> {
    const { signal, progress, log } = context;
    const indexOf = new Map(classes.map((label, index) => [label, index]));
    const labels = Int32Array.from(labelled, ({ label }) => indexOf.get(label)!);
    const { C, tolerance, maxIterations, cacheBytes, probability } = this.#settings;
    const weights = weightsOf(this.#settings.classWeights, classes, labels);
    const trainer = new SvmTrainer(
      { samples, classIndices: labels, classCount: classes.length, rowWeights: this.#rowWeights(labelled) },
      {
        kernel: kernelOf(this.#settings, samples),
        cost: C,
        epsilon: tolerance,
        cacheBytes,
        ...(weights && { classWeights: weights }),
        ...(maxIterations !== null && { maxIterations }),
        ...(probability && { probabilitySeed: context.seed % 2 ** 32 }),
      },
    );
    if (context.resumeFrom !== undefined)
      trainer.restoreState(await readFile(join(context.resumeFrom, STATE_FILE)));
    let logged = Math.floor(trainer.progress * LOGGED_STEPS);
    for (;;) {
      if (signal.aborted) throw new Cancelled('training', signal.reason);
      const result = trainer.step(SLICE_ITERATIONS);
      const done = trainer.progress;
      progress(done, `${trainer.iterations} iterations`);
      if (Math.floor(done * LOGGED_STEPS) > logged || result === 'done') {
        logged = Math.floor(done * LOGGED_STEPS);
        log({ figure: 'solver', legend: 'iterations', x: Math.round(done * 100), y: trainer.iterations });
      }
      if (result === 'done') return trainer.model();
      if (context.shouldCheckpoint()) {
        await context.checkpoint((directory) => writeFile(join(directory, STATE_FILE), trainer.saveState()));
        if (context.shouldYield()) return 'yielded';
      }
      // Lets a wish to stop come through, and the lease be renewed.
      await setImmediate();
    }
  }

  #rowWeights(samples: readonly LabelledSample<SvmSample>[]): Float64Array | undefined {
    const { itemWeights } = this.#settings;
    if (itemWeights === null) return undefined;
    assertWeightsOccur(
      samples.map(({ input }) => input.item),
      itemWeights,
    );
    return Float64Array.from(samples, ({ input }) => itemWeight(input.item, itemWeights));
  }

  #logAccuracy(legend: string, samples: readonly LabelledSample<SvmSample>[], { log }: TrainContext): void {
    if (samples.length === 0) return;
    const predicted = this.predict(samples.map(({ sample }) => sample));
    const correct = samples.filter(({ label }, index) => predicted[index]![0]!.label === label).length;
    log({ figure: 'accuracy', legend, x: 1, y: correct / samples.length });
  }
}

function assertSpace(expected: FeatureSpace, found: FeatureSpace, filename: string): void {
  const difference = differenceOf(expected, found);
  if (difference !== undefined) throw new FeaturesDiffer(filename, difference);
}

function kernelOf(settings: SvmConfiguration, samples: FeatureMatrix): Kernel {
  const { kernel: kind, coef0, degree } = settings;
  if (kind === 'linear') return { kind };
  const gamma = gammaOf(settings, samples);
  if (kind === 'rbf') return { kind, gamma };
  return kind === 'poly' ? { kind, gamma, coef0, degree } : { kind, gamma, coef0 };
}

function gammaOf({ gamma }: SvmConfiguration, { values, dims }: FeatureMatrix): number {
  if (gamma === 'auto') return 1 / dims;
  if (gamma !== 'scale') return gamma;
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const variance = squares / values.length;
  return variance === 0 ? 1 : 1 / (dims * variance);
}

function weightsOf(
  setting: SvmConfiguration['classWeights'],
  classes: readonly string[],
  labels: Int32Array,
): number[] | undefined {
  if (setting === null) return undefined;
  if (setting !== 'balanced') return classes.map((label) => setting[label] ?? 1);
  const counts = new Array<number>(classes.length).fill(0);
  for (const index of labels) counts[index]! += 1;
  return counts.map((count) => labels.length / (classes.length * count));
}

function logSupport({ model, facts }: Ready, { log }: TrainContext): void {
  const figure = 'support vectors';
  log({ figure, legend: 'total', x: 1, y: model.supportIndices.length });
  for (const [index, label] of facts.classes.entries())
    log({ figure, legend: label, x: 1, y: model.supportPerClass[index]! });
}

function plain(standardisation: Standardisation | null) {
  return standardisation && { mean: [...standardisation.mean], deviation: [...standardisation.deviation] };
}
