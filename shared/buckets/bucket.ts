import type { ContentInfo } from '../content/content-store.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';

/** One stored object. */
export interface ObjectInfo {
  /** Path below the bucket's root: `/`-separated, no leading slash, no `.` or `..` parts. */
  key: string;
  sizeBytes: number;
  /** Changes whenever the bytes do; compared, never interpreted. */
  etag: string;
  /** When the bytes were last written, ISO-8601; missing where the driver cannot tell. */
  updatedAt?: string;
  /**
   * Time of the last change of any kind, milliseconds since 1970, where an etag alone may miss one: a file whose time of
   * last write was set back, or that was written twice within a tick of the clock. Compared beside the etag; only `list`
   * gives it.
   */
  changedAtMs?: number;
}

/** What a driver can do, as data: callers plan by it instead of trying and catching. */
export interface BucketCapabilities {
  canWrite: boolean;
  /** `read` with `start`/`end` moves only those bytes. */
  canReadRanges: boolean;
  /** `ifAbsent` holds between processes, not only within one. */
  hasPreconditions: boolean;
  /** A write that resolved was compared, by checksum, with what the place itself says it holds: it need not be read back. */
  provesWrites: boolean;
  /** The etag is the sha256 of the bytes, in hex. */
  hasDigestEtags: boolean;
  /** Each request costs as much as a good many bytes do: who has many small things to store puts them together. */
  prefersFewObjects: boolean;
}

export interface ListOptions {
  /** Keys to leave out, if possible without a look at their objects. Objects that are hidden from clients are left out too. */
  skip?: (key: string) => boolean;
}

export interface ReadOptions {
  /** First byte, 0 when missing. */
  start?: number;
  /** One past the last byte; the object's end when missing. */
  end?: number;
  /** The reader compares a digest of all bytes itself: the place's own checksums need not be. */
  isVerifiedByReader?: boolean;
  signal?: AbortSignal;
}

export interface WriteOptions {
  /** Refuse with `PreconditionFailed` when the key exists. */
  ifAbsent?: boolean;
  signal?: AbortSignal;
}

/**
 * A place for weights and artifacts: flat keys to bytes, in one of several kinds of storage.
 *
 * - Readers see the old object or the new one, whole; never a mix, never a part.
 * - Every call may be repeated.
 * - Errors are those of `buckets/errors.ts`; a foreign failure comes wrapped once, with its cause.
 */
export interface Bucket {
  readonly spec: BucketSpec;
  readonly capabilities: BucketCapabilities;

  /** Objects whose key starts with `prefix`, in order of key. Unfinished writes are not listed. */
  list(prefix?: string, options?: ListOptions): AsyncIterable<ObjectInfo>;

  /** `undefined` when there is no such object. */
  stat(key: string): Promise<ObjectInfo | undefined>;

  /** The bytes, in order. @throws ObjectNotFound before the first byte. */
  read(key: string, options?: ReadOptions): AsyncIterable<Uint8Array>;

  /** Stores the bytes under the key; they are durable when the promise resolves. A source that fails leaves the key as it was. */
  write(
    key: string,
    source: AsyncIterable<Uint8Array> | Uint8Array,
    options?: WriteOptions,
  ): Promise<ObjectInfo>;

  /**
   * Stores bytes that the place holds already under another name, without moving them. Returns `undefined` when it does
   * not hold them; then write them. Missing where a driver has no such place.
   */
  link?(key: string, content: ContentInfo): Promise<ObjectInfo | undefined>;

  /** Removes the object; nothing happens when there is none. */
  delete(key: string): Promise<void>;

  /**
   * Only where many writes can be stored in one step. `work` writes to a bucket of its own, which shows what it wrote;
   * when it resolves all of that is stored at once, and when it throws nothing is. What `work` looked at and found is
   * there in the end as it was found. Not inside another `together`.
   * @throws what `work` throws; BucketConflict, PreconditionFailed (what was found has other bytes by now)
   */
  together?<T>(work: (batch: Bucket) => Promise<T>, signal?: AbortSignal): Promise<T>;

  /**
   * Writes that were begun and never ended, older than `before` (milliseconds since 1970): how many there are and their
   * bytes; with `remove` they are taken away. Missing where a driver leaves nothing behind.
   */
  unfinished?(options: { before: number; remove: boolean }): Promise<{ count: number; sizeBytes: number }>;
}
