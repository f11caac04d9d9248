import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShuttingDown } from './errors.ts';
import { type WorkerOptions, WorkerProcess } from './worker-process.ts';

/** Systems allow 104 to 108 bytes for the path of a Unix socket, and cut or refuse longer ones. */
const MAX_SOCKET_PATH_BYTES = 100;

const STOP_GRACE_MS = 2_000;

/** The process that serves the entity API on a Unix socket. Started by the first request, and again when it ended. */
export class ApiProcess {
  readonly #options: WorkerOptions;
  #worker: WorkerProcess | undefined;
  #folder: string | undefined;
  #listening: Promise<string> | undefined;
  #closed = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Path of the socket it listens on. @throws FunctionNotLoadable, ShuttingDown */
  socket(): Promise<string> {
    if (this.#closed) return Promise.reject(new ShuttingDown('api'));
    this.#listening ??= this.#start().catch((error: unknown) => {
      this.#listening = undefined;
      throw error;
    });
    return this.#listening;
  }

  /** Ends the process and removes its socket. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#listening?.catch(() => {});
    await this.#worker?.stop(STOP_GRACE_MS);
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<string> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
    this.#folder = await shortFolder();
    const socketPath = join(this.#folder, 'api');
    const worker = new WorkerProcess(this.#options);
    this.#worker = worker;
    await worker.listen(socketPath);
    void worker.ended.then((how) => {
      this.#listening = undefined;
      if (!this.#closed)
        this.#options.log.warn('worker ended', { function: this.#options.functionName, how });
    });
    return socketPath;
  }
}

/** A folder of this user's own, whose path leaves room for a socket's name. */
async function shortFolder(): Promise<string> {
  const preferred = join(tmpdir(), 'modelfn-');
  const fits = Buffer.byteLength(preferred) + 'XXXXXX/api'.length <= MAX_SOCKET_PATH_BYTES;
  return mkdtemp(fits ? preferred : '/tmp/modelfn-');
}
