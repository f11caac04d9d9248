import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Log } from '../../shared/log.ts';

/** Of one line, so much is logged. */
const MAX_LINE = 2000;
/** Lines of one process that are logged; what comes after is counted. */
const MAX_LINES = 2000;
const LAST_WORDS = 4000;

/**
 * What a process prints, line by line, into the log. It is always read on: a process that prints megabytes is held up by
 * nothing, and fills neither log nor memory.
 */
export class OutputLog {
  readonly #log: Log;
  readonly #entryPoint: string;
  #lines = 0;
  #lastWords = '';

  constructor(log: Log, entryPoint: string) {
    this.#log = log;
    this.#entryPoint = entryPoint;
  }

  follow(stream: Readable, name: 'stdout' | 'stderr'): void {
    const decoder = new StringDecoder('utf8');
    let open = '';
    stream.on('data', (chunk: Buffer) => {
      const text = decoder.write(chunk);
      if (name === 'stderr') this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
      const lines = (open + text).split('\n');
      open = (lines.pop() ?? '').slice(0, MAX_LINE);
      for (const line of lines) this.#line(name, line);
    });
    stream.on('end', () => {
      if (open !== '') this.#line(name, open);
    });
    // A broken pipe is the end of the output, and no fault of its own.
    stream.on('error', () => undefined);
  }

  /** The end of stderr. */
  get lastWords(): string {
    return this.#lastWords.trim();
  }

  #line(stream: string, text: string): void {
    this.#lines += 1;
    if (this.#lines <= MAX_LINES)
      this.#log.info('python', { adapter: this.#entryPoint, stream, line: text.slice(0, MAX_LINE) });
    else if (this.#lines === MAX_LINES + 1)
      this.#log.warn('python prints on; the rest is left out', { adapter: this.#entryPoint });
  }
}
