import type { Bucket } from '../../buckets/bucket.ts';
import { expectDigest, RepeatableSource } from '../../content/byte-source.ts';
import type { Snapshot } from '../../entities/snapshot.ts';
import { WeightsCorrupt, WeightsMissing } from '../errors.ts';
import { listBareObjects } from './bare-files.ts';
import { commitFiles, type SavedFiles, type SaveProgress, sumBytes } from './commit-files.ts';
import { expecting } from './fetch-file.ts';
import { findObjects } from './find-objects.ts';
import { type Manifest, objectKey, type WeightFile } from './manifest.ts';
import {
  firstOfEach,
  isPacked,
  objectsOf,
  type PlacedFile,
  placedFiles,
  type StoredObject,
} from './places.ts';
import { readManifest } from './read-manifest.ts';
import { StretchReader } from './stretch-reader.ts';

export interface CopyOptions {
  from: Bucket;
  to: Bucket;
  /** The revision to copy; its pointer is good for `to` as well afterwards. */
  weights: NonNullable<Snapshot['weights']>;
  /** Names the source in errors. */
  snapshotId: string;
  signal?: AbortSignal;
  onProgress?: SaveProgress;
}

/**
 * Copies one saved revision into another bucket, of whatever type. The manifest is copied byte for byte and last, and
 * every object is read back in the target. May be repeated; goes on where an earlier copy stopped.
 * @throws WeightsMissing, WeightsCorrupt when the source is damaged, the buckets' codes
 */
export async function copyFiles(options: CopyOptions): Promise<SavedFiles> {
  const { from, to, signal, onProgress, weights, snapshotId } = options;
  const stop = signal ? { signal } : {};
  const { manifest, bytes } = await readManifest({ bucket: from, weights, snapshotId, ...stop });
  const objects = objectsOf(manifest).map((object) => ({
    ...object,
    open: () => openObject(from, object, { path: object.file, snapshotId, signal }),
  }));
  const found = (bucket: Bucket) =>
    findObjects(
      bucket,
      objects.map(({ key }) => key),
    );
  return commitFiles({
    bucket: to,
    bring: async (into, sending) => {
      await sending.putAll(objects, await found(into));
      return { manifest, manifestBytes: bytes, objects, lenders: [] };
    },
    snapshotId: manifest.snapshotId,
    totalBytes: sumBytes(objects),
    signal,
    onProgress,
  });
}

/**
 * Reads files of a saved revision out of a bucket, verified on the way: who writes them elsewhere keeps nothing of
 * one that was changed. Files of packs come a good many with one request when they are opened in order.
 * @throws WeightsMissing, WeightsCorrupt from what is read
 */
export function openStored(
  from: Bucket,
  manifest: Manifest,
  snapshotId: string,
  signal?: AbortSignal,
): (file: WeightFile) => AsyncIterable<Uint8Array> {
  const placed = placedFiles(manifest);
  const bySha256 = new Map(firstOfEach(placed).map((file) => [file.sha256, file]));
  const packs = new StretchReader(from, placed, signal);
  return (file) => {
    const at = { path: file.path, snapshotId, signal };
    const stored = bySha256.get(file.sha256)!;
    if (!isPacked(stored)) return openObject(from, stored.place.object, at);
    return fromPack(packs, stored, at);
  };
}

type Origin = { path: string; snapshotId: string; signal?: AbortSignal | undefined };

/** Reads a whole object, verified; `path` names it. */
function openObject(from: Bucket, object: StoredObject, at: Origin): AsyncIterable<Uint8Array> {
  const { sha256, sizeBytes } = object;
  const { onFailure } = expecting({ ...object, path: at.path }, { what: 'it', sizeBytes }, at);
  return verified(
    from.read(objectKey(sha256), { isVerifiedByReader: true, ...(at.signal && { signal: at.signal }) }),
    sha256,
    at,
    onFailure,
  );
}

async function* verified(
  source: AsyncIterable<Uint8Array>,
  sha256: string,
  at: Origin,
  onFailure: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    yield* expectDigest(source, sha256, (found) => changed(at, sha256, found));
  } catch (error) {
    throw onFailure(error);
  }
}

async function* fromPack(packs: StretchReader, file: PlacedFile, at: Origin): AsyncGenerator<Uint8Array> {
  const { sizeBytes } = file.place.object;
  const { onFailure } = expecting({ ...file, path: at.path }, { what: 'its pack', sizeBytes }, at);
  const { bytes, sha256 } = await packs.bytesOf(file).catch((error: unknown) => {
    throw onFailure(error);
  });
  if (sha256 !== file.sha256) throw changed(at, file.sha256, sha256);
  yield bytes;
}

function changed({ path, snapshotId }: Origin, expected: string, found: string): WeightsCorrupt {
  return new WeightsCorrupt('it was changed', { snapshotId, file: path, expected, found });
}

/**
 * Copies the bare files a user put into a bucket, each under its own key; answers how many there were.
 * @throws WeightsMissing when there is none
 */
export async function copyBareFiles(options: Omit<CopyOptions, 'weights' | 'onProgress'>): Promise<number> {
  const { from, to, signal, snapshotId } = options;
  const objects = await listBareObjects(from);
  if (objects.length === 0) throw new WeightsMissing({ snapshotId });
  for (const { key } of objects)
    await to.write(key, new RepeatableSource(() => from.read(key)), signal ? { signal } : {});
  return objects.length;
}
