import type { Bucket, ObjectInfo } from '../../buckets/bucket.ts';
import { type ByteSource, chunksOf } from '../../content/byte-source.ts';
import { sha256Of } from '../../content/file-digest.ts';
import { inParallel } from '../../content/in-parallel.ts';
import type { Lender } from '../../entities/snapshot.ts';
import { canonicalJson } from '../../json.ts';
import { WeightsCorrupt } from '../errors.ts';
import type { SharedObjects } from '../shared-files.ts';
import { findObjects } from './find-objects.ts';
import { MAX_KEPT_BYTES, type Manifest, manifestKey, objectKey, type WeightFile } from './manifest.ts';
import { putObject } from './put-object.ts';

/** Objects written at once. */
const PARALLEL = 8;

/** A revision of weights as it now lies in a bucket. */
export interface SavedFiles {
  manifestKey: string;
  manifestSha256: string;
  files: WeightFile[];
  /** Of all files, whether they had to be sent or not. */
  sizeBytes: number;
  /** Sent this time, the manifest left out. */
  uploadedBytes: number;
  /** The manifest, when it is short enough to be kept beside the revision. */
  manifestText?: string;
  /** Where some of the files lie instead; missing when all are in the bucket. */
  sharedWith?: Lender[];
}

/** Called while bytes are sent and after each file; `doneBytes` ends at the bytes of all different files. */
export type SaveProgress = (done: { doneBytes: number; totalBytes: number }) => void;

export interface CommitOptions {
  bucket: Bucket;
  manifest: Manifest;
  /** What is written as the manifest. */
  manifestBytes: Uint8Array;
  /** The bytes of a file of the manifest; may be called again when a write is repeated. */
  open: (file: WeightFile) => ByteSource;
  /** Where a file lies already, so that it need not be in this bucket; nothing is shared when missing. */
  shared?: SharedObjects | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: SaveProgress | undefined;
}

/** Objects that vanish again and again are taken away by something that will not stop. */
const MOST_PASSES = 5;

/**
 * Brings every object of a manifest into the bucket and then, last, the manifest itself: who reads a manifest finds
 * all it lists. Stopped anywhere, the bucket has some objects more and all earlier manifests; repeating goes on from
 * there. A bucket that can stores all of it in one step.
 *
 * An object that was there when the save came to it may be taken away before the manifest is: by `gc` of another store
 * on the same bucket, or by hand. So all are looked for once more when the manifest stands, and what vanished is sent
 * again. (`gc` of the same store cannot come between: see `shared/gc/free-bucket.ts`.)
 * @throws WeightsCorrupt when the bucket does not keep what it is sent
 */
export function commitFiles(options: CommitOptions): Promise<SavedFiles> {
  const { bucket, signal } = options;
  if (bucket.together === undefined) return sendFiles(options);
  return bucket.together((batch) => sendFiles({ ...options, bucket: batch }), signal);
}

async function sendFiles(options: CommitOptions): Promise<SavedFiles> {
  const { bucket, manifest, manifestBytes, signal } = options;
  const { snapshotId, files } = manifest;
  const wanted = distinct(files);
  const sending = new Sending(options, wanted, await findObjects(bucket, wanted.map(keyOf)));
  await inParallel(wanted, PARALLEL, (file) => sending.bring(file));
  signal?.throwIfAborted();
  const content = { sha256: sha256Of(manifestBytes), sizeBytes: manifestBytes.byteLength };
  const key = manifestKey(manifest.revision, content.sha256);
  const putManifest = () =>
    putObject(bucket, key, content, () => manifestBytes, { snapshotId, file: key, signal });
  await putManifest();
  for (let pass = 1; ; pass += 1) {
    signal?.throwIfAborted();
    const vanished = await absentOf(
      bucket,
      wanted.filter(({ sha256 }) => !sending.borrowed.has(sha256)),
    );
    const isManifestThere = (await bucket.stat(key)) !== undefined;
    if (vanished.length === 0 && isManifestThere) break;
    if (pass === MOST_PASSES)
      throw new WeightsCorrupt('the bucket loses what it was sent', {
        snapshotId,
        file: vanished[0]?.path ?? key,
      });
    await inParallel(vanished, PARALLEL, (file) => sending.put(file, undefined));
    if (!isManifestThere) await putManifest();
  }
  return {
    manifestKey: key,
    manifestSha256: content.sha256,
    files,
    sizeBytes: sumBytes(files),
    uploadedBytes: sending.sentBytes,
    ...(manifestBytes.byteLength <= MAX_KEPT_BYTES && {
      manifestText: new TextDecoder().decode(manifestBytes),
    }),
    ...(sending.borrowed.size > 0 && { sharedWith: distinctLenders(sending.borrowed) }),
  };
}

/** Puts objects and counts their bytes. */
class Sending {
  sentBytes = 0;
  /** Lenders of what was not put, by digest. */
  readonly borrowed = new Map<string, Lender>();
  readonly #options: CommitOptions;
  readonly #found: ReadonlyMap<string, ObjectInfo>;
  readonly #totalBytes: number;
  /** Bytes on their way or there, by digest. */
  readonly #done = new Map<string, number>();
  #doneBytes = 0;

  /** `found`: the objects that were there when the save came. */
  constructor(options: CommitOptions, files: readonly WeightFile[], found: ReadonlyMap<string, ObjectInfo>) {
    this.#options = options;
    this.#found = found;
    this.#totalBytes = sumBytes(files);
  }

  /** Leaves a file where it is shared, when the bucket does not have it; else puts it. */
  async bring(file: WeightFile): Promise<void> {
    const { shared, signal } = this.#options;
    signal?.throwIfAborted();
    const there = this.#found.get(keyOf(file));
    const lender = there === undefined ? await shared?.find(file, signal) : undefined;
    if (lender === undefined) return this.put(file, there);
    this.borrowed.set(file.sha256, lender);
    this.#tell(file, file.sizeBytes);
  }

  async put(file: WeightFile, there: ObjectInfo | undefined): Promise<void> {
    const { bucket, manifest, open, signal } = this.#options;
    signal?.throwIfAborted();
    const options = { snapshotId: manifest.snapshotId, file: file.path, signal, there };
    const counted = () => this.#counted(file, open(file));
    // Not `+=` over the await: it would add to what was there before it.
    const sentBytes = await putObject(bucket, objectKey(file.sha256), file, counted, options);
    this.sentBytes += sentBytes;
    this.#tell(file, file.sizeBytes);
  }

  async *#counted(file: WeightFile, source: ByteSource): AsyncGenerator<Uint8Array> {
    let sentBytes = 0;
    for await (const chunk of chunksOf(source)) {
      sentBytes += chunk.byteLength;
      // The whole file is told once it is known to have arrived.
      if (sentBytes < file.sizeBytes) this.#tell(file, sentBytes);
      yield chunk;
    }
  }

  #tell({ sha256 }: WeightFile, bytes: number): void {
    this.#doneBytes += bytes - (this.#done.get(sha256) ?? 0);
    this.#done.set(sha256, bytes);
    this.#options.onProgress?.({ doneBytes: this.#doneBytes, totalBytes: this.#totalBytes });
  }
}

function distinctLenders(borrowed: ReadonlyMap<string, Lender>): Lender[] {
  return [...new Map([...borrowed.values()].map((lender) => [canonicalJson(lender), lender])).values()];
}

async function absentOf(bucket: Bucket, files: readonly WeightFile[]): Promise<WeightFile[]> {
  const found = await findObjects(bucket, files.map(keyOf));
  return files.filter((file) => found.get(keyOf(file))?.sizeBytes !== file.sizeBytes);
}

function keyOf({ sha256 }: WeightFile): string {
  return objectKey(sha256);
}

export function sumBytes(files: readonly { sizeBytes: number }[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

/** Files with equal bytes share one object, which is sent once. */
function distinct(files: readonly WeightFile[]): WeightFile[] {
  return [...new Map(files.map((file) => [file.sha256, file])).values()];
}
