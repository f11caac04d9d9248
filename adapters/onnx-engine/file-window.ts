import { readSync } from 'node:fs';

const WINDOW_BYTES = 64 * 1024;

/** Bytes of an open file as they are asked for; of hundreds of megabytes no more than a window is in memory. */
export class FileWindow {
  readonly size: number;
  readonly #fd: number;
  readonly #window = Buffer.allocUnsafe(WINDOW_BYTES);
  #from = 0;
  #to = 0;

  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.size = size;
  }

  /** The byte at a place below `size`; 0 when the file became shorter. */
  byte(at: number): number {
    if (at < this.#from || at >= this.#to) this.#move(at);
    return at < this.#to ? this.#window[at - this.#from]! : 0;
  }

  /** A copy of some bytes. */
  bytes(at: number, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, index) => this.byte(at + index));
  }

  #move(at: number): void {
    this.#from = at;
    this.#to = at + readSync(this.#fd, this.#window, 0, WINDOW_BYTES, at);
  }
}
