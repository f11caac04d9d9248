type Numbers = Float64Array | Uint16Array | Uint8Array;

const FIRST_SIZE = 64;

/** Numbers one behind the other in a typed array that grows: a few bytes each, whatever there is of them. */
export class NumberColumn<Column extends Numbers> {
  readonly #make: (size: number) => Column;
  #numbers: Column;
  #length = 0;

  constructor(make: (size: number) => Column) {
    this.#make = make;
    this.#numbers = make(FIRST_SIZE);
  }

  push(value: number): void {
    if (this.#length === this.#numbers.length) {
      const grown = this.#make(2 * this.#length);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.#length] = value;
    this.#length += 1;
  }

  /** Those pushed so far; shares their memory until the next push. */
  get numbers(): Column {
    return this.#numbers.subarray(0, this.#length) as Column;
  }
}
