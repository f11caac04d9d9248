import type { Bucket } from '../../buckets/bucket.ts';
import { inParallel } from '../../content/in-parallel.ts';
import type { Line } from './fetch-parts.ts';
import type { PlacedFile } from './places.ts';
import { readStretch, type Stretch, stretchesOf } from './read-stretch.ts';

/** A file that somebody waits for. */
interface Awaited {
  file: PlacedFile;
  resolve(chunks: readonly Uint8Array[]): void;
  reject(error: unknown): void;
  /** Aborted when nobody waits for it any more. */
  stop: AbortSignal;
}

/**
 * Fetches files of one pack for those who wait for them: first each is awaited, then `run` asks for all together. Who
 * awaits a file may leave without the others noticing; a request ends when nobody awaits any of its files.
 */
export class PackFetch {
  /** Bytes that came, with those between the files. */
  movedBytes = 0;
  readonly #bucket: Bucket;
  readonly #line: Line;
  readonly #awaited = new Map<string, Awaited>();

  constructor(bucket: Bucket, line: Line) {
    this.#bucket = bucket;
    this.#line = line;
  }

  /** The bytes of a file, once `run` brought them. Called for each digest once, and before `run`. */
  await(file: PlacedFile, stop: AbortSignal): Promise<readonly Uint8Array[]> {
    return new Promise((resolve, reject) => {
      this.#awaited.set(file.sha256, { file, resolve, reject, stop });
      stop.addEventListener('abort', () => reject(stop.reason), { once: true });
    });
  }

  /** Resolves when each file was handed over, or whoever awaits it was told why not; throws nothing itself. */
  async run(): Promise<void> {
    const awaited = [...this.#awaited.values()];
    for (const { file, resolve } of awaited) if (file.sizeBytes === 0) resolve([]);
    const { canReadRanges } = this.#bucket.capabilities;
    const files = awaited.map(({ file }) => file);
    const stretches = stretchesOf(files, { canReadRanges, partBytes: this.#line.partBytes });
    await inParallel(stretches, this.#line.requests.limit, (stretch) => this.#fetch(stretch));
  }

  async #fetch(stretch: Stretch): Promise<void> {
    const waiting = new Map(stretch.files.map(({ sha256 }) => [sha256, this.#awaited.get(sha256)!]));
    const abort = new AbortController();
    const leave = (sha256: string, reason: unknown): void => {
      if (waiting.delete(sha256) && waiting.size === 0) abort.abort(reason);
    };
    for (const [sha256, { stop }] of waiting) {
      if (stop.aborted) leave(sha256, stop.reason);
      else stop.addEventListener('abort', () => leave(sha256, stop.reason), { once: true });
    }
    try {
      await this.#line.requests.run(abort.signal, async () => {
        for await (const { file, chunks } of this.#read(stretch, abort.signal)) {
          waiting.get(file.sha256)?.resolve(chunks);
          leave(file.sha256, undefined);
        }
      });
    } catch (error) {
      for (const { reject } of waiting.values()) reject(error);
    }
  }

  #read(stretch: Stretch, signal: AbortSignal): ReturnType<typeof readStretch> {
    return readStretch(this.#bucket, stretch, signal, (sizeBytes) => {
      this.movedBytes += sizeBytes;
    });
  }
}
