import type { BuiltInAdapters } from '../../adapters/built-in-adapters.ts';
import type { ModelAdapter, ModelAdapterClass } from '../../adapters/model-adapter.ts';
import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { hasCode, messageOf } from '../errors.ts';
import { canonicalJson } from '../json.ts';
import type { Platform } from '../platform.ts';
import { loadAdapterClass } from './adapter-class.ts';
import { constructAdapter } from './construct-adapter.ts';
import { LoadTimedOut } from './errors.ts';
import type { FileCache } from './files/file-cache.ts';
import { type LoadedFiles, loadFiles } from './files/load-files.ts';
import { type AdapterMethod, assertMethods, offersMethod } from './offered-methods.ts';
import { type Held, Residents, type TellCost } from './residents.ts';
import { recordedManifest } from './revisions.ts';
import { openWeightsBucket } from './shared-files.ts';
import { loadWithinLimit } from './shared-load.ts';
import type { BucketFiles } from './weights-source.ts';

/** A snapshot whose weights are in memory. */
export interface LoadedSnapshot {
  readonly adapter: ModelAdapter<unknown>;
  readonly codeDigest: string;
  readonly files: Omit<LoadedFiles, 'directory' | 'release'>;
  /** Milliseconds of each step of the load. */
  readonly timings: Readonly<Record<'codeMs' | 'filesMs' | 'loadMs', number>>;
  /** Releases the adapter and its folder. Never throws; may be called twice. */
  unload(): Promise<void>;
}

/**
 * The adapters a container holds ready, within a number and within a share of memory. An entry is good for one
 * revision of one configuration and one version of the code; calls that need the same one share a single load.
 */
export class LoadedSnapshots {
  readonly #platform: Platform;
  readonly #builtIns: BuiltInAdapters;
  readonly #cache: FileCache;
  readonly #residents: Residents<LoadedSnapshot>;

  constructor(platform: Platform, builtIns: BuiltInAdapters, cache: FileCache) {
    this.#platform = platform;
    this.#builtIns = builtIns;
    this.#cache = cache;
    const { maxLoadedSnapshots, loadedBytes } = platform.config;
    this.#residents = new Residents(
      { count: maxLoadedSnapshots, bytes: loadedBytes },
      (loaded) => void loaded.unload(),
    );
  }

  /**
   * Runs `work` with the snapshot loaded; until it ends, the adapter stays. `cold` is true when this call started the load.
   * `needs`: the methods that `work` calls.
   * @throws WeightsMissing, WeightsCorrupt, AdapterUnusable, AdapterMethodMissing, LoadTimedOut, the signal's reason, what the adapter's `load`
   * throws, and what `work` throws
   */
  async use<R>(
    snapshot: Readonly<Snapshot>,
    model: Readonly<Model>,
    work: (loaded: LoadedSnapshot, cold: boolean) => Promise<R> | R,
    signal?: AbortSignal,
    needs: readonly AdapterMethod[] = [],
  ): Promise<R> {
    const { value, cold, release } = await this.acquire(snapshot, model, signal, needs);
    try {
      return await work(value, cold);
    } finally {
      release();
    }
  }

  /**
   * Like `use`, but returns a handle. The caller must call `release()`. The signal ends the caller's waiting; the load
   * goes on for other callers and for the next call, up to its limit, and its failure is logged.
   */
  async acquire(
    snapshot: Readonly<Snapshot>,
    model: Readonly<Model>,
    signal?: AbortSignal,
    needs: readonly AdapterMethod[] = [],
  ): Promise<Held<LoadedSnapshot>> {
    const load = (tellCost: TellCost) => this.#loadShared(snapshot, model, tellCost, needs);
    const held = await this.#residents.acquire(keyOf(snapshot, model), load, signal);
    try {
      // Another call with other needs may have loaded it.
      assertMethods(held.value.adapter.constructor as ModelAdapterClass, nameOf(model), needs);
      return held;
    } catch (error) {
      held.release();
      throw error;
    }
  }

  async #loadShared(
    snapshot: Readonly<Snapshot>,
    model: Readonly<Model>,
    tellCost: TellCost,
    needs: readonly AdapterMethod[],
  ): Promise<LoadedSnapshot> {
    try {
      return await loadWithinLimit({
        load: (signal) => this.load(snapshot, model, { signal, tellCost, needs }),
        dispose: (loaded) => void loaded.unload(),
        timedOut: (limitMs) => new LoadTimedOut(snapshot, limitMs),
      });
    } catch (error) {
      const { id: snapshotId, revision } = snapshot;
      this.#platform.log.warn('a snapshot could not be loaded', {
        snapshotId,
        revision,
        error: messageOf(error),
      });
      throw error;
    }
  }

  /** Loads afresh, whatever is in memory already; the caller unloads it. `tellCost` is told the bytes it takes. */
  async load(
    snapshot: Readonly<Snapshot>,
    model: Readonly<Model>,
    {
      signal,
      tellCost,
      needs = [],
    }: { signal?: AbortSignal; tellCost?: TellCost; needs?: readonly AdapterMethod[] } = {},
  ): Promise<LoadedSnapshot> {
    const started = performance.now();
    const { bucket, weights, visible } = snapshot;
    const bare = weights === null ? visible?.sha256 : undefined;
    const fetching = this.fetch({ bucket, owner: snapshot, weights, ...(bare && { bare }) }, signal);
    // It is awaited after the code. Until then, and when the code cannot be loaded, its failure has no other handler.
    fetching.catch(() => undefined);
    try {
      const { adapterClass, codeDigest } = await loadAdapterClass(
        this.#platform,
        this.#builtIns,
        model,
        signal,
        needs,
      );
      const codeMs = performance.now() - started;
      const needsFiles = offersMethod(adapterClass, 'load');
      const { directory, release, ...files } = await (needsFiles
        ? fetching
        : fetching.catch((error: unknown) => withoutFiles(error, weights)));
      const filesMs = performance.now() - started;
      const adapter = constructAdapter(this.#platform, adapterClass, model, snapshot);
      // Room is made before the memory is filled, as far as the files can tell.
      tellCost?.(files.sizeBytes);
      if (needsFiles) await adapter.load(directory);
      tellCost?.(costOf(adapter, files.sizeBytes));
      const loadMs = performance.now() - started - Math.max(codeMs, filesMs);
      const unload = once(() => this.#unload(snapshot, adapter, release));
      return { adapter, codeDigest, files, timings: { codeMs, filesMs, loadMs }, unload };
    } catch (error) {
      // The folder has no reader, whatever failed.
      fetching.then(({ release }) => release()).catch(() => undefined);
      throw error;
    }
  }

  /** Files of a bucket in a folder of this machine, every one verified. The caller releases them. @throws WeightsMissing, WeightsCorrupt */
  async fetch({ bucket, owner, weights, bare }: BucketFiles, signal?: AbortSignal): Promise<LoadedFiles> {
    return loadFiles({
      bucket: await openWeightsBucket(this.#platform, { bucket, owner, weights }),
      cache: this.#cache,
      weights,
      bare,
      recorded: () => recordedManifest(this.#platform.store, owner.id, weights),
      snapshotId: owner.id,
      ...(signal && { signal }),
    });
  }

  async #unload(
    { id, revision }: Readonly<Snapshot>,
    adapter: ModelAdapter<unknown>,
    release: () => void,
  ): Promise<void> {
    try {
      await adapter.unload?.();
    } catch (error) {
      this.#platform.log.warn('an adapter failed to unload', {
        snapshotId: id,
        revision,
        error: messageOf(error),
      });
    } finally {
      release();
    }
  }
}

/** The files of a snapshot that has none, for an adapter that loads none. @throws other failures of the fetch */
function withoutFiles(error: unknown, weights: Snapshot['weights']): LoadedFiles {
  if (!hasCode(error, 'WeightsMissing') || weights !== null) throw error;
  return {
    ...{ directory: '', manifest: null, files: [], sizeBytes: 0, fetchedBytes: 0, fromCache: true },
    timings: { manifestMs: 0, verifyMs: 0, fetchMs: 0 },
    release: () => undefined,
  };
}

/** The adapter's code, for messages. */
function nameOf({ entryPoint, className }: Readonly<Model>): string {
  return `${entryPoint} (${className})`;
}

/** What an adapter says of itself counts when it is a number of bytes: it is code from outside. */
function costOf({ memoryBytes }: ModelAdapter<unknown>, sizeBytes: number): number {
  return memoryBytes !== undefined && Number.isFinite(memoryBytes) && memoryBytes >= 0
    ? memoryBytes
    : sizeBytes;
}

function once<T>(work: () => T): () => T {
  let done: { result: T } | undefined;
  return () => {
    done ??= { result: work() };
    return done.result;
  };
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
    // Files without a manifest are identified by this alone.
    snapshot.weights === null ? (snapshot.visible?.sha256 ?? null) : null,
    snapshot.bucket,
    snapshot.configuration,
    snapshot.ontologySpec.labels,
    model.id,
    model.version,
    model.entryPoint,
    model.className,
    model.codebase,
    model.configuration,
    model.environment ?? null,
  ]);
  if (Object.isFrozen(snapshot) && Object.isFrozen(model)) keys.set(snapshot, { model, key });
  return key;
}
