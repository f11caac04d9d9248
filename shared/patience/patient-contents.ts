import { type ByteSource, isRepeatable } from '../content/byte-source.ts';
import type { ContentInfo, ContentStore } from '../content/content-store.ts';
import { Attempts, type Backoff, type RetryLimits } from './backoff.ts';

/**
 * Contents of one run: a failure that may pass is retried with backoff. A read that fails for good is remembered, so that
 * the run fails even where an adapter catches the error.
 */
export class PatientContents implements ContentStore {
  readonly #contents: ContentStore;
  readonly #backoff: Backoff;
  readonly #limits: RetryLimits;
  #failure: { error: unknown } | undefined;

  constructor(contents: ContentStore, backoff: Backoff, limits: RetryLimits) {
    this.#contents = contents;
    this.#backoff = backoff;
    this.#limits = limits;
  }

  /** A stream that cannot be repeated is tried once. */
  put(source: ByteSource, maxBytes: number): Promise<ContentInfo> {
    const put = () => this.#contents.put(source, maxBytes);
    return isRepeatable(source) ? this.#attempts('write of a content').run(put) : put();
  }

  bytes(content: ContentInfo): Promise<Uint8Array> {
    return this.#reading(() => this.#attempts('read of a content').run(() => this.#contents.bytes(content)));
  }

  head(content: ContentInfo, sizeBytes: number): Promise<Uint8Array> {
    return this.#reading(() =>
      this.#attempts('read of a content').run(() => this.#contents.head(content, sizeBytes)),
    );
  }

  /** Continues where it failed: a content never changes. */
  async *stream(content: ContentInfo): AsyncGenerator<Uint8Array> {
    const attempts = this.#attempts('read of a content');
    for (let position = 0; ; ) {
      try {
        for await (const chunk of from(this.#contents.stream(content), position)) {
          position += chunk.byteLength;
          attempts.progressed();
          yield chunk;
        }
        return;
      } catch (error) {
        await this.#reading(() => attempts.after(error));
      }
    }
  }

  /** @throws what the first read that failed for good failed with */
  assertAllRead(): void {
    if (this.#failure) throw this.#failure.error;
  }

  #attempts(what: string): Attempts {
    return new Attempts(what, this.#backoff, this.#limits);
  }

  async #reading<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }
}

/** The chunks without the first `skip` bytes. */
async function* from(chunks: AsyncIterable<Uint8Array>, skip: number): AsyncGenerator<Uint8Array> {
  let position = 0;
  for await (const chunk of chunks) {
    const start = Math.max(0, skip - position);
    position += chunk.byteLength;
    if (start < chunk.byteLength) yield start === 0 ? chunk : chunk.subarray(start);
  }
}
