import type { Bucket } from '../../buckets/bucket.ts';
import type { ByteSource } from '../../content/byte-source.ts';
import { sha256Of } from '../../content/file-digest.ts';
import { inParallel } from '../../content/in-parallel.ts';
import { type Manifest, manifestKey, objectKey, type WeightFile } from './manifest.ts';
import { putObject } from './put-object.ts';

/** Objects written at once. */
const PARALLEL = 4;

/** A revision of weights as it now lies in a bucket. */
export interface SavedFiles {
  manifestKey: string;
  manifestSha256: string;
  files: WeightFile[];
  /** Of all files, whether they had to be sent or not. */
  sizeBytes: number;
  /** Sent this time, the manifest left out. */
  uploadedBytes: number;
}

export type SaveProgress = (done: { doneBytes: number; totalBytes: number }) => void;

export interface CommitOptions {
  bucket: Bucket;
  manifest: Manifest;
  /** What is written as the manifest. */
  manifestBytes: Uint8Array;
  /** The bytes of a file of the manifest; may be called again when a write is repeated. */
  open: (file: WeightFile) => ByteSource;
  signal?: AbortSignal | undefined;
  onProgress?: SaveProgress | undefined;
}

/**
 * Brings every object of a manifest into the bucket and then, last, the manifest itself: who reads a manifest finds
 * all it lists. Stopped anywhere, the bucket has some objects more and all earlier manifests; repeating goes on from
 * there. A bucket that can stores all of it in one step.
 */
export function commitFiles(options: CommitOptions): Promise<SavedFiles> {
  const { bucket, signal } = options;
  if (bucket.together === undefined) return sendFiles(options);
  return bucket.together((batch) => sendFiles({ ...options, bucket: batch }), signal);
}

async function sendFiles(options: CommitOptions): Promise<SavedFiles> {
  const { bucket, manifest, manifestBytes, open, signal, onProgress } = options;
  const { snapshotId, files } = manifest;
  const totalBytes = sumBytes(files);
  let doneBytes = 0;
  let uploadedBytes = 0;
  await inParallel(distinct(files), PARALLEL, async (file) => {
    signal?.throwIfAborted();
    const put = { snapshotId, file: file.path, signal };
    const sentBytes = await putObject(bucket, objectKey(file.sha256), file, () => open(file), put);
    uploadedBytes += sentBytes;
    doneBytes += file.sizeBytes;
    onProgress?.({ doneBytes, totalBytes });
  });
  signal?.throwIfAborted();
  const content = { sha256: sha256Of(manifestBytes), sizeBytes: manifestBytes.byteLength };
  const key = manifestKey(manifest.revision, content.sha256);
  await putObject(bucket, key, content, () => manifestBytes, { snapshotId, file: key, signal });
  return { manifestKey: key, manifestSha256: content.sha256, files, sizeBytes: totalBytes, uploadedBytes };
}

export function sumBytes(files: readonly { sizeBytes: number }[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

/** Files with equal bytes share one object, which is sent once. */
function distinct(files: readonly WeightFile[]): WeightFile[] {
  return [...new Map(files.map((file) => [file.sha256, file])).values()];
}
