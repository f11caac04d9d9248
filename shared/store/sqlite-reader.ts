import { Worker } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import { QueryTooSlow, StoreClosed, StoreUnavailable } from './errors.ts';
import type { Compiled } from './sql-dialect.ts';
import type { ReaderAnswer, ReaderRequest } from './sqlite-reader-thread.ts';

export interface SqliteReaderOptions {
  /** The store's file; it exists. */
  path: string;
  /** Time of one query. */
  limitMs: number;
}

/** Queries that run at once, each in a thread of its own. */
const MAX_THREADS = 2;
/** Queries that wait for a thread. */
const MAX_WAITING = 100;
/** A statement that checks no deadline, such as a long sort, is ended with its thread after this much more time. */
const GRACE_MS = 2_000;

interface Job {
  query: Compiled;
  resolve(rows: unknown[]): void;
  reject(error: unknown): void;
}

/**
 * Runs reads of one SQLite file in threads: SQLite is synchronous, and a query over a large table would stop everything else in
 * this process. A thread is started with the first query and sees all that was committed before.
 */
export class SqliteReader {
  readonly #options: SqliteReaderOptions;
  readonly #waiting: Job[] = [];
  readonly #idle: Worker[] = [];
  readonly #threads = new Set<Worker>();
  #starting = 0;
  #isClosed = false;

  constructor(options: SqliteReaderOptions) {
    this.#options = options;
  }

  /** Rows of a query in a timed dialect. @throws QueryTooSlow, StoreUnavailable when too many wait, StoreClosed */
  rows<Row>(query: Compiled): Promise<Row[]> {
    if (this.#isClosed) return Promise.reject(closed());
    if (this.#waiting.length >= MAX_WAITING)
      return Promise.reject(
        new StoreUnavailable(new Error(`${MAX_WAITING} queries wait already`), 'Try again in a moment.'),
      );
    return new Promise<Row[]>((resolve, reject) => {
      this.#waiting.push({ query, resolve: (rows) => resolve(rows as Row[]), reject });
      this.#dispatch();
    });
  }

  /** Ends the threads; queries under way are rejected. May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#waiting.splice(0)) job.reject(closed());
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#idle.pop();
      if (thread === undefined) break;
      this.#run(thread, this.#waiting.shift()!);
    }
    if (this.#waiting.length > this.#starting && this.#threads.size + this.#starting < MAX_THREADS) {
      this.#starting += 1;
      void this.#start();
    }
  }

  async #start(): Promise<void> {
    try {
      const { THREAD_URL } = await import('./sqlite-reader-thread.ts');
      const thread = new Worker(new URL(THREAD_URL), { workerData: { modelfnReader: this.#options } });
      // While no query runs in it, it keeps no process alive.
      thread.unref();
      this.#threads.add(thread);
      thread.once('exit', () => this.#forget(thread));
      thread.on('error', () => this.#forget(thread));
      if (this.#isClosed) await thread.terminate();
      else this.#idle.push(thread);
    } catch (error) {
      this.#waiting.shift()?.reject(new StoreUnavailable(error, 'No thread for queries can be started.'));
    } finally {
      this.#starting -= 1;
      this.#dispatch();
    }
  }

  #forget(thread: Worker): void {
    this.#threads.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #run(thread: Worker, { query, resolve, reject }: Job): void {
    const { limitMs } = this.#options;
    const settle = (done: () => void): void => {
      clearTimeout(timer);
      thread.off('message', onMessage);
      thread.off('error', onError);
      thread.off('exit', onExit);
      thread.unref();
      done();
      this.#dispatch();
    };
    const onMessage = (answer: ReaderAnswer): void => {
      this.#idle.push(thread);
      settle(() => ('rows' in answer ? resolve(answer.rows) : reject(errorOf(answer, limitMs))));
    };
    const lost = (reason: string) => new StoreUnavailable(new Error(reason), 'Try again.');
    const onError = (error: unknown): void => settle(() => reject(lost(messageOf(error))));
    const onExit = (): void => settle(() => reject(this.#isClosed ? closed() : lost('its thread ended')));
    const timer = setTimeout(() => {
      this.#forget(thread);
      void thread.terminate();
      settle(() => reject(new QueryTooSlow(limitMs)));
    }, limitMs + GRACE_MS);
    thread.ref();
    thread.on('message', onMessage);
    thread.once('error', onError);
    thread.once('exit', onExit);
    thread.postMessage({ sql: query.sql, parameters: [...query.parameters] } satisfies ReaderRequest);
  }
}

function errorOf(answer: Exclude<ReaderAnswer, { rows: unknown[] }>, limitMs: number): unknown {
  if (answer.isTooSlow) return new QueryTooSlow(limitMs);
  if (answer.mayPass) return new StoreUnavailable(new Error(answer.message), 'Try again.');
  return Object.assign(new Error(answer.message), { errcode: answer.errcode });
}

function closed(): StoreClosed {
  return new StoreClosed('The store was closed');
}
