import type { Bucket, ListOptions, ObjectInfo, ReadOptions, WriteOptions } from '../buckets/bucket.ts';
import { type ByteSource, isRepeatable } from '../content/byte-source.ts';
import { Attempts, type Backoff, type RetryLimits } from './backoff.ts';

/**
 * A bucket whose calls are retried with backoff after a failure that may pass. Tried once: a write whose source cannot be
 * read again; the rest of a read whose reader does not compare a digest, as the object may have been replaced meanwhile.
 * Calls inside `together` are not retried one by one: the whole step is repeated.
 */
export class PatientBucket implements Bucket {
  readonly link?: NonNullable<Bucket['link']>;
  readonly together?: NonNullable<Bucket['together']>;
  readonly unfinished?: NonNullable<Bucket['unfinished']>;
  readonly #bucket: Bucket;
  readonly #backoff: Backoff;
  readonly #limits: RetryLimits;

  constructor(bucket: Bucket, backoff: Backoff, limits: RetryLimits = {}) {
    this.#bucket = bucket;
    this.#backoff = backoff;
    this.#limits = limits;
    if (bucket.link)
      this.link = (key, content) => this.#attempts('write', key).run(() => bucket.link!(key, content));
    if (bucket.together)
      this.together = (work, signal) =>
        this.#attempts('write', undefined, signal).run(() => bucket.together!(work, signal));
    if (bucket.unfinished) this.unfinished = bucket.unfinished.bind(bucket);
  }

  get spec() {
    return this.#bucket.spec;
  }

  get capabilities() {
    return this.#bucket.capabilities;
  }

  /** A list that fails begins again; objects that were listed already are skipped. */
  async *list(prefix?: string, options?: ListOptions): AsyncGenerator<ObjectInfo> {
    const attempts = this.#attempts('list', undefined);
    const listed = new Set<string>();
    for (;;) {
      try {
        for await (const object of this.#bucket.list(prefix, options)) {
          if (listed.has(object.key)) continue;
          listed.add(object.key);
          attempts.progressed();
          yield object;
        }
        return;
      } catch (error) {
        await attempts.after(error);
      }
    }
  }

  stat(key: string): Promise<ObjectInfo | undefined> {
    return this.#attempts('stat', key).run(() => this.#bucket.stat(key));
  }

  async *read(key: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const { start = 0, isVerifiedByReader = false, signal } = options;
    const attempts = this.#attempts('read', key, signal);
    for (let position = start; ; ) {
      try {
        const range = position > start ? { ...options, start: position } : options;
        for await (const chunk of this.#bucket.read(key, range)) {
          position += chunk.byteLength;
          attempts.progressed();
          yield chunk;
        }
        return;
      } catch (error) {
        if (position > start && !isVerifiedByReader) throw error;
        await attempts.after(error);
      }
    }
  }

  write(key: string, source: ByteSource, options: WriteOptions = {}): Promise<ObjectInfo> {
    const write = () => this.#bucket.write(key, source, options);
    return isRepeatable(source) ? this.#attempts('write', key, options.signal).run(write) : write();
  }

  delete(key: string): Promise<void> {
    return this.#attempts('delete', key).run(() => this.#bucket.delete(key));
  }

  #attempts(operation: string, key: string | undefined, signal = this.#limits.signal): Attempts {
    const what = `${operation}${key === undefined ? '' : ` of "${key}"`} in the ${this.spec.type} bucket`;
    return new Attempts(what, this.#backoff, { ...this.#limits, signal });
  }
}
