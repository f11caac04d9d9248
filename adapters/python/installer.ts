import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { PythonRequirementsFailed } from './errors.ts';
import { LineReader } from './line-reader.ts';

const LAST_LINES = 8;
const MAX_LINE = 2000;
/** Least time between two states of a progress bar. */
const PROGRESS_MS = 1000;
/** How long a program may print nothing before the log says that it still runs. */
const QUIET_MS = 15_000;

export interface InstallerOptions {
  /** All the variables that the programs get. */
  environment: Readonly<Record<string, string>>;
  /** Their working folder. */
  directory: string;
  /** Time that all of them may take together. */
  limitMs: number;
  signal?: AbortSignal | undefined;
  /** Gets each line that they print, as it comes. */
  onLine: (line: string) => void;
  /** As `QUIET_MS`. */
  quietMs?: number;
}

/** Runs the programs that create an environment, one after the other, within one time limit. */
export class Installer {
  readonly #options: InstallerOptions;
  readonly #limit: AbortSignal;
  readonly #signal: AbortSignal;

  constructor(options: InstallerOptions) {
    this.#options = options;
    this.#limit = AbortSignal.timeout(options.limitMs);
    this.#signal = options.signal ? AbortSignal.any([options.signal, this.#limit]) : this.#limit;
  }

  /**
   * Returns what the program printed on stdout; its lines go to the log unless `isQuiet`.
   * @throws PythonRequirementsFailed, the signal's reason
   */
  async run(command: string, args: readonly string[], { isQuiet = false } = {}): Promise<string> {
    const { directory, environment, signal, limitMs } = this.#options;
    signal?.throwIfAborted();
    const child = spawn(command, [...args], {
      cwd: directory,
      env: { ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const stop = () => killGroup(child.pid);
    this.#signal.addEventListener('abort', stop, { once: true });
    if (this.#signal.aborted) stop();
    const last: string[] = [];
    const stdout: string[] = [];
    const beat = isQuiet ? undefined : this.#watchSilence(last);
    const keep = (line: string) => {
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
      if (isQuiet) return;
      beat?.refresh();
      this.#options.onLine(line);
    };
    readLines(child.stdout, (line) => {
      if (isQuiet) stdout.push(line);
      keep(line);
    });
    readLines(child.stderr, keep);
    const code = await new Promise<number | string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (exit, killedBy) => resolve(exit ?? killedBy ?? 'unknown'));
    });
    clearInterval(beat);
    this.#signal.removeEventListener('abort', stop);
    signal?.throwIfAborted();
    if (this.#limit.aborted)
      throw new PythonRequirementsFailed(
        `were not installed within ${limitMs / 1000} s (MODELFN_PYTHON_INSTALL_SECONDS)`,
        last.join('\n'),
      );
    if (code !== 0) throw new PythonRequirementsFailed('could not be installed', last.join('\n'));
    return stdout.join('\n');
  }

  #watchSilence(last: readonly string[]): NodeJS.Timeout {
    const started = performance.now();
    return setInterval(() => {
      const seconds = Math.round((performance.now() - started) / 1000);
      this.#options.onLine(`still running after ${seconds} s; last line: ${last.at(-1) ?? 'none'}`);
    }, this.#options.quietMs ?? QUIET_MS).unref();
  }
}

function readLines(stream: Readable, keep: (line: string) => void): void {
  const onLine = (text: string) => {
    if (text.trim() !== '') keep(text.trimEnd());
  };
  const options = { onLine, progressMs: PROGRESS_MS, maxLength: MAX_LINE, now: () => performance.now() };
  const reader = new LineReader(options);
  const decoder = new StringDecoder('utf8');
  stream.on('data', (chunk: Buffer) => reader.write(decoder.write(chunk)));
  stream.on('end', () => {
    reader.write(decoder.end());
    reader.flush();
  });
  // A broken pipe is the end of the output.
  stream.on('error', () => undefined);
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The process has ended already.
  }
}
