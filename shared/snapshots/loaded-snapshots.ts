import type { BuiltInAdapters } from '../../adapters/built-in-adapters.ts';
import type { ModelAdapter } from '../../adapters/model-adapter.ts';
import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { canonicalJson, deepFreeze } from '../json.ts';
import type { Platform } from '../platform.ts';
import { loadAdapterClass } from './adapter-class.ts';
import { effectiveConfiguration } from './effective-configuration.ts';
import type { FileCache } from './files/file-cache.ts';
import { type LoadedFiles, loadFiles } from './files/load-files.ts';
import { openWeightsBucket } from './shared-files.ts';
import type { BucketFiles } from './weights-source.ts';

/** A snapshot whose weights are in memory. */
export interface LoadedSnapshot {
  readonly adapter: ModelAdapter<unknown>;
  readonly codeDigest: string;
  readonly files: Omit<LoadedFiles, 'directory'>;
  /** Milliseconds of each step of the load. */
  readonly timings: Readonly<Record<'codeMs' | 'filesMs' | 'loadMs', number>>;
}

/**
 * The adapters a container holds ready, least recently used first out. An entry is good for one revision of one
 * configuration and one version of the code; two calls that need the same one share a single load.
 */
export class LoadedSnapshots {
  readonly #platform: Platform;
  readonly #builtIns: BuiltInAdapters;
  readonly #cache: FileCache;
  readonly #capacity: number;
  readonly #entries = new Map<string, Promise<LoadedSnapshot>>();

  constructor(platform: Platform, builtIns: BuiltInAdapters, cache: FileCache) {
    this.#platform = platform;
    this.#builtIns = builtIns;
    this.#cache = cache;
    this.#capacity = platform.config.maxLoadedSnapshots;
  }

  /**
   * The snapshot, loaded. `cold` tells whether this call had to load it.
   * @throws WeightsMissing, WeightsCorrupt, AdapterUnusable, and what the adapter's `load` throws
   */
  async acquire(
    snapshot: Readonly<Snapshot>,
    model: Readonly<Model>,
  ): Promise<{ loaded: LoadedSnapshot; cold: boolean }> {
    const key = keyOf(snapshot, model);
    const known = this.#entries.get(key);
    if (known) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return { loaded: await known, cold: false };
    }
    // Without a caller's signal: others may wait for the same load.
    const loading = this.load(snapshot, model);
    this.#entries.set(key, loading);
    // A failed load is not kept: the next call tries again.
    loading.catch(() => this.#forget(key, loading));
    this.#evict();
    return { loaded: await loading, cold: true };
  }

  /** Loads afresh, whatever is in memory already; the caller releases `files`. */
  async load(
    snapshot: Readonly<Snapshot>,
    model: Readonly<Model>,
    signal?: AbortSignal,
  ): Promise<LoadedSnapshot> {
    const started = performance.now();
    const { bucket, weights } = snapshot;
    const fetching = this.fetch({ bucket, owner: snapshot, weights }, signal);
    const classLoading = loadAdapterClass(this.#platform, this.#builtIns, model, signal);
    // Both run at once; the failure of one must not leave the other's unheard.
    fetching.catch(() => undefined);
    const { adapterClass, codeDigest } = await classLoading;
    const codeMs = performance.now() - started;
    const { directory, ...files } = await fetching;
    const filesMs = performance.now() - started;
    const adapter = new adapterClass({
      configuration: effectiveConfiguration(adapterClass, model, snapshot),
      labels: deepFreeze([...snapshot.ontologySpec.labels]),
    });
    await adapter.load(directory);
    const loadMs = performance.now() - started - Math.max(codeMs, filesMs);
    return { adapter, codeDigest, files, timings: { codeMs, filesMs, loadMs } };
  }

  /** Files of a bucket in a folder of this machine, every one verified. The caller releases them. @throws WeightsMissing, WeightsCorrupt */
  async fetch({ bucket, owner, weights }: BucketFiles, signal?: AbortSignal): Promise<LoadedFiles> {
    return loadFiles({
      bucket: await openWeightsBucket(this.#platform, { bucket, owner, weights }),
      cache: this.#cache,
      weights,
      snapshotId: owner.id,
      ...(signal && { signal }),
    });
  }

  #evict(): void {
    while (this.#entries.size > this.#capacity) {
      const oldest = this.#entries.entries().next();
      if (oldest.done) return;
      const [key, entry] = oldest.value;
      this.#entries.delete(key);
      // The weights are in memory; the folder may go. A failed load holds none.
      entry.then(({ files }) => files.release()).catch(() => undefined);
    }
  }

  #forget(key: string, loading: Promise<LoadedSnapshot>): void {
    if (this.#entries.get(key) === loading) this.#entries.delete(key);
  }
}

/** The key of a pair is asked for by every call, and its entities come frozen from a cache: the same pair, the same key. */
const keys = new WeakMap<Readonly<Snapshot>, { model: Readonly<Model>; key: string }>();

/** What a loaded adapter depends on. */
function keyOf(snapshot: Readonly<Snapshot>, model: Readonly<Model>): string {
  const known = keys.get(snapshot);
  if (known?.model === model) return known.key;
  const key = canonicalJson([
    snapshot.id,
    snapshot.revision,
    snapshot.weights,
    snapshot.bucket,
    snapshot.configuration,
    snapshot.ontologySpec.labels,
    model.id,
    model.version,
    model.entryPoint,
    model.className,
    model.codebase,
    model.configuration,
  ]);
  if (Object.isFrozen(snapshot) && Object.isFrozen(model)) keys.set(snapshot, { model, key });
  return key;
}
