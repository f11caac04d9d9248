import { join } from 'node:path';
import type { Bucket } from '../../buckets/bucket.ts';
import { sha256Of } from '../../content/file-digest.ts';
import { inParallel } from '../../content/in-parallel.ts';
import type { Snapshot } from '../../entities/snapshot.ts';
import { canonicalJson } from '../../json.ts';
import { findBareFiles } from './bare-files.ts';
import { sumBytes } from './commit-files.ts';
import { fetchFile, type StoredFile } from './fetch-file.ts';
import type { FileCache } from './file-cache.ts';
import type { HandedFolder } from './handed-folders.ts';
import { type Manifest, objectKey, type WeightFile } from './manifest.ts';
import { readManifest } from './read-manifest.ts';

/** Files fetched or hashed at once. */
const PARALLEL = 4;

export interface LoadOptions {
  bucket: Bucket;
  /** The revision's manifest; null takes the bare files a user put into the bucket. */
  weights: Snapshot['weights'];
  cache: FileCache;
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
  /** Milliseconds: finding out what is needed, hashing what the cache had, fetching (and hashing) the rest. */
  timings: { manifestMs: number; verifyMs: number; fetchMs: number };
  /** Lets the cache drop the folder when it needs the space; call it when nobody reads from `directory` any more. */
  release(): void;
}

type Needed = { manifest: Manifest | null; files: StoredFile[]; fetchedBytes: number };
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
  const folder = await layOut(needed.files, options, tally);
  if (tally.fetchedBytes > 0) await options.cache.trim();
  return {
    directory: folder.directory,
    manifest: needed.manifest,
    files: needed.files.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 })),
    sizeBytes: sumBytes(needed.files),
    fetchedBytes: tally.fetchedBytes,
    fromCache: tally.fetchedBytes === 0,
    timings: { manifestMs, verifyMs: tally.verifyMs, fetchMs: tally.fetchMs },
    release: folder.release,
  };
}

async function findNeeded(options: LoadOptions): Promise<Needed> {
  const { weights } = options;
  if (weights === null) return { manifest: null, ...(await findBareFiles(options)) };
  const { manifest, fetchedBytes } = await readManifest({ ...options, weights });
  const files = manifest.files.map((file) => ({ ...file, key: objectKey(file.sha256) }));
  return { manifest, files, fetchedBytes };
}

async function layOut(
  files: readonly StoredFile[],
  options: LoadOptions,
  tally: Tally,
): Promise<HandedFolder> {
  const { cache } = options;
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
  return cache.handed.make(name, (directory) => fill(directory, files, options, tally));
}

async function fill(
  directory: string,
  files: readonly StoredFile[],
  options: LoadOptions,
  tally: Tally,
): Promise<void> {
  const { cache, signal } = options;
  const started = performance.now();
  const missing: StoredFile[] = [];
  await inParallel(files, PARALLEL, async (file) => {
    signal?.throwIfAborted();
    if (!(await cache.link(file.sha256, join(directory, file.path), signal))) missing.push(file);
  });
  const verified = performance.now();
  tally.verifyMs += verified - started;
  const first = new Map(missing.map((file) => [file.sha256, file]));
  await inParallel([...first.values()], PARALLEL, async (file) => {
    const fetchedBytes = await fetchFile(file, join(directory, file.path), options);
    tally.fetchedBytes += fetchedBytes;
  });
  for (const file of missing) {
    if (first.get(file.sha256) === file) continue;
    const target = join(directory, file.path);
    if (!(await cache.link(file.sha256, target, signal)))
      tally.fetchedBytes += await fetchFile(file, target, options);
  }
  tally.fetchMs += performance.now() - verified;
}

async function holdsAll(
  directory: string,
  files: readonly StoredFile[],
  { cache, signal }: LoadOptions,
): Promise<boolean> {
  for (const { path, sha256 } of files) {
    if (!(await cache.holds(join(directory, path), sha256, signal))) return false;
  }
  return true;
}
