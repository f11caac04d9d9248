import type { Bucket } from '../../buckets/bucket.ts';
import { expectDigest } from '../../content/byte-source.ts';
import type { Snapshot } from '../../entities/snapshot.ts';
import { hasCode } from '../../errors.ts';
import { WeightsCorrupt, WeightsMissing } from '../errors.ts';
import { listBareObjects } from './bare-files.ts';
import { commitFiles, type SavedFiles, type SaveProgress } from './commit-files.ts';
import { objectKey, type WeightFile } from './manifest.ts';
import { readManifest } from './read-manifest.ts';

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
  const open = openStored(from, snapshotId, signal);
  return commitFiles({ bucket: to, manifest, manifestBytes: bytes, open, signal, onProgress });
}

/**
 * Reads files of a saved revision out of a bucket, verified on the way: who writes them elsewhere keeps nothing of
 * one that was changed.
 * @throws WeightsMissing, WeightsCorrupt from what is read
 */
export function openStored(
  from: Bucket,
  snapshotId: string,
  signal?: AbortSignal,
): (file: WeightFile) => AsyncIterable<Uint8Array> {
  return ({ path, sha256 }) =>
    orMissing(
      expectDigest(
        from.read(objectKey(sha256), signal ? { signal } : {}),
        sha256,
        (found) => new WeightsCorrupt('it was changed', { snapshotId, file: path, expected: sha256, found }),
      ),
      (cause) => new WeightsMissing({ snapshotId, file: path, cause }),
    );
}

async function* orMissing(
  source: AsyncIterable<Uint8Array>,
  missing: (cause: unknown) => Error,
): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    throw hasCode(error, 'ObjectNotFound') ? missing(error) : error;
  }
}

/**
 * Copies the bare files a user put into a bucket, each under its own key; answers how many there were.
 * @throws WeightsMissing when there is none
 */
export async function copyBareFiles(options: Omit<CopyOptions, 'weights' | 'onProgress'>): Promise<number> {
  const { from, to, signal, snapshotId } = options;
  const objects = await listBareObjects(from);
  if (objects.length === 0) throw new WeightsMissing({ snapshotId });
  for (const { key } of objects) await to.write(key, from.read(key), signal ? { signal } : {});
  return objects.length;
}
