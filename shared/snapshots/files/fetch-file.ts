import type { Bucket } from '../../buckets/bucket.ts';
import type { ContentInfo } from '../../content/content-store.ts';
import { hasCode } from '../../errors.ts';
import { WeightsCorrupt, WeightsMissing } from '../errors.ts';
import type { FileCache } from './file-cache.ts';
import type { WeightFile } from './manifest.ts';

/** A file of a snapshot and the object its bytes are in. */
export interface StoredFile extends WeightFile {
  key: string;
}

export interface FetchOptions {
  bucket: Bucket;
  cache: FileCache;
  snapshotId: string;
  signal?: AbortSignal;
}

/**
 * Lays one file out at `target`, from the cache when it is there, else from the bucket; answers the bytes moved.
 * Nothing is kept of bytes that are not those expected. The folder of `target` is there.
 * @throws WeightsCorrupt, WeightsMissing
 */
export async function fetchFile(file: StoredFile, target: string, options: FetchOptions): Promise<number> {
  const { bucket, cache, snapshotId, signal } = options;
  const { key, sha256, sizeBytes } = file;
  // Who fetches the same bytes just now has them before the cache does.
  if (!cache.isFetching(sha256) && (await cache.link(sha256, target, signal))) return 0;
  const at = { snapshotId, file: file.path, expected: sha256 };
  const check = (found: ContentInfo): void => {
    if (found.sha256 !== sha256) throw new WeightsCorrupt('it was changed', { ...at, found: found.sha256 });
  };
  const fetch = () => cache.fetch({ bucket, key, sizeBytes }, { name: sha256, target, check, signal });
  try {
    // Bytes that changed on the way are right the second time; those that lie there wrong are not.
    const { movedBytes } = await fetch().catch((error: unknown) => {
      if (hasCode(error, 'WeightsCorrupt')) return fetch();
      throw error;
    });
    return movedBytes;
  } catch (error) {
    if (hasCode(error, 'ObjectNotFound'))
      throw new WeightsMissing({ snapshotId, file: file.path, cause: error });
    if (hasCode(error, 'ContentTooLarge'))
      throw new WeightsCorrupt(`it has more than its ${sizeBytes} bytes`, { ...at, cause: error });
    if (hasCode(error, 'ContentCut'))
      throw new WeightsCorrupt(`it has fewer than its ${sizeBytes} bytes`, { ...at, cause: error });
    throw error;
  }
}
