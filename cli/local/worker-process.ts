import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { messageOf } from '../../shared/errors.ts';
import type { Json } from '../../shared/json.ts';
import type { Log } from '../../shared/log.ts';
import { FunctionFailed, FunctionNotLoadable, WorkerLost } from './errors.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';
import { relayOutput } from './worker-output.ts';
import { splitVariables } from './worker-variables.ts';

/** Variables of a process; `undefined` ones are not set. */
export type Environment = Record<string, string | undefined>;

export interface WorkerOptions {
  functionName: string;
  /** Absolute path of the bundle's `index.mjs`. */
  bundle: string;
  /** Variables for the function's own code; its adapters get those of `worker-variables.ts` alone. */
  env: Environment;
  log: Log;
  /** A bundle must be imported within this time. */
  startTimeoutMs?: number;
  /** The function asked to be invoked with this payload. */
  onDispatch?: (payload: Json) => void;
}

const START_TIMEOUT_MS = 30_000;

interface Waiting {
  id: string;
  /** The process has received the call. */
  hasBegun: boolean;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** One process with one function's bundle in it: the server's end of `worker-main.ts`. */
export class WorkerProcess {
  /** Resolves when the bundle is imported. Rejects with FunctionNotLoadable. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone, with how it ended. Never rejects. */
  readonly ended: Promise<string>;
  readonly #options: WorkerOptions;
  readonly #child: ChildProcess;
  readonly #started = Promise.withResolvers<void>();
  readonly #listening = Promise.withResolvers<void>();
  readonly #end = Promise.withResolvers<string>();
  #waiting: Waiting | undefined;
  #invocations = 0;
  #isAlive = true;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.ready = this.#started.promise;
    this.ended = this.#end.promise;
    for (const promise of [this.ready, this.#listening.promise]) promise.catch(() => {});
    this.#child = this.#start();
    const timeoutMs = options.startTimeoutMs ?? START_TIMEOUT_MS;
    const timer = setTimeout(() => {
      this.#notLoadable(`it was not imported within ${timeoutMs} ms.`);
      this.kill();
    }, timeoutMs);
    void Promise.race([this.ready, this.ended]).then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
  }

  /** False once the end of the process is known. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /**
   * Runs the handler with the event. Only when `ready`, and one at a time. `deadline` in milliseconds since 1970.
   * @throws WorkerLost, or what the function threw, under its own code
   */
  invoke(event: unknown, deadline: number | null): Promise<unknown> {
    this.#invocations += 1;
    const id = `${this.#options.functionName}-${this.#child.pid}-${this.#invocations}`;
    return new Promise((resolve, reject) => {
      this.#waiting = { id, hasBegun: false, resolve, reject };
      this.#send({ type: 'invoke', id, event, deadline });
    });
  }

  /** Has the bundle serve HTTP on a Unix socket. @throws FunctionNotLoadable */
  async listen(socketPath: string): Promise<void> {
    await this.ready;
    this.#send({ type: 'listen', socketPath });
    await this.#listening.promise;
  }

  /** Asks the process to end, and ends it after `graceMs`. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.kill(), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends the process, and those it started, at once. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      this.#child.kill('SIGKILL');
    }
  }

  #start(): ChildProcess {
    const { functionName, bundle, env, log } = this.#options;
    const { visible, hidden } = splitVariables(env);
    const child = fork(join(import.meta.dirname, 'worker-main.ts'), [functionName, bundle], {
      env: visible,
      execArgv: ['--enable-source-maps', '--disable-warning=ExperimentalWarning'],
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
      serialization: 'json',
      // A process group of its own: Ctrl-C reaches the server alone, which lets what runs finish; and a worker is killed
      // with all it started.
      detached: true,
    });
    if (child.stdout) relayOutput(child.stdout, functionName, log);
    if (child.stderr) relayOutput(child.stderr, functionName, log);
    child.on('message', (message: FromWorker) => this.#receive(message));
    child.on('error', (error) => {
      // Told also for signals that could not be sent; then the process lives on.
      if (child.pid === undefined) this.#onEnd(messageOf(error));
    });
    child.on('exit', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      // The last messages may come after the exit; the channel closes behind them.
      if (child.connected) child.once('disconnect', () => this.#onEnd(how));
      else this.#onEnd(how);
    });
    // A process that ends before it has read them is reported by its end.
    child.stdin?.on('error', () => {});
    child.stdin?.end(JSON.stringify(hidden));
    return child;
  }

  #send(message: ToWorker): void {
    // A send that fails means that the process is ending, and its end settles what waits.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.#started.resolve();
        break;
      case 'listening':
        this.#listening.resolve();
        break;
      case 'notLoadable':
        this.#notLoadable(`${message.reason}.`);
        break;
      case 'dispatch':
        this.#options.onDispatch?.(message.payload);
        break;
      case 'begun':
        if (this.#waiting?.id === message.id) this.#waiting.hasBegun = true;
        break;
      case 'result':
        this.#settle(message.id, (waiting) => waiting.resolve(message.result));
        break;
      case 'error':
        this.#settle(message.id, (waiting) =>
          waiting.reject(new FunctionFailed(message.error, message.retryable)),
        );
        break;
    }
  }

  #settle(id: string, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting;
    if (waiting?.id !== id) return;
    this.#waiting = undefined;
    how(waiting);
  }

  #notLoadable(reason: string): void {
    const error = new FunctionNotLoadable(this.#options.functionName, reason);
    this.#started.reject(error);
    this.#listening.reject(error);
  }

  #onEnd(how: string): void {
    this.#isAlive = false;
    this.#notLoadable(`its process ended with ${how}.`);
    const waiting = this.#waiting;
    waiting?.reject(new WorkerLost(this.#options.functionName, how, waiting.hasBegun));
    this.#waiting = undefined;
    this.#end.resolve(how);
  }
}
