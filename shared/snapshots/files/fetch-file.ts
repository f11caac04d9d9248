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
  const { bucket, cache, signal } = options;
  const { key, sha256, sizeBytes } = file;
  // Who fetches the same bytes just now has them before the cache does.
  if (!cache.isFetching(sha256) && (await cache.link(sha256, target, signal))) return 0;
  const { check, onFailure } = expecting(file, { what: 'it', sizeBytes }, options);
  const fetch = () => cache.fetch({ bucket, key, sizeBytes }, { name: sha256, target, check, signal });
  try {
    // Bytes that changed on the way are right the second time; those that lie there wrong are not.
    const { movedBytes } = await fetch().catch((error: unknown) => {
      if (hasCode(error, 'WeightsCorrupt')) return fetch();
      throw error;
    });
    return movedBytes;
  } catch (error) {
    throw onFailure(error);
  }
}

/** What has to hold for a fetched file, and what is told when it cannot be had. The object is what it lies in. */
export function expecting(
  { path, sha256 }: WeightFile,
  object: { what: 'it' | 'its pack'; sizeBytes: number },
  { snapshotId }: Pick<FetchOptions, 'snapshotId'>,
): { check: (found: ContentInfo) => void; onFailure: (error: unknown) => unknown } {
  const at = { snapshotId, file: path, expected: sha256 };
  const check = (found: ContentInfo): void => {
    if (found.sha256 !== sha256) throw new WeightsCorrupt('it was changed', { ...at, found: found.sha256 });
  };
  const onFailure = (error: unknown): unknown => {
    if (hasCode(error, 'ObjectNotFound')) return new WeightsMissing({ snapshotId, file: path, cause: error });
    if (hasCode(error, 'ContentTooLarge'))
      return new WeightsCorrupt(`${object.what} has more than its ${object.sizeBytes} bytes`, {
        ...at,
        cause: error,
      });
    if (hasCode(error, 'ContentCut'))
      return new WeightsCorrupt(`${object.what} has fewer than its ${object.sizeBytes} bytes`, {
        ...at,
        cause: error,
      });
    return error;
  };
  return { check, onFailure };
}
