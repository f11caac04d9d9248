import { Cancelled, messageOf } from '../../shared/errors.ts';
import { FunctionNotLoadable, FunctionTimeout, ShuttingDown, WorkerLost } from './errors.ts';
import { type WorkerOptions, WorkerProcess } from './worker-process.ts';

export interface WorkerPoolOptions extends WorkerOptions {
  /** Most processes at once, from 1. */
  size: number;
}

export interface InvokeOptions {
  /**
   * Time the function gets once a worker began with it; the process is stopped after. Default: no limit. The function
   * sees it as `getRemainingTimeInMillis()`.
   */
  timeoutMs?: number | undefined;
  /**
   * The same call twice does what it does once: when its process is lost, it is run once more in another one. A call that
   * the lost process had not begun is given to another one in any case.
   */
  repeatable?: boolean;
  /** Ends the waiting. What still queues is dropped; what runs goes on to its end, so that nothing stays half done. */
  signal?: AbortSignal | undefined;
}

interface Job extends InvokeOptions {
  event: unknown;
  /** Processes that were lost with it. */
  lost: number;
  isSettled: boolean;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Processes that a call may be lost with before it fails: each may take down what it is given. */
const MAX_LOST = 2;

/** After a SIGTERM a worker has this long to end. */
const STOP_GRACE_MS = 2_000;

/**
 * The processes of one function. Each runs one invocation at a time, as a Lambda container does; a call beyond them
 * waits in order. A process is started when a call needs it and kept warm; the one used last is taken first, for its
 * weights are the likeliest to be loaded. One that ends is replaced when the next call needs it.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Set<WorkerProcess>();
  /** Free processes; the one used last is at the end. */
  readonly #idle: WorkerProcess[] = [];
  readonly #queue: Job[] = [];
  readonly #running = new Set<Promise<void>>();
  #starting = 0;
  #closing: Promise<void> | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Processes there are now, free or not. */
  get workerCount(): number {
    return this.#workers.size;
  }

  /**
   * Runs the function with a JSON event; answers what its handler answered.
   * @throws what the function threw under its own code; FunctionNotLoadable, WorkerLost, FunctionTimeout, Cancelled, ShuttingDown
   */
  invoke(event: unknown, options: InvokeOptions = {}): Promise<unknown> {
    const { functionName } = this.#options;
    if (this.#closing) return Promise.reject(new ShuttingDown(functionName));
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(new Cancelled(functionName, signal.reason));
    return new Promise((resolve, reject) => {
      const job: Job = { ...options, event, lost: 0, isSettled: false, resolve, reject };
      const abandon = (): void => {
        const at = this.#queue.indexOf(job);
        if (at >= 0) this.#queue.splice(at, 1);
        job.isSettled = true;
        reject(new Cancelled(functionName, signal?.reason));
      };
      const settled = (): void => {
        job.isSettled = true;
        signal?.removeEventListener('abort', abandon);
      };
      job.resolve = (result) => {
        settled();
        resolve(result);
      };
      job.reject = (error) => {
        settled();
        reject(error);
      };
      signal?.addEventListener('abort', abandon, { once: true });
      this.#queue.push(job);
      this.#pump();
    });
  }

  /** Refuses what waits, lets what runs finish for `graceMs`, then ends the processes. May be called twice. */
  close(graceMs = 0): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  /** Gives jobs to free workers, and starts workers while jobs outnumber those that are coming. */
  #pump(): void {
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      const worker = this.#idle.pop()!;
      const run = this.#run(worker, this.#queue.shift()!).finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
    while (this.#starting < this.#queue.length && this.#workers.size < this.#options.size) void this.#start();
  }

  async #start(): Promise<void> {
    const worker = this.#fork();
    if (worker === undefined) return;
    this.#workers.add(worker);
    this.#starting += 1;
    try {
      await worker.ready;
    } catch (error) {
      await worker.ended;
      this.#workers.delete(worker);
      this.#starting -= 1;
      return this.#refuseQueue(error);
    }
    this.#starting -= 1;
    this.#idle.push(worker);
    void worker.ended.then((how) => this.#forget(worker, how));
    this.#pump();
  }

  /** Undefined when the system cannot start a process; the calls that wait for one are rejected. */
  #fork(): WorkerProcess | undefined {
    try {
      return new WorkerProcess(this.#options);
    } catch (error) {
      this.#refuseQueue(new FunctionNotLoadable(this.#options.functionName, messageOf(error)));
      return undefined;
    }
  }

  /**
   * A bundle that cannot be imported fails every call that waits for it, those of other processes that are starting too.
   * Where an earlier process lives, the calls wait for that one.
   */
  #refuseQueue(error: unknown): void {
    if (this.#workers.size > this.#starting) return;
    for (const job of this.#queue.splice(0)) job.reject(error);
  }

  #forget(worker: WorkerProcess, how: string): void {
    this.#workers.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    const { functionName, log } = this.#options;
    if (!this.#closing) log.warn('worker ended', { function: functionName, how });
    this.#pump();
  }

  async #run(worker: WorkerProcess, job: Job): Promise<void> {
    const { timeoutMs } = job;
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => this.#timeOut(worker, job, timeoutMs), timeoutMs);
    try {
      job.resolve(await worker.invoke(job.event, timeoutMs === undefined ? null : Date.now() + timeoutMs));
    } catch (error) {
      if (this.#isGivenAgain(job, error)) this.#queue.unshift(job);
      else job.reject(error);
    }
    clearTimeout(timer);
    // The end of the process starts another one for what waits.
    if (!worker.isAlive) return;
    this.#idle.push(worker);
    this.#pump();
  }

  #isGivenAgain(job: Job, error: unknown): boolean {
    if (!(error instanceof WorkerLost) || job.isSettled || this.#closing !== undefined) return false;
    job.lost += 1;
    if (job.lost > MAX_LOST || (error.hasBegun && (!job.repeatable || job.lost > 1))) return false;
    this.#options.log.warn('a call is given to another process', {
      function: this.#options.functionName,
      reason: error.message,
    });
    return true;
  }

  #timeOut(worker: WorkerProcess, job: Job, timeoutMs: number): void {
    job.reject(new FunctionTimeout(this.#options.functionName, timeoutMs));
    worker.kill();
  }

  async #close(graceMs: number): Promise<void> {
    const error = new ShuttingDown(this.#options.functionName);
    for (const job of this.#queue.splice(0)) job.reject(error);
    if (this.#running.size > 0 && graceMs > 0) await withinGrace(Promise.all(this.#running), graceMs);
    await Promise.all([...this.#workers].map((worker) => worker.stop(STOP_GRACE_MS)));
  }
}

async function withinGrace(work: Promise<unknown>, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, graceMs);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
