import type { Bucket, ListOptions, ObjectInfo, ReadOptions, WriteOptions } from '../../buckets/bucket.ts';
import type { ByteSource } from '../../content/byte-source.ts';
import { hasCode } from '../../errors.ts';

/** A bucket of which some objects lie with lenders: what it does not have itself is looked for there, in their order. */
export class LendingBucket implements Bucket {
  readonly #own: Bucket;
  readonly #lenders: readonly Bucket[];

  constructor(own: Bucket, lenders: readonly Bucket[]) {
    this.#own = own;
    this.#lenders = lenders;
  }

  get spec() {
    return this.#own.spec;
  }

  get capabilities() {
    const canReadRanges = [this.#own, ...this.#lenders].every((each) => each.capabilities.canReadRanges);
    return { ...this.#own.capabilities, canReadRanges };
  }

  /** Its own objects alone. */
  list(prefix?: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.#own.list(prefix, options);
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    for (const bucket of this.#holdersOf(key)) {
      const found = await bucket.stat(key);
      if (found) return found;
    }
    return undefined;
  }

  async *read(key: string, options?: ReadOptions): AsyncGenerator<Uint8Array> {
    const [last, ...others] = this.#holdersOf(key).reverse();
    for (const bucket of others.reverse()) {
      try {
        yield* bucket.read(key, options);
        return;
      } catch (error) {
        if (!hasCode(error, 'ObjectNotFound')) throw error;
      }
    }
    yield* last!.read(key, options);
  }

  write(key: string, source: ByteSource, options?: WriteOptions): Promise<ObjectInfo> {
    return this.#own.write(key, source, options);
  }

  delete(key: string): Promise<void> {
    return this.#own.delete(key);
  }

  /** Objects alone are lent: a manifest is read where its revision is. */
  #holdersOf(key: string): Bucket[] {
    return key.startsWith('objects/') ? [this.#own, ...this.#lenders] : [this.#own];
  }
}
