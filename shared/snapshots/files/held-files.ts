/** Bytes held at most. */
const HELD_BYTES = 64 * 2 ** 20;

/** Files in memory, by digest, between the first look at them and their sending: what is held is not read and hashed again. */
export class HeldFiles {
  readonly #files = new Map<string, Uint8Array>();
  #bytes = 0;

  /** Takes bytes in that will stay as they are; without room for them they are left out. */
  hold(sha256: string, bytes: Uint8Array): void {
    if (this.#bytes + bytes.byteLength > HELD_BYTES || this.#files.has(sha256)) return;
    this.#files.set(sha256, bytes);
    this.#bytes += bytes.byteLength;
  }

  /** Hands the bytes out and lets go of them. */
  take(sha256: string): Uint8Array | undefined {
    const bytes = this.#files.get(sha256);
    if (bytes === undefined) return undefined;
    this.#files.delete(sha256);
    this.#bytes -= bytes.byteLength;
    return bytes;
  }
}
