import { isoTime } from '../clock.ts';
import { LOG_LIMITS, type LogLine } from '../entities/log-line.ts';
import { messageOf } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Log, LogLevel } from '../log.ts';
import type { Platform } from '../platform.ts';
import { maskJson, type Redact, redactorOf, valueMask } from '../redact.ts';
import type { EntityStore } from '../store/entity-store.ts';

/** How long a line may wait until who follows the log sees it. */
const FLUSH_MS = 1_000;

/**
 * What a run logs, on its way to the execution's record: lines are masked, cut to a bearable length, and written in batches
 * while the run goes on and at its end. A run that logs nothing costs nothing. Of more than an execution keeps, the newest
 * are written.
 */
export class RunLog {
  readonly #platform: Pick<Platform, 'clock' | 'config' | 'log'>;
  readonly #write: ((lines: readonly LogLine[], skipped: number) => Promise<void>) | undefined;
  #lines: LogLine[] = [];
  #characters = 0;
  #skipped = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** `write` takes lines while the run goes on; without it they wait for `take`. */
  constructor(
    platform: Pick<Platform, 'clock' | 'config' | 'log'>,
    write?: (lines: readonly LogLine[], skipped: number) => Promise<void>,
  ) {
    this.#platform = platform;
    this.#write = write;
  }

  /** Lines go to the platform's log, and are kept. */
  readonly log: Log = {
    debug: (message, fields) => this.#tell('debug', message, fields),
    info: (message, fields) => this.#tell('info', message, fields),
    warn: (message, fields) => this.#tell('warn', message, fields),
    error: (message, fields) => this.#tell('error', message, fields),
  };

  /** Masks what the run's records and answers must not contain. */
  get redact(): Redact {
    return redactorOf(this.#platform.config);
  }

  /** An output with the values of secrets masked, such as in the errors of single items. The same object without secrets. */
  maskOutput(output: JsonObject): JsonObject {
    const { secrets } = this.#platform.config;
    return secrets.names.length === 0 ? output : maskJson(output, valueMask(secrets));
  }

  /** Keeps a line that has been told already, such as one of the console. */
  add(level: LogLevel, message: string): void {
    const line = { timestamp: isoTime(this.#platform.clock), level, message: cut(this.redact(message)) };
    this.#lines.push(line);
    this.#characters += line.message.length;
    // Dropped in bulk: a line more costs no copy of all of them.
    if (this.#lines.length > 2 * LOG_LIMITS.lines || this.#characters > 2 * LOG_LIMITS.characters)
      this.#drop();
    if (this.#write && !this.#timer) {
      this.#timer = setTimeout(() => this.#flush(), FLUSH_MS);
      this.#timer.unref();
    }
  }

  /** The lines that wait, which then are the caller's to write. */
  take(): { lines: LogLine[]; skipped: number } {
    const taken = { lines: this.#lines, skipped: this.#skipped };
    this.#lines = [];
    this.#characters = 0;
    this.#skipped = 0;
    return taken;
  }

  /** Resolves when what was logged is written, or cannot be. Never rejects. */
  async end(): Promise<void> {
    this.#flush();
    await this.#writing;
  }

  #tell(level: LogLevel, message: string, fields: Parameters<Log[LogLevel]>[1]): void {
    this.#platform.log[level](message, fields);
    this.add(level, fields === undefined ? message : `${message} ${JSON.stringify(fields)}`);
  }

  #drop(): void {
    let from = Math.max(0, this.#lines.length - LOG_LIMITS.lines);
    let characters = this.#lines.slice(from).reduce((sum, { message }) => sum + message.length, 0);
    while (characters > LOG_LIMITS.characters) characters -= this.#lines[from++]!.message.length;
    this.#lines = this.#lines.slice(from);
    this.#characters = characters;
    this.#skipped += from;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0 || !this.#write) return;
    const { lines, skipped } = this.take();
    this.#writing = this.#writing
      .then(() => this.#write!(lines, skipped))
      // A log that cannot be kept is no reason for a run to fail.
      .catch((error: unknown) => this.#platform.log.warn('log not kept', { reason: messageOf(error) }));
  }
}

/** Writes to the execution's log in the store. */
export function toStore(
  store: Pick<EntityStore, 'appendLogs'>,
  executionId: string,
): (lines: readonly LogLine[], skipped: number) => Promise<void> {
  return (lines, skipped) => store.appendLogs(executionId, lines, skipped);
}

function cut(message: string): string {
  if (message.length <= LOG_LIMITS.charactersALine) return message;
  return `${message.slice(0, LOG_LIMITS.charactersALine)}... (${message.length} characters)`;
}
