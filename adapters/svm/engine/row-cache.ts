/**
 * Which row sits in which slot of a fixed arena, least recently used first out. Holds no data itself.
 * Two rows in use at a time are safe with a capacity of two or more.
 */
export class RowCache {
  readonly capacity: number;
  readonly #slotOfRow: Int32Array;
  readonly #rowOfSlot: Int32Array;
  /** Neighbours in the order of use; the last entry is the ring's anchor. */
  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  #filled = 0;

  constructor(capacity: number, rowCount: number) {
    this.capacity = capacity;
    this.#slotOfRow = new Int32Array(rowCount).fill(-1);
    this.#rowOfSlot = new Int32Array(capacity).fill(-1);
    this.#older = new Int32Array(capacity + 1).fill(capacity);
    this.#newer = new Int32Array(capacity + 1).fill(capacity);
  }

  /** Slot of a row that is present, now the most recently used; -1 when it is absent. */
  find(row: number): number {
    const slot = this.#slotOfRow[row]!;
    if (slot >= 0) {
      this.#unlink(slot);
      this.#link(slot);
    }
    return slot;
  }

  /** A slot for an absent row: a free one, or that of the row unused for longest, which is forgotten. */
  claim(row: number): number {
    const slot = this.#filled < this.capacity ? this.#filled++ : this.#evict();
    this.#slotOfRow[row] = slot;
    this.#rowOfSlot[slot] = row;
    this.#link(slot);
    return slot;
  }

  #evict(): number {
    const slot = this.#newer[this.capacity]!;
    this.#unlink(slot);
    this.#slotOfRow[this.#rowOfSlot[slot]!] = -1;
    return slot;
  }

  #unlink(slot: number): void {
    const [older, newer] = [this.#older[slot]!, this.#newer[slot]!];
    this.#newer[older] = newer;
    this.#older[newer] = older;
  }

  #link(slot: number): void {
    const anchor = this.capacity;
    const newest = this.#older[anchor]!;
    this.#newer[newest] = slot;
    this.#older[slot] = newest;
    this.#newer[slot] = anchor;
    this.#older[anchor] = slot;
  }
}
