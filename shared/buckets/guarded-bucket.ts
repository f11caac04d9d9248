import { type ByteSource, WatchedSource } from '../content/byte-source.ts';
import type { ContentInfo } from '../content/content-store.ts';
import { Cancelled, InvalidInput, isModelfnError } from '../errors.ts';
import type { Bucket, ListOptions, ObjectInfo, ReadOptions, WriteOptions } from './bucket.ts';
import { BucketReadOnly, BucketUnavailable } from './errors.ts';
import { checkKey, checkPrefix } from './object-key.ts';

/**
 * What every driver would repeat, once: keys and ranges are checked before the driver sees them, writes to a bucket
 * that only reads are refused, foreign failures become `BucketUnavailable` with their cause. What a write's source
 * throws, and what is ours already, comes through as it is; a call that was aborted throws the signal's reason when
 * that is ours, else `Cancelled`.
 */
export class GuardedBucket implements Bucket {
  readonly together?: NonNullable<Bucket['together']>;
  readonly link?: NonNullable<Bucket['link']>;
  readonly #driver: Bucket;

  constructor(driver: Bucket) {
    this.#driver = driver;
    if (driver.link) this.link = (key, content) => this.#link(key, content);
    if (driver.together)
      this.together = <T>(work: (batch: Bucket) => Promise<T>, signal?: AbortSignal) =>
        this.#together(work, signal);
  }

  get spec() {
    return this.#driver.spec;
  }

  get capabilities() {
    return this.#driver.capabilities;
  }

  async *list(prefix = '', options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    checkPrefix(prefix);
    try {
      for await (const object of this.#driver.list(prefix, options)) {
        checkKey(object.key);
        yield object;
      }
    } catch (error) {
      throw this.#wrap('list', undefined, error);
    }
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    checkKey(key);
    try {
      return await this.#driver.stat(key);
    } catch (error) {
      throw this.#wrap('stat', key, error);
    }
  }

  async *read(key: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    checkKey(key);
    checkRange(options);
    try {
      options.signal?.throwIfAborted();
      yield* this.#driver.read(key, options);
    } catch (error) {
      throw this.#wrap('read', key, error, options.signal);
    }
  }

  async write(key: string, source: ByteSource, options: WriteOptions = {}): Promise<ObjectInfo> {
    checkKey(key);
    this.#checkWritable(key);
    // Bytes in memory do not fail.
    const watched = source instanceof Uint8Array ? undefined : new WatchedSource(source);
    try {
      options.signal?.throwIfAborted();
      return await this.#driver.write(key, watched ?? source, options);
    } catch (error) {
      if (watched?.failure) throw watched.failure.error;
      throw this.#wrap('write', key, error, options.signal);
    }
  }

  async #link(key: string, content: ContentInfo): Promise<ObjectInfo | undefined> {
    checkKey(key);
    this.#checkWritable(key);
    try {
      return await this.#driver.link!(key, content);
    } catch (error) {
      throw this.#wrap('write', key, error);
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    this.#checkWritable(key);
    try {
      await this.#driver.delete(key);
    } catch (error) {
      throw this.#wrap('delete', key, error);
    }
  }

  async #together<T>(work: (batch: Bucket) => Promise<T>, signal?: AbortSignal): Promise<T> {
    let failure: { error: unknown } | undefined;
    try {
      signal?.throwIfAborted();
      return await this.#driver.together!(async (batch) => {
        try {
          return await work(new GuardedBucket(batch));
        } catch (error) {
          failure = { error };
          throw error;
        }
      }, signal);
    } catch (error) {
      if (failure) throw failure.error;
      throw this.#wrap('write', undefined, error, signal);
    }
  }

  async unfinished(options: {
    before: number;
    remove: boolean;
  }): Promise<{ count: number; sizeBytes: number }> {
    try {
      return (await this.#driver.unfinished?.(options)) ?? { count: 0, sizeBytes: 0 };
    } catch (error) {
      throw this.#wrap('list', undefined, error);
    }
  }

  #checkWritable(key: string): void {
    if (!this.capabilities.canWrite) throw new BucketReadOnly(this.spec.type, key);
  }

  #wrap(operation: string, key: string | undefined, cause: unknown, signal?: AbortSignal): unknown {
    if (isModelfnError(cause)) return cause;
    if (signal?.aborted) {
      const reason: unknown = signal.reason;
      return isModelfnError(reason)
        ? reason
        : new Cancelled(key === undefined ? `The ${operation}` : `The ${operation} of "${key}"`, reason);
    }
    return new BucketUnavailable({ bucketType: this.spec.type, operation, key, cause });
  }
}

function checkRange({ start = 0, end = start }: ReadOptions): void {
  const problems = Object.entries({ start, end })
    .filter(([, value]) => !Number.isSafeInteger(value) || value < 0)
    .map(([field]) => ({ field, problem: 'is not a count of bytes' }));
  if (problems.length === 0 && end < start) problems.push({ field: 'end', problem: 'lies before start' });
  if (problems.length > 0) throw new InvalidInput('range of a read', problems);
}
