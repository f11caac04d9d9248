import { cp } from 'node:fs/promises';
import type {
  ModelAdapter,
  ModelAdapterClass,
  Prediction,
  TrainContext,
  TrainingData,
} from '../adapters/model-adapter.ts';
import { inputOf, type OpenPartition, openPartition } from '../shared/datasets/partition-data.ts';
import type { Item, Partition } from '../shared/entities/item.ts';
import { deepFreeze, type JsonObject } from '../shared/json.ts';
import { silentLog } from '../shared/log.ts';
import { effectiveConfiguration } from '../shared/snapshots/effective-configuration.ts';
import { type AdapterMethod, offersMethod } from '../shared/snapshots/offered-methods.ts';
import { releaseAdapter } from '../shared/snapshots/release-adapter.ts';
import type { Workbench } from './workbench.ts';

/** Never aborts. */
export const ENDLESS = new AbortController().signal;

export interface SubjectOptions {
  adapterClass: ModelAdapterClass;
  workbench: Workbench;
  seed: number;
  /** Folder of a snapshot's files to start from, for an adapter that does not train. */
  weights: string | undefined;
  /** Folder of the parent's files, for an adapter that trains from them. */
  parent: string | undefined;
  /** How long a run may go on after its signal was aborted. */
  cancelWithinMs: number;
}

/** What a training may be given otherwise than usual. */
export interface Training {
  signal?: AbortSignal;
  /** Narrows the items of the train partition. */
  filter?: JsonObject;
  /** Sees the data before the adapter does. */
  around?: (data: TrainingData<unknown>) => TrainingData<unknown>;
  /** Hear what the run tells of itself. */
  log?: TrainContext['log'];
  progress?: TrainContext['progress'];
  /** The part of the context that makes it one slice of many; the run is one slice when missing. */
  slice?: Pick<TrainContext, 'resumeFrom' | 'shouldCheckpoint' | 'shouldYield' | 'checkpoint'>;
}

const WHOLE: NonNullable<Training['slice']> = {
  resumeFrom: undefined,
  shouldCheckpoint: () => false,
  shouldYield: () => false,
  checkpoint: async () => undefined,
};

/** An adapter under check: makes instances of it, and brings them to where a check begins. */
export class Subject {
  readonly adapterClass: ModelAdapterClass;
  readonly workbench: Workbench;
  readonly seed: number;
  readonly hasGivenWeights: boolean;
  readonly cancelWithinMs: number;
  readonly configuration: Readonly<JsonObject>;
  /** The ontology, in its order. */
  readonly labels: readonly string[];
  readonly #given: string | undefined;
  readonly #created: ModelAdapter[] = [];
  readonly #parent: string | undefined;
  #weights: Promise<string> | undefined;

  constructor({ adapterClass, workbench, seed, weights, parent, cancelWithinMs }: SubjectOptions) {
    this.adapterClass = adapterClass;
    this.workbench = workbench;
    this.seed = seed;
    this.hasGivenWeights = weights !== undefined;
    this.cancelWithinMs = cancelWithinMs;
    this.configuration = effectiveConfiguration(adapterClass, workbench.model, workbench.snapshot);
    this.labels = deepFreeze([...workbench.snapshot.ontologySpec.labels]);
    this.#given = weights;
    this.#parent = parent;
  }

  /** A new instance. */
  create(): ModelAdapter {
    const { id: snapshotId, modelId, projectId, datasetId } = this.workbench.snapshot;
    const adapter = new this.adapterClass({
      configuration: this.configuration,
      labels: this.labels,
      entities: { snapshotId, modelId, projectId, datasetId },
    });
    this.#created.push(adapter);
    return adapter;
  }

  /** Releases the instances made so far: none outlives its check. */
  async release(): Promise<void> {
    for (const adapter of this.#created.splice(0)) await releaseAdapter(adapter, silentLog);
  }

  /** Trains an instance with the seed of the kit; true when it came to its end. */
  async train(adapter: ModelAdapter, training: Training = {}): Promise<boolean> {
    const {
      slice = WHOLE,
      signal = ENDLESS,
      filter,
      around,
      log = () => undefined,
      progress = () => undefined,
    } = training;
    const data = {
      train: await this.partition(adapter, 'train', filter),
      validation: await this.partition(adapter, 'validation', filter),
    };
    const context = { signal, seed: this.seed, parent: this.#parent, log, progress, ...slice };
    return (await adapter.train(around ? around(data) : data, context)) !== 'yielded';
  }

  /** A partition of the kit's items. The run's signal does not reach it: what stops is the adapter. */
  partition(
    adapter: ModelAdapter,
    partition: Partition,
    filter?: JsonObject,
  ): Promise<OpenPartition<unknown>> {
    const { platform, dataset } = this.workbench;
    const from = { datasetId: dataset.id, partition, filter };
    return openPartition(platform, from, (input) => adapter.prepare(input), ENDLESS);
  }

  /** Reason why no instance that predicts can be had; `undefined` when one can. */
  whyNotReady(): string | undefined {
    if (this.hasGivenWeights || this.offers('train') || !this.offers('load')) return undefined;
    return 'it has load and no train: give the weights that it loads with --weights';
  }

  /** A new instance that can predict, and save if it has a save: with the weights given, trained just now, or without weights. */
  async ready(): Promise<ModelAdapter> {
    if (this.hasGivenWeights && this.offers('load')) return this.loaded();
    const adapter = this.create();
    if (this.offers('train')) await this.train(adapter);
    return adapter;
  }

  /** Saves into a new folder. */
  async save(adapter: ModelAdapter): Promise<string> {
    const folder = await this.workbench.folder();
    await adapter.save(folder);
    return folder;
  }

  /** The weights given, or those of one training, made once. Not to be written to. */
  weights(): Promise<string> {
    this.#weights ??= this.#makeWeights();
    return this.#weights;
  }

  /** A new instance with the weights loaded; as `ready` for an adapter that cannot load, or has nothing to load. */
  async loaded(): Promise<ModelAdapter> {
    const canLoad = this.offers('load') && (this.hasGivenWeights || this.offers('save'));
    if (!canLoad) return this.ready();
    const adapter = this.create();
    await adapter.load(await this.weights());
    return adapter;
  }

  /** What `prepare` makes of items. */
  prepare(adapter: ModelAdapter, items: readonly Item[] = this.workbench.testItems): Promise<unknown[]> {
    return Promise.all(items.map((item) => adapter.prepare(inputOf(this.workbench.platform, item))));
  }

  /** Predicts in batches of at most `size` and the adapter's own limit. */
  async predict(
    adapter: ModelAdapter,
    samples: readonly unknown[],
    { size = samples.length, signal = ENDLESS }: { size?: number; signal?: AbortSignal } = {},
  ): Promise<Prediction[][]> {
    const step = Math.max(1, Math.min(size, adapter.maxBatchSize));
    const answers: Prediction[][] = [];
    for (let from = 0; from < samples.length; from += step)
      answers.push(...(await adapter.predict(samples.slice(from, from + step), { signal })));
    // What the adapter handed out may be its own: a later call must not reach into it.
    return structuredClone(answers);
  }

  get testNames(): string[] {
    return this.workbench.testItems.map(({ filename }) => filename);
  }

  /** True when the adapter has the method. */
  offers(method: AdapterMethod): boolean {
    return offersMethod(this.adapterClass, method);
  }

  async #makeWeights(): Promise<string> {
    if (this.#given === undefined) return this.save(await this.ready());
    const folder = await this.workbench.folder();
    await cp(this.#given, folder, { recursive: true });
    return folder;
  }
}
