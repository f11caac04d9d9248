import {
  type AdapterSetup,
  type ItemInput,
  ModelAdapter,
  type PredictContext,
  type Prediction,
  type TrainContext,
  type TrainingData,
  type TrainResult,
} from '../model-adapter.ts';
import type { BatchedModel, BatchedModelOptions } from '../onnx-engine/batched-model.ts';
import { labelsByClass } from '../onnx-engine/class-labels.ts';
import { classNamesOf } from '../onnx-engine/class-names.ts';
import { type ClassScores, openClassScores } from '../onnx-engine/class-scores.ts';
import { OnnxSignatureDiffers } from '../onnx-engine/errors.ts';
import { HeldModel } from '../onnx-engine/held-model.ts';
import { findPort, ImagePacker, type ImageSample, readImage } from '../onnx-engine/image-input.ts';
import { rowOf, sizeOfRow } from '../onnx-engine/rows.ts';
import { surestFirst } from '../onnx-engine/softmax.ts';
import { LabelOutsideOntology } from '../training-errors.ts';
import {
  checkConfiguration,
  INCEPTION_DEFAULTS,
  type InceptionConfiguration,
  readConfiguration,
} from './configuration.ts';
import { BackboneMissing } from './errors.ts';
import { HEAD_FILE, type Head, probabilitiesOf, readHead, writeHead } from './head.ts';
import { trainHead } from './train-head.ts';
import type { EmbeddedItems } from './training-state.ts';

type Backbone = BatchedModel<ImageSample>;

/** What stands on the backbone in memory. */
interface Facts {
  /** Undefined for a pre-trained model, which has classes of its own. */
  head: Head | undefined;
  /** The model's own classes; undefined with a head. */
  scores: ClassScores | undefined;
  labels: readonly (string | undefined)[];
}

/**
 * Image classification on a frozen backbone: an ONNX model that gives an embedding. A pre-trained snapshot predicts with
 * the model's own classes; trained from such a parent, a softmax layer on the embeddings takes their place.
 */
export class InceptionAdapter extends ModelAdapter<ImageSample> {
  static override readonly defaults = INCEPTION_DEFAULTS;
  static readonly checkConfiguration = checkConfiguration;
  static override readonly inputType = 'image';
  static override readonly outputType = 'class';

  override readonly maxBatchSize: number;
  readonly #settings: InceptionConfiguration;
  readonly #cacheDirectory: string | undefined;
  readonly #held = new HeldModel<ImageSample, Facts>('Inception adapter');

  constructor(setup: AdapterSetup) {
    super(setup);
    this.#cacheDirectory = setup.cacheDirectory;
    this.#settings = readConfiguration(setup.configuration);
    this.maxBatchSize = Math.max(32, this.#settings.batch_size);
  }

  /** @throws ItemUnreadable */
  prepare(input: ItemInput): Promise<ImageSample> {
    return readImage(input, this.#settings.input);
  }

  /**
   * @throws BackboneMissing without a parent that has weights; NothingToLearn, OneClassOnly, LabelOutsideOntology; the
   * codes of `load` for the parent's files
   */
  async train(data: TrainingData<ImageSample>, context: TrainContext): Promise<TrainResult> {
    const directory = context.parent;
    if (directory === undefined) throw new BackboneMissing();
    let isYielded = false;
    await this.#held.load(directory, this.#options(), async (model) => {
      this.#checkEmbedding(model);
      const trained = await trainHead({
        data,
        context,
        settings: this.#settings,
        labels: this.labels,
        embed: (samples, signal) => this.#embed(model, samples, signal),
        prepare: (input) => this.prepare(input),
      });
      isYielded = trained === 'yielded';
      if (trained === 'yielded') return { head: undefined, scores: undefined, labels: [] };
      const { head } = trained;
      for (const partition of ['train', 'validation'] as const)
        logAccuracy(head, partition, trained[partition], context);
      context.progress(1, 'trained');
      return { head, scores: undefined, labels: head.classes };
    });
    if (!isYielded) return;
    await this.#held.unload();
    return 'yielded';
  }

  /** With `embeddings` each item has, after its classes, an annotation `embedding` whose coordinates are the vector. */
  async predict(samples: readonly ImageSample[], { signal }: PredictContext): Promise<Prediction[][]> {
    const {
      model,
      facts: { head, scores, labels },
    } = this.#held.loaded;
    const { embedding_output, probabilities_output, top_k, embeddings } = this.#settings;
    const own = head ? [] : [probabilities_output!];
    const wanted = head || embeddings ? [embedding_output, ...own] : own;
    const answers: Prediction[][] = [];
    for await (const { count, outputs } of model.run(samples, wanted, signal))
      for (let index = 0; index < count; index += 1) {
        const vector = () => rowOf(outputs.get(embedding_output)!, index);
        const probabilities = head
          ? probabilitiesOf(head, vector())
          : scores!.read(outputs.get(probabilities_output!)!, index);
        const classes = classesOf(probabilities, labels, top_k, this.labels[0]!);
        const [best] = classes;
        answers.push(
          embeddings && best
            ? [...classes, { ...best, type: 'embedding', coordinates: Array.from(vector()) }]
            : classes,
        );
      }
    return answers;
  }

  /** The embedding of each sample, `[dims]` float32, in their order: for work on features in code of one's own. */
  embed(samples: readonly ImageSample[], { signal }: PredictContext): Promise<Float32Array[]> {
    return this.#embed(this.#held.loaded.model, samples, signal);
  }

  /** Copies the backbone's files, and writes the head beside them. */
  async save(directory: string): Promise<void> {
    const { head } = this.#held.loaded.facts;
    await this.#held.save(directory, (path) => path !== HEAD_FILE);
    if (head) await writeHead(directory, head);
  }

  /**
   * @throws WeightsCorrupt; OnnxFileUnclear, OnnxModelInvalid, OnnxExternalDataRefused, OnnxSignatureDiffers;
   * LabelOutsideOntology when the head knows a label that the snapshot no longer has
   */
  async load(directory: string): Promise<void> {
    const head = await readHead(directory);
    for (const label of head?.classes ?? [])
      if (!this.labels.includes(label)) throw new LabelOutsideOntology(label, this.labels);
    await this.#held.load(directory, this.#options(), (model) => {
      this.#checkEmbedding(model);
      return head
        ? { head, scores: undefined, labels: this.#checkHead(model, head) }
        : this.#ownClasses(model);
    });
  }

  /** Gives the memory of the model back, if it has any. */
  override unload(): Promise<void> {
    return this.#held.unload();
  }

  #options(): BatchedModelOptions<ImageSample> {
    const { input, weights_filename, batch_size, threads } = this.#settings;
    return {
      filename: weights_filename,
      batchSize: batch_size,
      threads,
      cacheDirectory: this.#cacheDirectory,
      openPacker: (session) => new ImagePacker(session, input),
    };
  }

  #checkEmbedding({ session }: Backbone): void {
    findPort(session.file, session.outputs, this.#settings.embedding_output, 'output');
  }

  #checkHead({ session }: Backbone, head: Head): readonly string[] {
    const { file, outputs } = session;
    const port = findPort(file, outputs, this.#settings.embedding_output, 'output');
    const dims = sizeOfRow(port.shape);
    if (dims !== undefined && dims !== head.dims)
      throw new OnnxSignatureDiffers(
        file,
        `its embedding has ${dims} numbers, and the head was trained on ${head.dims}`,
        'Keep backbone and head of one training together.',
      );
    return head.classes;
  }

  #ownClasses({ session }: Backbone): Facts {
    const { file, outputs, facts } = session;
    const { probabilities_output, probabilities_kind, id_to_label_map } = this.#settings;
    if (probabilities_output === null)
      throw new OnnxSignatureDiffers(
        file,
        'it has no head, and the configuration names no output with probabilities',
        'Train a snapshot from this one, or set probabilities_output.',
      );
    const port = findPort(file, outputs, probabilities_output, 'output');
    const scores = openClassScores({
      session,
      port,
      kind: probabilities_kind,
      setting: 'probabilities_kind',
    });
    const names = classNamesOf(facts, port.name);
    const { classes } = scores;
    const labels = labelsByClass({ map: id_to_label_map, labels: this.labels, classes, names, file });
    return { head: undefined, scores, labels };
  }

  async #embed(
    model: Backbone,
    samples: readonly ImageSample[],
    signal: AbortSignal,
  ): Promise<Float32Array[]> {
    const { embedding_output } = this.#settings;
    const vectors: Float32Array[] = [];
    for await (const { count, outputs } of model.run(samples, [embedding_output], signal))
      for (let index = 0; index < count; index += 1)
        vectors.push(Float32Array.from(rowOf(outputs.get(embedding_output)!, index)));
    return vectors;
  }
}

/** `probabilities`: `undefined`, or with NaN, where the model gave no finite numbers; the confidence is NaN then. */
function classesOf(
  probabilities: ArrayLike<number> | undefined,
  labels: readonly (string | undefined)[],
  most: number,
  anyLabel: string,
): Prediction[] {
  if (!probabilities || Array.from(probabilities).some(Number.isNaN))
    return [{ type: 'class', label: anyLabel, confidence: Number.NaN }];
  return surestFirst(probabilities)
    .filter((place) => labels[place] !== undefined)
    .slice(0, most)
    .map((place) => ({ type: 'class', label: labels[place]!, confidence: probabilities[place]! }));
}

function logAccuracy(
  head: Head,
  legend: string,
  { labels, vectors }: EmbeddedItems,
  { log }: TrainContext,
): void {
  if (labels.length === 0) return;
  const right = vectors.filter((vector, index) => {
    const [best] = surestFirst(probabilitiesOf(head, vector));
    return head.classes[best!] === labels[index];
  });
  log({ figure: 'accuracy', legend, x: 1, y: right.length / labels.length });
}
