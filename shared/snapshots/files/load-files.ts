import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Bucket } from '../../buckets/bucket.ts';
import { sha256Of } from '../../content/file-digest.ts';
import { inParallel } from '../../content/in-parallel.ts';
import type { Snapshot } from '../../entities/snapshot.ts';
import { canonicalJson } from '../../json.ts';
import { WeightsChanging } from '../errors.ts';
import { digestFiles } from '../visible-files.ts';
import { findBareFiles } from './bare-files.ts';
import { sumBytes } from './commit-files.ts';
import { fetchFile, type StoredFile } from './fetch-file.ts';
import { fetchPack } from './fetch-pack.ts';
import type { FileCache } from './file-cache.ts';
import type { HandedFolder } from './handed-folders.ts';
import { type Manifest, type WeightFile, weightFiles } from './manifest.ts';
import { groupByPack, keyOf, type PlacedFile, placedFiles } from './places.ts';
import { readManifest } from './read-manifest.ts';
import { MAX_REQUESTS } from './request-budget.ts';

/** Files, or packs of files, worked on at once; how many requests that makes is the cache's to bound. */
const WORKS_AT_ONCE = 2 * MAX_REQUESTS;

export interface LoadOptions {
  bucket: Bucket;
  /** The revision's manifest; null takes the bare files a user put into the bucket. */
  weights: Snapshot['weights'];
  /** Digest of the bare files that are wanted, see `digestFiles`; whatever they are now when missing. */
  bare?: string | undefined;
  cache: FileCache;
  /** The manifest as the store has it; without, the bucket is asked. */
  recorded?: () => Promise<string | undefined>;
  snapshotId: string;
  signal?: AbortSignal;
}

/** A snapshot's files in a folder of this machine. */
export interface LoadedFiles {
  /** Holds exactly `files`. Read-only: others share the files. */
  directory: string;
  /** Null for bare files. */
  manifest: Manifest | null;
  files: WeightFile[];
  sizeBytes: number;
  /** Bytes moved out of the bucket by this load, the manifest included. */
  fetchedBytes: number;
  /** True when nothing had to be fetched. */
  fromCache: boolean;
  /**
   * Milliseconds: finding out what is needed; from then on until the last file that the cache had was hashed, and until
   * the last that it had not was fetched (and hashed). The two go on side by side.
   */
  timings: { manifestMs: number; verifyMs: number; fetchMs: number };
  /** Lets the cache drop the folder when it needs the space; call it when nobody reads from `directory` any more. */
  release(): void;
}

type Needed = {
  manifest: Manifest | null;
  files: WeightFile[];
  /** What is fetched together: a file in an object of its own, or those that lie in one pack. */
  works: (StoredFile | PlacedFile[])[];
  fetchedBytes: number;
};
type Tally = { fetchedBytes: number; verifyMs: number; fetchMs: number };

/**
 * Brings a revision's files to this machine and hands out a folder with them. Every file in it was hashed and found
 * to be what the manifest says.
 * @throws WeightsMissing, WeightsCorrupt (one byte is enough), WeightsChanging (bare files only), StorageUnavailable,
 * the bucket's codes
 */
export async function loadFiles(options: LoadOptions): Promise<LoadedFiles> {
  const started = performance.now();
  const needed = await findNeeded(options);
  const manifestMs = performance.now() - started;
  const tally: Tally = { fetchedBytes: needed.fetchedBytes, verifyMs: 0, fetchMs: 0 };
  const folder = await layOut(needed, options, tally);
  // Behind the caller's back: it takes as long as there are files, and nobody waits for room. What fails is tried again.
  if (tally.fetchedBytes > 0) options.cache.trim().catch(() => undefined);
  return {
    directory: folder.directory,
    manifest: needed.manifest,
    files: needed.files,
    sizeBytes: sumBytes(needed.files),
    fetchedBytes: tally.fetchedBytes,
    fromCache: tally.fetchedBytes === 0,
    timings: { manifestMs, verifyMs: tally.verifyMs, fetchMs: tally.fetchMs },
    release: folder.release,
  };
}

async function findNeeded(options: LoadOptions): Promise<Needed> {
  const { weights } = options;
  if (weights === null) {
    const { files, fetchedBytes } = await findBareFiles(options);
    const found = files.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 }));
    if (options.bare !== undefined && digestFiles(found) !== options.bare)
      throw new WeightsChanging(options.snapshotId, found[0]!.path);
    return { manifest: null, files: found, works: files, fetchedBytes };
  }
  const { manifest, fetchedBytes } = await readManifest({ ...options, weights });
  const { packs, others } = groupByPack(placedFiles(manifest));
  const works = [...packs, ...others.map((file) => ({ ...file, key: keyOf(file) }))];
  return { manifest, files: weightFiles(manifest), works, fetchedBytes };
}

async function layOut(needed: Needed, options: LoadOptions, tally: Tally): Promise<HandedFolder> {
  const { cache } = options;
  const { files } = needed;
  const name = sha256Of(canonicalJson(files.map(({ path, sha256 }) => [path, sha256])));
  const started = performance.now();
  const warm = cache.handed.take(name);
  if (warm) {
    const sound = await holdsAll(warm.directory, files, options).finally(() => {
      tally.verifyMs = performance.now() - started;
    });
    if (sound) return warm;
    cache.handed.discard(name);
    warm.release();
  }
  return cache.handed.make(name, (directory) => fill(directory, needed, options, tally));
}

async function fill(
  directory: string,
  { files, works }: Needed,
  options: LoadOptions,
  tally: Tally,
): Promise<void> {
  const started = performance.now();
  makeFolders(files.map(({ path }) => join(directory, path)));
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const target = (path: string): string => join(directory, path);
  const asked = { ...options, signal };
  await inParallel(works, WORKS_AT_ONCE, async (work) => {
    try {
      signal.throwIfAborted();
      const movedBytes = Array.isArray(work)
        ? await fetchPack(work, target, asked)
        : await fetchFile(work, target(work.path), asked);
      tally.fetchedBytes += movedBytes;
      tally[movedBytes > 0 ? 'fetchMs' : 'verifyMs'] = performance.now() - started;
    } catch (error) {
      // One bad file fails the load: the others need not be waited for.
      stop.abort(error);
      throw error;
    }
  });
}

/** In place, as links are: each of a few folders once, before thousands of files go into them. */
function makeFolders(paths: readonly string[]): void {
  for (const folder of new Set(paths.map((path) => dirname(path)))) mkdirSync(folder, { recursive: true });
}

async function holdsAll(
  directory: string,
  files: readonly WeightFile[],
  { cache, signal }: LoadOptions,
): Promise<boolean> {
  for (const { path, sha256 } of files) {
    if (!(await cache.holds(join(directory, path), sha256, signal))) return false;
  }
  return true;
}
