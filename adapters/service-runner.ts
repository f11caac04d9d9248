import type { Annotation } from '../shared/entities/annotation.ts';
import type { Dataset } from '../shared/entities/dataset.ts';
import type { Item } from '../shared/entities/item.ts';
import type { NewMetricSample } from '../shared/entities/metric-sample.ts';
import type { Model } from '../shared/entities/model.ts';
import type { Project } from '../shared/entities/project.ts';
import type { Snapshot } from '../shared/entities/snapshot.ts';
import type { Json, JsonObject } from '../shared/json.ts';
import type { Log } from '../shared/log.ts';
import type { ItemInput, ModelAdapter, Prediction } from './model-adapter.ts';

/** What a runner is constructed with. */
export interface RunnerSetup {
  /** The module's `initInputs` by name, as the service's `initParams` give them: entities in place of references. Frozen. */
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * The one class a user writes for functions of their own: each method that the package declares as a function can be called
 * over HTTP, by triggers and as a node of a pipeline.
 *
 * A method is called with two arguments: its inputs by name, and a `FunctionContext`. An input declared as an entity is that
 * entity, a list is an array of them; a `Snapshot` declared with `load` is a `LoadedModel`; an optional input that was not
 * given is absent. It returns an object with its declared outputs by name, entities as themselves or as their ids, and
 * nothing at all when it declares none.
 *
 * The constructor runs once a container, and may be asynchronous through `init`; calls may come at the same time, so keep
 * nothing of one call on `this`. A call that fails with what is not the caller's fault is made again, as often as the
 * service's `maxAttempts` says: what a method writes should be the same the second time, as it is by the writers of the context.
 */
export abstract class ServiceRunner {
  readonly params: Readonly<Record<string, unknown>>;

  /** Cheap and without side effects. What it throws is told to every call until it succeeds. */
  constructor(setup: RunnerSetup) {
    this.params = setup.params;
  }

  /** Called once, before the first function: read or connect what all calls share. */
  init?(): Promise<void> | void;

  /** Releases what `init` took, once no call uses it any more. What it throws is logged. */
  close?(): Promise<void> | void;
}

/** A snapshot with its adapter in memory: what an input declared as `{"type": "Snapshot", "load": true}` is. */
export interface LoadedModel {
  readonly snapshot: Readonly<Snapshot>;
  readonly model: Readonly<Model>;
  readonly labels: readonly string[];
  /** Shared with other calls: call `prepare` and `predict`, nothing that changes it. It stays loaded until the call ends. */
  readonly adapter: ModelAdapter<unknown>;
  /**
   * Predictions of items, batch by batch, without writing anything. An item that cannot be read or predicted is among the
   * failed ones.
   */
  predict(
    items: readonly Readonly<Item>[],
    options?: {
      /** Predictions below it are dropped, 0..1. Default 0. */
      minConfidence?: number;
      /** Called with the number of items that are done. */
      onProgress?: (done: number) => void;
    },
  ): Promise<ModelPredictions>;
}

export interface ModelPredictions {
  readonly results: readonly { readonly item: Readonly<Item>; readonly predictions: readonly Prediction[] }[];
  readonly failed: readonly {
    readonly item_id: string;
    readonly filename: string;
    readonly message: string;
  }[];
}

/** An annotation to be made. */
export interface AnnotationToWrite {
  /** `class`, `box`, `segment`... */
  type: string;
  label: string;
  /** The wire's shape for the type; absent for `class`. */
  coordinates?: Json;
  attributes?: Json;
  metadata?: JsonObject;
}

/** What a function may use beside its inputs. All reads and writes stay within the service's project. */
export interface FunctionContext {
  readonly executionId: string;
  readonly functionName: string;
  readonly service: { readonly id: string; readonly name: string; readonly version: string };
  readonly projectId: string;
  /** Aborted when the run is to stop: terminated, out of time, or taken over by another container. */
  readonly signal: AbortSignal;
  /** When the attempt has to have ended, ms since 1970: by what its service allows, or its container. */
  readonly deadline: number;
  /** Kept with the execution, as what is said on the console is. */
  readonly log: Log;
  /** How far the run is, 0..100, with a word for people. Cheap: may be called often. */
  progress(percentComplete: number, message?: string): void;

  project(): Promise<Readonly<Project>>;
  /** The files of a dataset in order of filename; `filter` narrows them, as `{"dir": "/new"}`. */
  items(dataset: Pick<Dataset, 'id'>, filter?: JsonObject): AsyncIterable<Readonly<Item>>;
  /** Opens an item; nothing is read before it is asked for. */
  open(item: Readonly<Item>): ItemInput;
  /** All annotations of an item, oldest first. */
  annotations(item: Pick<Item, 'id'>): Promise<readonly Readonly<Annotation>[]>;
  /** The dataset of an item, a dataset by its id, and so on. @throws EntityNotFound */
  dataset(id: string): Promise<Readonly<Dataset>>;
  item(id: string): Promise<Readonly<Item>>;
  snapshot(id: string): Promise<Readonly<Snapshot>>;
  model(id: string): Promise<Readonly<Model>>;

  /** Makes annotations of an item. A run that is made again makes the same ones, and not one more. */
  annotate(item: Pick<Item, 'id'>, annotations: readonly AnnotationToWrite[]): Promise<readonly Annotation[]>;
  /** Merges into an item's metadata; nulls remove. */
  updateMetadata(item: Pick<Item, 'id'>, metadata: JsonObject): Promise<Item>;
  /** Puts a file into a dataset, over the one at this path. */
  upload(dataset: Pick<Dataset, 'id'>, path: string, content: Uint8Array | string): Promise<Item>;
  /** Puts points on a snapshot's curves. */
  logMetrics(snapshot: Pick<Snapshot, 'id'>, ...samples: NewMetricSample[]): Promise<void>;
}
