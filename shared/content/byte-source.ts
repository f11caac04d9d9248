import { createHash } from 'node:crypto';

/** Bytes to be written: all at once, or as they come. */
export type ByteSource = AsyncIterable<Uint8Array> | Uint8Array;

/**
 * A source that remembers whether it was the one that failed. Who writes it somewhere can then tell a broken
 * upload from a broken disk.
 */
export class WatchedSource implements AsyncIterable<Uint8Array> {
  /** What the source threw; `undefined` while it did not. */
  failure: { error: unknown } | undefined;
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get isRepeatable(): boolean {
    return isRepeatable(this.#source);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.failure = undefined;
    const chunks = chunksOf(this.#source)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await this.#remember(() => chunks.next());
        if (step.done === true) return;
        yield step.value;
      }
    } finally {
      await chunks.return(undefined);
    }
  }

  async #remember<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }
}

/** A source that can be read more than once: each iteration opens it again. */
export class RepeatableSource implements AsyncIterable<Uint8Array> {
  readonly #open: () => ByteSource;

  constructor(open: () => ByteSource) {
    this.#open = open;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    return chunksOf(this.#open());
  }
}

/** True when a write from this source may be repeated. */
export function isRepeatable(source: ByteSource): boolean {
  if (source instanceof WatchedSource) return source.isRepeatable;
  return source instanceof Uint8Array || source instanceof RepeatableSource;
}

/** Any source as chunks. */
export async function* chunksOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array) yield source;
  else yield* source;
}

/** Passes the bytes on, and fails at the end when they are not those expected: who writes them then keeps nothing. */
export async function* expectDigest(
  source: ByteSource,
  sha256: string,
  onMismatch: (found: string) => Error,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of chunksOf(source)) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest('hex');
  if (found !== sha256) throw onMismatch(found);
}

/** All bytes of a source in one array. `maxBytes` bounds the memory; `onTooLarge` makes the error for more. */
export async function collect(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
  onTooLarge: () => Error,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of source) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) throw onTooLarge();
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
