import type { Bucket } from '../../buckets/bucket.ts';
import { collect } from '../../content/byte-source.ts';
import { sha256Of } from '../../content/file-digest.ts';
import type { Snapshot } from '../../entities/snapshot.ts';
import { hasCode } from '../../errors.ts';
import { WeightsCorrupt, WeightsMissing } from '../errors.ts';
import type { FileCache } from './file-cache.ts';
import { decodeManifest, MAX_MANIFEST_BYTES, type Manifest, manifestKey } from './manifest.ts';

export interface ReadManifestOptions {
  bucket: Bucket;
  weights: NonNullable<Snapshot['weights']>;
  snapshotId: string;
  /** Keeps the manifest for the next load. */
  cache?: FileCache;
  /** The manifest's text as the store has it; nobody's word is taken, the digest decides. */
  recorded?: () => Promise<string | undefined>;
  signal?: AbortSignal;
}

/**
 * Reads the manifest a snapshot points at and checks it against the digest the snapshot holds.
 * @throws WeightsMissing, WeightsCorrupt
 */
export async function readManifest(
  options: ReadManifestOptions,
): Promise<{ manifest: Manifest; bytes: Uint8Array; fetchedBytes: number }> {
  const { weights, snapshotId, cache } = options;
  const near = (await cache?.bytes(weights.manifestSha256)) ?? (await recordedBytes(options));
  const bytes = near ?? (await fetchManifest(options));
  const manifest = decodeManifest(bytes, weights.manifestKey, snapshotId);
  if (near) return { manifest, bytes, fetchedBytes: 0 };
  await cache?.put(bytes);
  return { manifest, bytes, fetchedBytes: bytes.byteLength };
}

/**
 * Reads a manifest that nothing points at, so that only its key tells its digest; `undefined` when it is gone, or is
 * not what its key says: then it is no manifest.
 */
export async function readUnpointedManifest(bucket: Bucket, key: string): Promise<Manifest | undefined> {
  try {
    const bytes = await collect(
      bucket.read(key),
      MAX_MANIFEST_BYTES,
      () => new WeightsCorrupt(`the manifest has more than ${MAX_MANIFEST_BYTES} bytes`, { file: key }),
    );
    const manifest = decodeManifest(bytes, key);
    return manifestKey(manifest.revision, sha256Of(bytes)) === key ? manifest : undefined;
  } catch (error) {
    if (hasCode(error, 'ObjectNotFound') || hasCode(error, 'WeightsCorrupt')) return undefined;
    throw error;
  }
}

/** `undefined` when the store has none, or not this one: the bucket's is asked for then. */
async function recordedBytes({ recorded, weights }: ReadManifestOptions): Promise<Uint8Array | undefined> {
  const text = await recorded?.();
  if (text === undefined) return undefined;
  const bytes = new TextEncoder().encode(text);
  return sha256Of(bytes) === weights.manifestSha256 ? bytes : undefined;
}

async function fetchManifest(options: ReadManifestOptions): Promise<Uint8Array> {
  const { bucket, weights, snapshotId, signal } = options;
  const file = weights.manifestKey;
  try {
    const bytes = await collect(
      bucket.read(file, signal ? { signal } : {}),
      MAX_MANIFEST_BYTES,
      () =>
        new WeightsCorrupt(`the manifest has more than ${MAX_MANIFEST_BYTES} bytes`, { snapshotId, file }),
    );
    const found = sha256Of(bytes);
    if (found === weights.manifestSha256) return bytes;
    throw new WeightsCorrupt('the manifest was changed', {
      snapshotId,
      file,
      expected: weights.manifestSha256,
      found,
    });
  } catch (error) {
    if (hasCode(error, 'ObjectNotFound')) throw new WeightsMissing({ snapshotId, file, cause: error });
    throw error;
  }
}
