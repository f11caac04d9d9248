export interface LineReaderOptions {
  onLine(text: string): void;
  /** Least time between two states of a line that overwrites itself, in milliseconds. */
  progressMs: number;
  /** Characters of a line; the rest is dropped. */
  maxLength: number;
  /** Milliseconds. */
  now(): number;
}

/**
 * Splits output into lines. A carriage return lets a line overwrite itself, as progress bars do: of its states the first, the last
 * and one per `progressMs` become lines.
 */
export class LineReader {
  readonly #options: LineReaderOptions;
  /** Text since the last line end or carriage return. */
  #open = '';
  /** Newest complete state of the line that overwrites itself; `undefined` for a line that does not. */
  #state: string | undefined;
  #isOverwritten = false;
  #lastShown = '';
  #shownAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LineReaderOptions) {
    this.#options = options;
  }

  write(text: string): void {
    for (const [part, end] of splitAtEnds(text)) {
      this.#open = (this.#open + part).slice(0, this.#options.maxLength);
      if (end === '\n') this.#endLine();
      else if (end === '\r') this.#endState();
    }
    if (this.#isOverwritten) this.#showProgress();
  }

  /** Passes on what has no line end yet. */
  flush(): void {
    if (this.#isOverwritten || this.#open !== '') this.#endLine();
  }

  #endLine(): void {
    const text = this.#newest();
    const isShown = this.#isOverwritten && text === this.#lastShown;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#open = '';
    this.#state = undefined;
    this.#isOverwritten = false;
    this.#lastShown = '';
    if (!isShown) this.#options.onLine(text);
  }

  /** A carriage return: at the end of Windows lines and of some bars' states, at the start of those of others. */
  #endState(): void {
    this.#isOverwritten = true;
    if (this.#open.trim() !== '') this.#state = this.#open;
    this.#open = '';
  }

  #newest(): string {
    return this.#open.trim() === '' ? (this.#state ?? this.#open) : this.#open;
  }

  #showProgress(): void {
    const text = this.#newest();
    if (text.trim() === '' || text === this.#lastShown) return;
    const wait = this.#shownAt + this.#options.progressMs - this.#options.now();
    if (wait > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        if (this.#isOverwritten) this.#show(this.#newest());
      }, wait).unref();
      return;
    }
    this.#show(text);
  }

  #show(text: string): void {
    if (text.trim() === '' || text === this.#lastShown) return;
    this.#shownAt = this.#options.now();
    this.#lastShown = text;
    this.#options.onLine(text);
  }
}

/** Pieces of the text, each with the end that follows it. */
function* splitAtEnds(text: string): Generator<[string, '\n' | '\r' | '']> {
  let from = 0;
  for (const { 0: end, index } of text.matchAll(/[\n\r]/g)) {
    yield [text.slice(from, index), end as '\n' | '\r'];
    from = index + 1;
  }
  yield [text.slice(from), ''];
}
