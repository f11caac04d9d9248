import type { Annotation } from '../shared/entities/annotation.ts';
import type { Item, Partition } from '../shared/entities/item.ts';
import type { NewMetricSample } from '../shared/entities/metric-sample.ts';
import type { Json, JsonObject } from '../shared/json.ts';
import { evaluatePairs } from '../shared/metrics/evaluate-pairs.ts';

export { AdapterMethodMissing } from '../shared/adapter-method-missing.ts';

const MARKER = Symbol.for('modelfn.adapter');

/** Pixels of an item, row by row from the top left: `data[(y * width + x) * channels + c]`, 0..255. */
export interface ImagePixels {
  width: number;
  height: number;
  /** 1 grey, 3 RGB, 4 RGBA. */
  channels: 1 | 3 | 4;
  data: Uint8Array;
  /** Size of the upright image before it was brought to another: where places of these pixels lie in the item. */
  source: { width: number; height: number };
}

export interface ImageOptions {
  /** Target size in pixels; the item's own when missing. */
  width?: number;
  height?: number;
  /**
   * `fill` stretches, `contain` keeps the aspect with black borders, `cover` crops, `inside` keeps the aspect without
   * borders: the answer is smaller than the target in one direction. Default `fill`.
   */
  fit?: 'fill' | 'contain' | 'cover' | 'inside';
  /** Default 3. */
  channels?: 1 | 3 | 4;
}

/** One item as an adapter sees it. Nothing is read before it is asked for. */
export interface ItemInput {
  readonly item: Readonly<Item>;
  /** The file's bytes, verified against their digest. */
  bytes(): Promise<Uint8Array>;
  /** The bytes as UTF-8. @throws ItemUnreadable when they are not. */
  text(): Promise<string>;
  /** The bytes as JSON. @throws ItemUnreadable when they are not. */
  json(): Promise<Json>;
  /**
   * The decoded image, turned upright by its EXIF orientation. @throws ItemUnreadable when it cannot be decoded, or would take
   * more memory than MODELFN_MAX_IMAGE_BYTES: of a large JPEG ask for the size you need.
   */
  image(options?: ImageOptions): Promise<ImagePixels>;
}

/** An item with what people said about it; predictions are not among its annotations. */
export interface LabelledInput {
  readonly input: ItemInput;
  readonly annotations: readonly Readonly<Annotation>[];
  /** The label of its one `class` annotation; `undefined` when it has none. */
  readonly label: string | undefined;
}

export interface LabelledSample<Sample> extends LabelledInput {
  readonly label: string;
  /** What `prepare` made of the item. */
  readonly sample: Sample;
}

/** The items of one partition, in order of filename. */
export interface PartitionData<Sample> {
  readonly partition: Partition;
  /** Number of items, labelled or not. */
  readonly count: number;
  /** Items one after the other, with their annotations; nothing is kept in memory. */
  inputs(): AsyncIterable<LabelledInput>;
  /**
   * Every item with a class label, prepared; each call reads and prepares them again. Items that `prepare` throws for are left
   * out and named in the training's output; items without a label are left out and counted there.
   * @throws TooManyUnreadable when more items than the allowed share are left out; the errors of storage, which are never
   * an item's
   */
  samples(): Promise<LabelledSample<Sample>[]>;
  /**
   * The same items one after the other, some prepared ahead: for samples that do not fit in memory together. Items that
   * `skip` says yes to are passed over and not read, such as those a checkpoint has already.
   */
  stream(skip?: (input: LabelledInput) => boolean): AsyncIterable<LabelledSample<Sample>>;
}

/** What a training learns from. */
export interface TrainingData<Sample> {
  readonly train: PartitionData<Sample>;
  /** May be empty. */
  readonly validation: PartitionData<Sample>;
}

/** Nothing when the training came to its end. */
// biome-ignore lint/suspicious/noConfusingVoidType: an adapter that never yields is written as Promise<void>
export type TrainResult = void | 'yielded';

export interface TrainContext {
  /** Aborted when the run is to stop; check it between steps, or pass it on. */
  readonly signal: AbortSignal;
  /** Source of all randomness of the run: the same seed and data must give the same weights, bit for bit. */
  readonly seed: number;
  /**
   * A folder with the files of the snapshot's parent, every one verified: what fine-tuning begins with. `undefined` when
   * there is no parent, or it has no weights. Read only; it is there until the training's `save` is done.
   */
  readonly parent: string | undefined;
  /**
   * Brings the files of the snapshot's own current revision, for trainings that go on from it; `undefined` when it has none.
   * Read only; the folder is there until the training's `save` is done. Missing where a training belongs to no snapshot.
   */
  readonly ownWeights?: () => Promise<string | undefined>;
  /** Puts points on the snapshot's curves; cheap, they are written in batches. */
  log(...samples: NewMetricSample[]): void;
  /** How far the training is, 0..1, with a word for people. Cheap: may be called often. */
  progress(fraction: number, message?: string): void;
  /**
   * A folder with what the last `checkpoint` of this very training wrote; `undefined` when it begins. Who goes on from it
   * has to come to the same weights, bit for bit, as one who never stopped: keep the state of the random generator, the
   * place in the data and the optimiser's own state there too.
   */
  readonly resumeFrom: string | undefined;
  /** True when a checkpoint is due: a minute after the last one, or because the time is nearly up. Ask between steps. */
  shouldCheckpoint(): boolean;
  /** True when the time is nearly up: checkpoint, then return `'yielded'` from `train`. */
  shouldYield(): boolean;
  /**
   * Keeps the state of the training. `write` fills an empty folder; once the promise resolves it is durable and takes the
   * place of the earlier one, which was good until then. A training that is killed goes on from here.
   */
  checkpoint(write: (directory: string) => Promise<void>): Promise<void>;
}

export interface PredictContext {
  readonly signal: AbortSignal;
}

/** One statement about one item. It becomes an annotation of the item. */
export interface Prediction {
  /** An annotation type: `class`, `box`, `segment`... */
  type: string;
  /** One of the snapshot's labels. */
  label: string;
  /** 0..1. NaN and Infinity, here and in coordinates, fail the item; the others of the run are written. */
  confidence: number;
  /** The wire's shape for the type; absent for `class`. */
  coordinates?: Json;
  /**
   * In place of coordinates: numbers of any amount. Up to 4,096 of them become coordinates `{"dims", "data"}`; more, and those with NaN or Infinity, are kept as a
   * `.npy` file of the annotation, whose coordinates are `{"dims", "dtype", "sizeBytes"}`.
   */
  tensor?: PredictedTensor;
  attributes?: Json;
}

/** Types of a tensor's elements. */
export type TensorElements =
  | Float16Array
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** Numbers row by row. */
export interface PredictedTensor {
  /** Sizes of the dimensions: their product is the number of elements. */
  readonly dims: readonly number[];
  /** Read when the prediction is kept, after `predict` answered: not to be written to any more. */
  readonly data: TensorElements;
}

/** Where `convert` writes to. Paths are relative, `/`-separated. */
export interface LayoutWriter {
  write(path: string, content: Uint8Array | string | AsyncIterable<Uint8Array | string>): Promise<void>;
}

/** What `convertBack` reads from. */
export interface LayoutReader {
  /** Paths of all files, sorted. */
  list(): Promise<string[]>;
  read(path: string): Promise<Uint8Array>;
}

/** An item to be made from a training layout. */
export interface ConvertedItem {
  filename: string;
  content: Uint8Array;
  label: string | undefined;
}

/** One item with what people said and what the snapshot predicted. */
export interface EvaluationPair {
  readonly item: Readonly<Item>;
  /** Annotations by people: never predictions. */
  readonly groundTruth: readonly Readonly<Annotation>[];
  /** The label of its one `class` annotation. */
  readonly label: string | undefined;
  readonly predictions: readonly Prediction[];
}

/** How good predictions are. */
export interface Evaluation {
  /** Numbers by name, e.g. `accuracy` 0..1; each becomes a metric sample of the snapshot. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Numbers by label and name, e.g. `f1` 0..1 and `support`, the number of true items. */
  readonly perLabel: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Anything else worth keeping, e.g. a confusion matrix. */
  readonly details?: JsonObject;
  /** How each item fared, in the order of the pairs: kept as an artifact of the run, page by page. */
  readonly perItem?: readonly ItemEvaluation[];
}

/** How one item fared. */
export interface ItemEvaluation {
  readonly itemId: string;
  readonly filename: string;
  /** Number of things that are wrong there; items with the most are shown first. */
  readonly errors: number;
  /** What is to be said of it, by kind: `class`, `box`, `mask` or a word of the adapter's own. */
  readonly kinds: Readonly<Record<string, JsonObject>>;
}

/** At what a single detection is judged right or wrong. */
export interface EvaluateOptions {
  /** Overlap with its truth that a detection needs, 0..1. */
  readonly iou: number;
  /** Detections below it are not counted one by one, 0..1. */
  readonly confidence: number;
}

/** What an adapter is constructed with. All of it is frozen. */
export interface AdapterSetup {
  /** The model's defaults with the snapshot's configuration over them. */
  configuration: Readonly<JsonObject>;
  /** Labels of the snapshot's ontology, in its order: the only labels a prediction may have. */
  labels: readonly string[];
  /** Ids of what it works for, for code that asks the entity API; missing where there is no snapshot. */
  entities?: AdapterEntities;
  /**
   * A folder for what is worth keeping between processes and can be made again: it may be emptied at any time, several
   * processes share it, and adapters of other classes too. Not there yet until it is made; missing where none is given.
   */
  cacheDirectory?: string;
}

/** Ids of a snapshot and of what belongs to it. */
export interface AdapterEntities {
  snapshotId: string;
  modelId: string;
  projectId: string;
  /** The dataset of the training or conversion, else the snapshot's own; null when there is none. */
  datasetId: string | null;
}

/**
 * The one class a user writes. It may leave out methods that nobody calls: a class that only predicts has `prepare`, `predict` and,
 * if it has weights, `load`. A call of a method that it lacks is refused as `AdapterMethodMissing`. modelfn finds the entities, brings the weights, hands in the items, writes back what
 * comes out, and calls it from HTTP, from dataset events and from pipeline nodes.
 *
 * Order of calls: `new` - then either `load` once, or `train` once followed by `save` - then `predict` any number of times
 * - then, where it was loaded, `unload` once.
 * A loaded adapter stays in memory between calls and may serve several at once: `predict` and `prepare` change nothing.
 *
 * `Sample` is whatever `prepare` makes of an item: a feature vector, a tensor, a document.
 */
export abstract class ModelAdapter<Sample = unknown> {
  static readonly [MARKER] = true;
  readonly [MARKER] = true;
  /** Configuration of the class; a model's and then a snapshot's configuration go over it. */
  static readonly defaults: Readonly<JsonObject> = Object.freeze({});
  /** What an item is to the adapter: image, text, tabular...; written to a model made from the class. */
  static readonly inputType: string | null = null;
  /** The annotation type of its predictions. */
  static readonly outputType: string | null = null;

  readonly configuration: Readonly<JsonObject>;
  readonly labels: readonly string[];
  /** Samples handed to one `predict` at most. */
  readonly maxBatchSize: number = 256;
  /**
   * Bytes of memory the loaded adapter takes, native memory included; `load` sets it when it knows. A container that
   * serves many snapshots drops those used longest ago by it (MODELFN_LOADED_BYTES). When missing, the size of the
   * snapshot's files is taken.
   */
  declare memoryBytes?: number;

  /** Cheap and without side effects: read the configuration here, load nothing. Throw when the configuration is wrong. */
  constructor(setup: AdapterSetup) {
    this.configuration = setup.configuration;
    this.labels = setup.labels;
  }

  /**
   * Makes a sample of one item, for training and for prediction alike. What it throws fails this item alone;
   * the others go on.
   */
  abstract prepare(input: ItemInput): Promise<Sample> | Sample;

  /**
   * Learns from the data; afterwards `predict` and `save` work. Throws `context.signal.reason` when aborted.
   *
   * A training that may take longer than a function lives (15 minutes on Lambda) asks `context.shouldCheckpoint()` between
   * its steps, calls `context.checkpoint`, and returns `'yielded'` when `context.shouldYield()`: it is called again, on a new
   * instance, with `context.resumeFrom`. One that never asks is cut off at the limit.
   */
  abstract train(data: TrainingData<Sample>, context: TrainContext): Promise<TrainResult>;

  /**
   * Predictions for each sample, in the order of the samples; an empty array says "nothing there". The result for
   * a sample does not depend on the others of the batch.
   */
  abstract predict(
    samples: readonly Sample[],
    context: PredictContext,
  ): Promise<Prediction[][]> | Prediction[][];

  /**
   * Told of the batch that most likely comes next while `predict` is at another, for adapters that can begin with it elsewhere,
   * as in another process. Its turn may never come, and others may come first. Does not throw.
   */
  expect?(samples: readonly Sample[]): void;

  /** Writes all that `load` needs into an empty folder, sub-folders as you like. Equal weights give equal bytes. */
  abstract save(directory: string): Promise<void>;

  /**
   * Reads what `save` wrote. The folder is shared: read only; it stays until `unload`. When it throws, it has released
   * what it took: there is no `unload` then.
   */
  abstract load(directory: string): Promise<void>;

  /**
   * Releases what the garbage collector does not: native handles, child processes, mapped files. Called once for an
   * adapter that was loaded, when its container drops it and no call uses it any more; nothing is called after it.
   * What it throws is logged.
   */
  unload?(): Promise<void> | void;

  /**
   * The loaded or trained model as the bytes of one ONNX file, so that other programs and the adapter `onnx` can run it.
   * For adapters whose models can be told in ONNX; the others leave it out.
   */
  exportOnnx?(): Promise<Uint8Array> | Uint8Array;

  /**
   * Writes a partition in the training layout of the architecture. The default is a folder a label with the
   * items' files in it, `<label>/<filename>`, and `_unlabelled/` for the rest.
   */
  async convert(data: PartitionData<Sample>, layout: LayoutWriter): Promise<void> {
    for await (const { input, label } of data.inputs()) {
      await layout.write(`${label ?? '_unlabelled'}${input.item.filename}`, await input.bytes());
    }
  }

  /**
   * Compares predictions with ground truth. The default goes by the types of annotation that are there: of `class` the
   * surest prediction of each item, of `box` COCO's numbers, of `segment` and `binary` the overlap of pixels.
   *
   * Pairs come one after the other, once, in order of filename, each read as it is asked for: keep of each what the numbers
   * need. `Array.fromAsync(pairs)` has all of them, where they fit in memory.
   */
  evaluate(
    pairs: AsyncIterable<EvaluationPair>,
    options?: EvaluateOptions,
  ): Promise<Evaluation> | Evaluation {
    return evaluatePairs(pairs, this.labels, options);
  }

  /** Reads a training layout back into items. The default reads what the default `convert` wrote. */
  async *convertBack(layout: LayoutReader): AsyncIterable<ConvertedItem> {
    for (const path of await layout.list()) {
      const cut = path.indexOf('/');
      const folder = cut < 0 ? '_unlabelled' : path.slice(0, cut);
      yield {
        filename: `/${path.slice(cut + 1)}`,
        content: await layout.read(path),
        label: folder === '_unlabelled' ? undefined : folder,
      };
    }
  }
}

/** One problem of a configuration. */
export interface ConfigurationProblem {
  /** Path of the setting, such as `input.width`; empty for the whole. */
  readonly field: string;
  readonly problem: string;
}

/** An adapter class as a codebase exports it. */
export interface ModelAdapterClass {
  new (setup: AdapterSetup): ModelAdapter<unknown>;
  readonly defaults: Readonly<JsonObject>;
  /**
   * Lists all problems of a configuration; empty when there is none. A static method that a class may have. `configuration` is as
   * an instance gets it; `labels` are those of the snapshot, missing for the configuration of a model. Must be cheap and without
   * side effects: a training calls it before any other work, and for built-in adapters every write of a configuration does.
   */
  checkConfiguration?(
    configuration: Readonly<JsonObject>,
    labels?: readonly string[],
  ): readonly ConfigurationProblem[];
  readonly inputType: string | null;
  readonly outputType: string | null;
  /** Names of the methods that it offers, where its prototype has more of them; a class written in JavaScript leaves it out. */
  readonly methods?: readonly string[];
  /**
   * True: values of a model's and then a snapshot's configuration replace whole values of the class, `null` too. Otherwise objects
   * merge, and `null` removes a value.
   */
  readonly replacesConfiguration?: boolean;
  /** Facts about what the code runs on, such as versions of its packages; recorded in the lineage of its weights. */
  readonly runtime?: Readonly<JsonObject>;
}

/** True for a class derived from any copy of ModelAdapter: an adapter's bundle brings its own. */
export function isModelAdapterClass(value: unknown): value is ModelAdapterClass {
  return typeof value === 'function' && MARKER in value;
}

/** True for an instance of any copy of ModelAdapter: an adapter's bundle brings its own. */
export function isModelAdapter(value: unknown): value is ModelAdapter<unknown> {
  return typeof value === 'object' && value !== null && MARKER in value;
}
