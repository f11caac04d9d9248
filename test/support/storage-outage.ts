import type { Bucket } from '../../shared/buckets/bucket.ts';
import type { ContentStore } from '../../shared/content/content-store.ts';
import { type Backoff, systemBackoff } from '../../shared/patience/backoff.ts';
import type { Platform } from '../../shared/platform.ts';

/** The storage that fails. */
export type Storage = 'contents' | 'buckets';

export interface OutagePlan {
  storage: Storage;
  /** The outage begins with this call to the storage, counted from 0; never when undefined. */
  fromCall?: number | undefined;
  /** How long it lasts, in milliseconds of virtual time. */
  lastsMs?: number;
  error: () => Error;
}

/** Storage that fails for a while. Time is virtual: it passes only while a retry waits. */
export class StorageOutage {
  readonly #plan: OutagePlan;
  #calls = 0;
  #nowMs = 0;
  #beganAt: number | undefined;
  #waits = 0;

  constructor(plan: OutagePlan) {
    this.#plan = plan;
  }

  /** Calls to the storage so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Delays between attempts so far. */
  get waits(): number {
    return this.#waits;
  }

  /** The platform with this outage. */
  around(platform: Platform): Platform {
    const { storage } = this.#plan;
    const failing: Platform = { ...platform, backoff: this.#backoff(platform.config.storagePatienceMs) };
    if (storage === 'contents') return { ...failing, content: this.#contents(platform.content) };
    return {
      ...failing,
      openBucket: async (snapshot, spec) => this.#bucket(await platform.openBucket(snapshot, spec)),
    };
  }

  #call(): void {
    const { fromCall, lastsMs = 0, error } = this.#plan;
    if (this.#calls === fromCall) this.#beganAt = this.#nowMs;
    this.#calls += 1;
    if (this.#beganAt !== undefined && this.#nowMs < this.#beganAt + lastsMs) throw error();
  }

  async *#chunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.#call();
    for await (const chunk of chunks) {
      const half = Math.ceil(chunk.byteLength / 2);
      yield chunk.subarray(0, half);
      this.#call();
      if (half < chunk.byteLength) yield chunk.subarray(half);
    }
  }

  #contents(contents: ContentStore): ContentStore {
    return {
      put: async (source, maxBytes) => {
        this.#call();
        return contents.put(source, maxBytes);
      },
      bytes: async (content) => {
        this.#call();
        return contents.bytes(content);
      },
      head: async (content, sizeBytes) => {
        this.#call();
        return contents.head(content, sizeBytes);
      },
      stream: (content) => this.#chunks(contents.stream(content)),
    };
  }

  #bucket(bucket: Bucket): Bucket {
    const call = () => this.#call();
    return {
      spec: bucket.spec,
      capabilities: bucket.capabilities,
      async *list(prefix) {
        call();
        yield* bucket.list(prefix);
      },
      stat: async (key) => {
        call();
        return bucket.stat(key);
      },
      read: (key, options) => this.#chunks(bucket.read(key, options)),
      write: async (key, source, options) => {
        call();
        return bucket.write(key, source, options);
      },
      delete: async (key) => {
        call();
        return bucket.delete(key);
      },
    };
  }

  #backoff(patienceMs: number): Backoff {
    return {
      ...systemBackoff(patienceMs),
      now: () => this.#nowMs,
      random: () => 0,
      wait: async (delayMs, signal) => {
        signal?.throwIfAborted();
        this.#waits += 1;
        this.#nowMs += delayMs;
      },
    };
  }
}
