import type { Bucket } from '../../buckets/bucket.ts';
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
 * Fetches one object into the cache and lays it out at `target`; answers the bytes moved. Nothing is kept of bytes
 * that are not those expected.
 * @throws WeightsCorrupt, WeightsMissing
 */
export async function fetchFile(
  file: StoredFile,
  target: string | undefined,
  options: FetchOptions,
): Promise<number> {
  const { bucket, cache, snapshotId, signal } = options;
  const at = { snapshotId, file: file.path, expected: file.sha256 };
  try {
    const { sizeBytes } = await cache.add(bucket.read(file.key, signal ? { signal } : {}), {
      ...(target !== undefined && { target }),
      maxBytes: file.sizeBytes,
      signal,
      check: (found) => {
        if (found.sha256 !== file.sha256 || found.sizeBytes !== file.sizeBytes)
          throw new WeightsCorrupt(`it was changed, it has ${found.sizeBytes} of ${file.sizeBytes} bytes`, {
            ...at,
            found: found.sha256,
          });
      },
    });
    return sizeBytes;
  } catch (error) {
    if (hasCode(error, 'ObjectNotFound'))
      throw new WeightsMissing({ snapshotId, file: file.path, cause: error });
    if (hasCode(error, 'ContentTooLarge'))
      throw new WeightsCorrupt(`it has more than its ${file.sizeBytes} bytes`, { ...at, cause: error });
    throw error;
  }
}
