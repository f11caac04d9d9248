import { setImmediate as yieldToOthers } from 'node:timers/promises';

/** Worked on in one go at most: some milliseconds, after which timers, sockets and other calls get their turn. */
const BURST_BYTES = 4 << 20;
const BURST_STEPS = 64;

/** Lets others have their turn now and then in a long row of small steps that never wait by themselves. */
export class Breather {
  #bytes = 0;
  #steps = 0;

  /** After each step, with the bytes it dealt with. */
  async step(sizeBytes: number): Promise<void> {
    this.#bytes += sizeBytes;
    this.#steps += 1;
    if (this.#bytes < BURST_BYTES && this.#steps < BURST_STEPS) return;
    this.#bytes = 0;
    this.#steps = 0;
    await yieldToOthers();
  }
}
