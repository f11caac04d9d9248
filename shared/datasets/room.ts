/** Lets in work in the order in which it comes, as long as there is room for it. */
export class Room {
  readonly #most: number;
  readonly #mostBytes: number;
  #inside = 0;
  #bytes = 0;
  readonly #waiting: { bytes: number; enter: () => void }[] = [];

  /** `most` pieces of work of `mostBytes` together; a larger one is let in alone. */
  constructor(most: number, mostBytes: number) {
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  /** Does the work once there is room for its bytes. @throws what `work` throws */
  async within<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) this.#take(bytes);
    else await new Promise<void>((enter) => this.#waiting.push({ bytes, enter }));
    try {
      return await work();
    } finally {
      this.#inside -= 1;
      this.#bytes -= bytes;
      this.#letIn();
    }
  }

  #letIn(): void {
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#take(next.bytes);
      next.enter();
    }
  }

  #take(bytes: number): void {
    this.#inside += 1;
    this.#bytes += bytes;
  }

  #fits(bytes: number): boolean {
    return this.#inside === 0 || (this.#inside < this.#most && this.#bytes + bytes <= this.#mostBytes);
  }
}
