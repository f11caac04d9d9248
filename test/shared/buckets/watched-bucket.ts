import type { Bucket, ObjectInfo, ReadOptions, WriteOptions } from '../../../shared/buckets/bucket.ts';
import type { ByteSource } from '../../../shared/content/byte-source.ts';

export interface Call {
  operation: 'list' | 'stat' | 'read' | 'write' | 'delete';
  key: string;
}

/** A bucket that records its calls and asks `before` at each of them; what that throws is the bucket's failure. */
export class WatchedBucket implements Bucket {
  readonly calls: Call[] = [];
  readonly #bucket: Bucket;
  readonly #before: (call: Call, index: number) => void | Promise<void>;

  constructor(bucket: Bucket, before: (call: Call, index: number) => void | Promise<void> = () => {}) {
    this.#bucket = bucket;
    this.#before = before;
  }

  get spec() {
    return this.#bucket.spec;
  }

  get capabilities() {
    return this.#bucket.capabilities;
  }

  async *list(prefix = ''): AsyncGenerator<ObjectInfo> {
    await this.#note('list', prefix);
    yield* this.#bucket.list(prefix);
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    await this.#note('stat', key);
    return this.#bucket.stat(key);
  }

  async *read(key: string, options?: ReadOptions): AsyncGenerator<Uint8Array> {
    await this.#note('read', key);
    yield* this.#bucket.read(key, options);
  }

  async write(key: string, source: ByteSource, options?: WriteOptions): Promise<ObjectInfo> {
    await this.#note('write', key);
    return this.#bucket.write(key, source, options);
  }

  async delete(key: string): Promise<void> {
    await this.#note('delete', key);
    return this.#bucket.delete(key);
  }

  async #note(operation: Call['operation'], key: string): Promise<void> {
    this.calls.push({ operation, key });
    await this.#before({ operation, key }, this.calls.length);
  }
}
