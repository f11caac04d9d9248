import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Log } from '../../shared/log.ts';
import { LineReader } from './line-reader.ts';

/** Of one line, so much is logged. */
const MAX_LINE = 2000;
/** Lines that a process may log at once, and how many more it may each second. What is above is counted. */
const BURST_LINES = 2000;
const LINES_PER_SECOND = 100;
/** Interval between logged states of a progress line that overwrites itself. */
const PROGRESS_MS = 1000;
const LAST_WORDS = 4000;

type StreamName = 'stdout' | 'stderr';

/**
 * Logs what a process prints, line by line as it comes. Output is always read, so that a process that prints megabytes is not held
 * up, and fills neither log nor memory.
 */
export class OutputLog {
  readonly #currentLog: () => Log;
  readonly #entryPoint: string;
  readonly #now: () => number;
  readonly #readers: LineReader[] = [];
  #room = BURST_LINES;
  #filledAt: number;
  #leftOut = 0;
  #lastWords = '';

  /** `currentLog`: log of the run that the process works for now. `now` in milliseconds. */
  constructor(currentLog: () => Log, entryPoint: string, now: () => number = Date.now) {
    this.#currentLog = currentLog;
    this.#entryPoint = entryPoint;
    this.#now = now;
    this.#filledAt = now();
  }

  follow(stream: Readable, name: StreamName): void {
    const decoder = new StringDecoder('utf8');
    const reader = new LineReader({
      onLine: (text) => this.#logLine(name, text),
      progressMs: PROGRESS_MS,
      maxLength: MAX_LINE,
      now: this.#now,
    });
    this.#readers.push(reader);
    stream.on('data', (chunk: Buffer) => {
      const text = decoder.write(chunk);
      if (name === 'stderr') this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
      reader.write(text);
    });
    stream.on('end', () => this.flush());
    // A broken pipe is the end of the output, and no fault of its own.
    stream.on('error', () => undefined);
  }

  /** Logs what was printed without an end of line, such as the last state of a progress bar. */
  flush(): void {
    for (const reader of this.#readers) reader.flush();
    this.#logLeftOut();
  }

  /** The end of stderr; of a progress bar its last state. */
  get lastWords(): string {
    return this.#lastWords.replace(/[^\n]*\r(?!\n)/g, '').trim();
  }

  #logLine(stream: StreamName, text: string): void {
    const now = this.#now();
    this.#room = Math.min(BURST_LINES, this.#room + ((now - this.#filledAt) / 1000) * LINES_PER_SECOND);
    this.#filledAt = now;
    if (this.#room < 1) {
      this.#leftOut += 1;
      return;
    }
    this.#logLeftOut();
    this.#room -= 1;
    this.#currentLog().info('python', { adapter: this.#entryPoint, stream, line: text });
  }

  #logLeftOut(): void {
    if (this.#leftOut === 0) return;
    this.#currentLog().warn('lines of python were left out, as too many came at once', {
      adapter: this.#entryPoint,
      lines: this.#leftOut,
    });
    this.#leftOut = 0;
  }
}
