import { createHash } from 'node:crypto';
import { setImmediate as yieldToOthers } from 'node:timers/promises';

/** Hashed in one go at most: 2 ms or so, after which sockets and other calls get their turn. */
const BURST_BYTES = 1 << 20;
const READ_BACK_BYTES = 1 << 20;

/** A stretch of a file that one request brings, in order: bytes from `start` to before `end`. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** Bytes that came too early to be hashed and wait in memory, over all files of a container. */
export class HeldBytes {
  readonly limit: number;
  #bytes = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** False when there is no room for so many more. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.limit) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** How far a part is. Everything before `known` is hashed or in `held`, everything before `stored` is in the file. */
type Progress = Part & { arrived: number; known: number; stored: number; held: Uint8Array[] };

/**
 * sha256 of a file whose parts arrive side by side. What comes next in order is hashed as it arrives; what comes
 * early waits in memory while `held` has room, and is read back from the file when its turn comes after that.
 */
export class OrderedDigest {
  readonly #hash = createHash('sha256');
  readonly #parts: readonly Progress[];
  readonly #held: HeldBytes;
  readonly #readBack: (buffer: Uint8Array, position: number) => Promise<number>;
  #front = 0;
  #at = 0;
  #running: Promise<void> | undefined;

  /** `parts` follow each other from 0 on; `readBack` fills a buffer from the file and tells how far it came. */
  constructor(
    parts: readonly Part[],
    held: HeldBytes,
    readBack: (buffer: Uint8Array, position: number) => Promise<number>,
  ) {
    this.#parts = parts.map(({ start, end }) => ({
      start,
      end,
      arrived: start,
      known: start,
      stored: start,
      held: [],
    }));
    this.#held = held;
    this.#readBack = readBack;
  }

  /** The next bytes of a part, by its index. They must stay as they are. */
  arrived(index: number, chunk: Uint8Array): void {
    const part = this.#parts[index]!;
    const position = part.arrived;
    part.arrived += chunk.byteLength;
    if (position === this.#front && this.#running === undefined) {
      this.#hash.update(chunk);
      this.#front = part.known = part.arrived;
    } else if (position === part.known && this.#held.take(chunk.byteLength)) {
      part.held.push(chunk);
      part.known = part.arrived;
    }
  }

  /** The part's bytes that arrived so far are in the file. Resolves when all that can be hashed is. */
  async stored(index: number): Promise<void> {
    const part = this.#parts[index]!;
    part.stored = part.arrived;
    await this.#catchUp();
  }

  /** 64 lower-case hex digits, when all parts are stored. */
  async digest(): Promise<string> {
    await this.#catchUp();
    // Another part's call may have been at it, and looked before the last bytes were stored.
    await this.#catchUp();
    return this.#hash.digest('hex');
  }

  /** Gives the memory back; for a file that is not finished. */
  drop(): void {
    for (const { held } of this.#parts) {
      for (const chunk of held) this.#held.giveBack(chunk.byteLength);
      held.length = 0;
    }
  }

  #catchUp(): Promise<void> {
    this.#running ??= this.#hashOn().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #hashOn(): Promise<void> {
    let burst = 0;
    for (;;) {
      const chunk = this.#nextHeld() ?? (await this.#nextStored());
      if (chunk === undefined) return;
      this.#hash.update(chunk);
      this.#front += chunk.byteLength;
      burst += chunk.byteLength;
      if (burst >= BURST_BYTES) {
        burst = 0;
        await yieldToOthers();
      }
    }
  }

  #nextHeld(): Uint8Array | undefined {
    const chunk = this.#current()?.held.shift();
    if (chunk) this.#held.giveBack(chunk.byteLength);
    return chunk;
  }

  async #nextStored(): Promise<Uint8Array | undefined> {
    const part = this.#current();
    if (part === undefined || part.stored <= this.#front) return undefined;
    const buffer = Buffer.allocUnsafe(Math.min(READ_BACK_BYTES, part.stored - this.#front));
    const bytesRead = await this.#readBack(buffer, this.#front);
    if (bytesRead === 0) throw new Error('a file being fetched was cut by someone else');
    part.known = Math.max(part.known, this.#front + bytesRead);
    return buffer.subarray(0, bytesRead);
  }

  /** The part the next byte to hash belongs to. */
  #current(): Progress | undefined {
    while (this.#at < this.#parts.length && this.#parts[this.#at]!.end <= this.#front) this.#at += 1;
    return this.#parts[this.#at];
  }
}
