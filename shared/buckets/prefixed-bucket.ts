import type { ByteSource } from '../content/byte-source.ts';
import type { Bucket, ObjectInfo, ReadOptions, WriteOptions } from './bucket.ts';

/** The part of a bucket below a prefix, as a bucket of its own: its keys are without the prefix. */
export class PrefixedBucket implements Bucket {
  readonly #bucket: Bucket;
  readonly #prefix: string;

  /** `prefix` ends with a slash. */
  constructor(bucket: Bucket, prefix: string) {
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  get spec() {
    return this.#bucket.spec;
  }

  get capabilities() {
    return this.#bucket.capabilities;
  }

  async *list(prefix = ''): AsyncGenerator<ObjectInfo> {
    for await (const object of this.#bucket.list(this.#prefix + prefix)) yield this.#own(object);
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    const object = await this.#bucket.stat(this.#prefix + key);
    return object && this.#own(object);
  }

  read(key: string, options?: ReadOptions): AsyncIterable<Uint8Array> {
    return this.#bucket.read(this.#prefix + key, options);
  }

  async write(key: string, source: ByteSource, options?: WriteOptions): Promise<ObjectInfo> {
    return this.#own(await this.#bucket.write(this.#prefix + key, source, options));
  }

  delete(key: string): Promise<void> {
    return this.#bucket.delete(this.#prefix + key);
  }

  #own(object: ObjectInfo): ObjectInfo {
    return { ...object, key: object.key.slice(this.#prefix.length) };
  }
}
