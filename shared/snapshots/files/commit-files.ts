import type { Bucket, ObjectInfo } from '../../buckets/bucket.ts';
import type { ByteSource } from '../../content/byte-source.ts';
import { sha256Of } from '../../content/file-digest.ts';
import { inParallel } from '../../content/in-parallel.ts';
import type { Lender } from '../../entities/snapshot.ts';
import { canonicalJson } from '../../json.ts';
import { WeightsCorrupt } from '../errors.ts';
import { findObjects } from './find-objects.ts';
import {
  MAX_KEPT_BYTES,
  type Manifest,
  manifestKey,
  objectKey,
  type WeightFile,
  weightFiles,
} from './manifest.ts';
import type { StoredObject } from './places.ts';
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

/** Called while bytes are sent and after each object; `doneBytes` ends at the bytes of all different files. */
export type SaveProgress = (done: { doneBytes: number; totalBytes: number }) => void;

/** An object that a manifest needs in the bucket. */
export interface NeededObject extends StoredObject {
  /** Names it in errors. */
  file: string;
  /** Its bytes, each time it is called; missing for a pack of which only some files are at hand. */
  open?: (() => ByteSource) | undefined;
}

/** A manifest, and what it needs. */
export interface Brought {
  manifest: Manifest;
  /** What is written as the manifest. */
  manifestBytes: Uint8Array;
  /** Its objects in this bucket. */
  objects: readonly NeededObject[];
  /** Where its other objects lie. */
  lenders: readonly Lender[];
}

export interface CommitOptions {
  bucket: Bucket;
  /**
   * Brings all objects of a manifest into the bucket, and tells which manifest that is. Called again when something
   * that only the bucket had is gone.
   */
  bring: (bucket: Bucket, sending: Sending) => Promise<Brought>;
  snapshotId: string;
  /** Of all that is to be told of as done. */
  totalBytes: number;
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
 * again; without a pack that cannot be, the files that were to stay in it are sent elsewhere, with another manifest.
 * (`gc` of the same store cannot come between: see `shared/gc/free-bucket.ts`.)
 * @throws WeightsCorrupt when the bucket does not keep what it is sent
 */
export function commitFiles(options: CommitOptions): Promise<SavedFiles> {
  const { bucket, signal } = options;
  if (bucket.together === undefined) return commitInto(bucket, options);
  return bucket.together((batch) => commitInto(batch, options), signal);
}

async function commitInto(bucket: Bucket, options: CommitOptions): Promise<SavedFiles> {
  const { bring, signal, snapshotId } = options;
  const sending = new Sending(bucket, options);
  let brought = await bring(bucket, sending);
  await sending.putManifest(brought);
  for (let pass = 1; ; pass += 1) {
    signal?.throwIfAborted();
    const vanished = await absentOf(bucket, brought.objects);
    const isManifestThere = (await bucket.stat(keyOfManifest(brought))) !== undefined;
    if (vanished.length === 0 && isManifestThere) break;
    if (pass === MOST_PASSES)
      throw new WeightsCorrupt('the bucket loses what it was sent', {
        snapshotId,
        file: vanished[0]?.file ?? keyOfManifest(brought),
      });
    const isLost = vanished.some(({ open }) => open === undefined);
    if (isLost) brought = await bring(bucket, sending);
    else await sending.putAll(vanished);
    if (isLost || !isManifestThere) await sending.putManifest(brought);
  }
  const { manifest, manifestBytes, lenders } = brought;
  return {
    manifestKey: keyOfManifest(brought),
    manifestSha256: sha256Of(manifestBytes),
    files: weightFiles(manifest),
    sizeBytes: sumBytes(manifest.files),
    uploadedBytes: sending.sentBytes,
    ...(manifestBytes.byteLength <= MAX_KEPT_BYTES && {
      manifestText: new TextDecoder().decode(manifestBytes),
    }),
    ...(lenders.length > 0 && { sharedWith: distinctLenders(lenders) }),
  };
}

/** Puts objects and counts their bytes. */
export class Sending {
  sentBytes = 0;
  readonly #bucket: Bucket;
  readonly #options: CommitOptions;
  /** Bytes on their way or there, by digest. */
  readonly #done = new Map<string, number>();
  #doneBytes = 0;

  constructor(bucket: Bucket, options: CommitOptions) {
    this.#bucket = bucket;
    this.#options = options;
  }

  /** Puts objects, some at a time. `found`: what was under a key a moment ago. */
  putAll(
    objects: readonly NeededObject[],
    found: ReadonlyMap<string, ObjectInfo> = new Map(),
  ): Promise<void> {
    return this.inParallel(objects, (object) =>
      this.put(object, { there: found.get(objectKey(object.sha256)) }),
    );
  }

  /** Does something for each of so many objects as may be under way at once. */
  inParallel<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
    return inParallel(things, PARALLEL, work);
  }

  /** Puts an object that can be opened; what is under its key is looked for unless `there` tells. */
  async put(object: NeededObject, known: { there?: ObjectInfo | undefined } = {}): Promise<void> {
    const { snapshotId, signal } = this.#options;
    signal?.throwIfAborted();
    const { file, sha256, open } = object;
    const counted = () => this.#counted(object, open!());
    // Not `+=` over the await: it would add to what was there before it.
    const sentBytes = await putObject(this.#bucket, objectKey(sha256), object, counted, {
      snapshotId,
      file,
      signal,
      ...known,
    });
    this.sentBytes += sentBytes;
    this.done([object]);
  }

  putManifest(brought: Brought): Promise<number> {
    const { manifestBytes } = brought;
    const { snapshotId, signal } = this.#options;
    signal?.throwIfAborted();
    const content = { sha256: sha256Of(manifestBytes), sizeBytes: manifestBytes.byteLength };
    const key = keyOfManifest(brought);
    return putObject(this.#bucket, key, content, () => manifestBytes, { snapshotId, file: key, signal });
  }

  /** Tells of objects, or files, that are where they are to be. */
  done(things: readonly StoredObject[]): void {
    for (const { sha256, sizeBytes } of things) this.#tell(sha256, sizeBytes);
  }

  #counted(object: StoredObject, source: ByteSource): ByteSource {
    return source instanceof Uint8Array ? source : this.#countedChunks(object, source);
  }

  async *#countedChunks(
    { sha256, sizeBytes }: StoredObject,
    source: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    let sentBytes = 0;
    for await (const chunk of source) {
      sentBytes += chunk.byteLength;
      // The whole object is told once it is known to have arrived.
      if (sentBytes < sizeBytes) this.#tell(sha256, sentBytes);
      yield chunk;
    }
  }

  #tell(sha256: string, bytes: number): void {
    const { totalBytes, onProgress } = this.#options;
    this.#doneBytes += bytes - (this.#done.get(sha256) ?? 0);
    this.#done.set(sha256, bytes);
    // What is sent a second time, in another pack, was told before.
    onProgress?.({ doneBytes: Math.min(this.#doneBytes, totalBytes), totalBytes });
  }
}

function keyOfManifest({ manifest, manifestBytes }: Brought): string {
  return manifestKey(manifest.revision, sha256Of(manifestBytes));
}

function distinctLenders(lenders: readonly Lender[]): Lender[] {
  return [...new Map(lenders.map((lender) => [canonicalJson(lender), lender])).values()];
}

async function absentOf(bucket: Bucket, objects: readonly NeededObject[]): Promise<NeededObject[]> {
  const keys = objects.map(({ sha256 }) => objectKey(sha256));
  const found = await findObjects(bucket, keys);
  return objects.filter((object, index) => found.get(keys[index]!)?.sizeBytes !== object.sizeBytes);
}

export function sumBytes(files: readonly { sizeBytes: number }[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}
