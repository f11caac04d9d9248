import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { GuardedBucket } from '../../../shared/buckets/guarded-bucket.ts';
import { LocalBucket } from '../../../shared/buckets/local.ts';
import type { SavedFiles } from '../../../shared/snapshots/files/commit-files.ts';
import type { Line } from '../../../shared/snapshots/files/fetch-parts.ts';
import { FileCache } from '../../../shared/snapshots/files/file-cache.ts';
import { type LoadedFiles, loadFiles } from '../../../shared/snapshots/files/load-files.ts';
import type { Manifest } from '../../../shared/snapshots/files/manifest.ts';
import { keyOf, type PlacedFile, placedFiles } from '../../../shared/snapshots/files/places.ts';
import { readManifest } from '../../../shared/snapshots/files/read-manifest.ts';
import { saveFiles } from '../../../shared/snapshots/files/save-files.ts';
import { bytesFrom, bytesOf } from '../../contracts/bucket.contract.ts';
import { WatchedBucket } from '../buckets/watched-bucket.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';

export const CLOCK = { now: () => Date.UTC(2026, 0, 1) };

export type Files = Readonly<Record<string, string>>;

export function localBucket(root = temporaryFolder()): Bucket {
  return new GuardedBucket(new LocalBucket({ type: 'local' }, root));
}

export function fileCache(
  maxBytes = 1 << 30,
  directory = temporaryFolder(),
  line: Partial<Line> = {},
): FileCache {
  return new FileCache({ directory, maxBytes, line });
}

/** Saves text files as a revision of the snapshot "digits". */
export function save(bucket: Bucket, files: Files, revision = 1, more = {}): Promise<SavedFiles> {
  return saveFiles({
    bucket,
    source: Object.entries(files).map(([path, text]) => ({ path, open: () => bytesOf(text) })),
    snapshotId: 'digits',
    revision,
    configuration: { gamma: 0.1 },
    lineage: {},
    clock: CLOCK,
    ...more,
  });
}

export function load(
  bucket: Bucket,
  weights: { manifestKey: string; manifestSha256: string } | null,
  cache = fileCache(),
): Promise<LoadedFiles> {
  return loadFiles({
    bucket,
    weights: weights && { manifestKey: weights.manifestKey, manifestSha256: weights.manifestSha256 },
    cache,
    snapshotId: 'digits',
  });
}

/** The manifest of a saved revision. */
export async function manifestOf(bucket: Bucket, saved: SavedFiles): Promise<Manifest> {
  return (await readManifest({ bucket, weights: saved, snapshotId: 'digits' })).manifest;
}

/** Where in a bucket a file's bytes lie. */
export async function placeOf(bucket: Bucket, saved: SavedFiles, path: string): Promise<PlacedFile> {
  return placedFiles(await manifestOf(bucket, saved)).find((file) => file.path === path)!;
}

/** Puts other bytes over those of a file, wherever they lie in the bucket. */
export async function alterFile(
  bucket: Bucket,
  saved: SavedFiles,
  path: string,
  text: string,
): Promise<void> {
  const file = await placeOf(bucket, saved, path);
  const bytes = await bytesFrom(bucket, keyOf(file));
  bytes.write(text, file.place.start);
  await bucket.write(keyOf(file), bytes);
}

/** Any bucket as one that prefers few objects, its calls recorded. */
export class PackingBucket extends WatchedBucket {
  override get capabilities() {
    return { ...super.capabilities, prefersFewObjects: true };
  }
}

/** The files of a folder with their texts. */
export async function textsIn(directory: string): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    texts[path.slice(directory.length + 1)] = await readFile(path, 'utf8');
  }
  return texts;
}

export async function writeFiles(directory: string, files: Files): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}
