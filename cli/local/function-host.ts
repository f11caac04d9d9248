import { toErrorBody } from '../../shared/errors.ts';
import { isJsonObject, type Json } from '../../shared/json.ts';
import type { Log } from '../../shared/log.ts';
import { FunctionNotFound, ShuttingDown } from './errors.ts';
import { Repetitions } from './repetitions.ts';
import { SYSTEM_TIMERS, type Timers } from './timers.ts';
import { type InvokeOptions, WorkerPool } from './worker-pool.ts';
import type { Environment } from './worker-process.ts';

export interface FunctionHostOptions {
  /** Function name -> absolute path of its bundle. */
  bundles: ReadonlyMap<string, string>;
  /** Processes kept for each function's calls, and as many again for its work in the background. */
  workersPerFunction: number;
  /** The whole environment of the workers. */
  env: Environment;
  log: Log;
  timers?: Timers;
}

export interface HostInvokeOptions extends InvokeOptions {
  /** Nobody waits for the answer with an open connection: the call stands back behind those where somebody does. */
  background?: boolean;
}

/** Lambda's own limit of one invocation. */
const DEFAULT_TIMEOUT_MS = 15 * 60 * 1000;

/**
 * Processes for what somebody waits for, and others for what runs in the background: two trainings that take hours
 * leave a third call its answer.
 */
interface Pools {
  calls: WorkerPool;
  background: WorkerPool;
}

/** All functions of one machine, each in processes of its own. */
export class FunctionHost {
  readonly #pools: ReadonlyMap<string, Pools>;
  readonly #log: Log;
  readonly #timers: Timers;
  readonly #pauses = new Set<unknown>();
  /** Executions of background invocations, how often each. */
  readonly #underWay = new Map<string, number>();
  #closed = false;

  constructor({ bundles, workersPerFunction, env, log, timers = SYSTEM_TIMERS }: FunctionHostOptions) {
    this.#log = log;
    this.#timers = timers;
    this.#pools = new Map(
      [...bundles].map(([functionName, bundle]) => {
        const onDispatch = (payload: Json) => this.dispatch(functionName, payload);
        const options = { functionName, bundle, size: workersPerFunction, env, log, onDispatch };
        return [functionName, { calls: new WorkerPool(options), background: new WorkerPool(options) }];
      }),
    );
  }

  /** Names of the functions, sorted. */
  get functionNames(): string[] {
    return [...this.#pools.keys()].sort();
  }

  /**
   * Runs a function with a JSON event and answers what it answered. `timeoutMs` is 15 minutes unless given; `undefined` is no limit.
   * @throws FunctionNotFound, and the codes of `WorkerPool.invoke`
   */
  async invoke(functionName: string, event: unknown, options: HostInvokeOptions = {}): Promise<unknown> {
    const { background = false, ...rest } = options;
    const { calls, background: behind } = this.#poolsOf(functionName);
    return (background ? behind : calls).invoke(event, { timeoutMs: DEFAULT_TIMEOUT_MS, ...rest });
  }

  /**
   * As `invoke`, slice after slice: while a run yields, the same call goes on with it, as the state machine does in the cloud.
   * `event` carries the execution's id.
   */
  async invokeToEnd(functionName: string, event: unknown, options: HostInvokeOptions = {}): Promise<unknown> {
    let answer: unknown;
    do answer = await this.invoke(functionName, event, options);
    while (hasYielded(answer) && !this.#closed);
    return answer;
  }

  /**
   * Runs a function in the background, without a time limit. Its result is the function's to record. A failure that may
   * pass, such as a lost process, is tried again twice; the last one goes to the log.
   * @throws FunctionNotFound
   */
  dispatch(functionName: string, payload: Json): void {
    void this.#runBehind(this.#poolsOf(functionName).background, functionName, payload);
  }

  /**
   * As `dispatch`; resolves when nothing more is to be done: the function answered, or no attempt was left. False when the
   * host closed before. @throws FunctionNotFound
   */
  async runToEnd(functionName: string, payload: Json): Promise<boolean> {
    return this.#runBehind(this.#poolsOf(functionName).background, functionName, payload);
  }

  /** Takes no more calls, lets those that run finish for `graceMs`, ends all processes. May be called twice. */
  async close(graceMs = 0): Promise<void> {
    this.#closed = true;
    for (const pause of this.#pauses) this.#timers.clearTimeout(pause);
    const pools = [...this.#pools.values()].flatMap(({ calls, background }) => [calls, background]);
    await Promise.all(pools.map((pool) => pool.close(graceMs)));
  }

  /** True for an execution that is queued or runs in the background, or waits for its next attempt. */
  isUnderWay(executionId: string): boolean {
    return this.#underWay.has(executionId);
  }

  async #runBehind(pool: WorkerPool, functionName: string, payload: Json): Promise<boolean> {
    const id = isJsonObject(payload) && typeof payload.executionId === 'string' ? payload.executionId : '';
    this.#underWay.set(id, (this.#underWay.get(id) ?? 0) + 1);
    try {
      return await this.#repeat(pool, functionName, payload);
    } finally {
      const left = this.#underWay.get(id)! - 1;
      if (left > 0) this.#underWay.set(id, left);
      else this.#underWay.delete(id);
    }
  }

  async #repeat(pool: WorkerPool, functionName: string, payload: Json): Promise<boolean> {
    const repetitions = new Repetitions();
    for (;;) {
      try {
        while (hasYielded(await pool.invoke(payload))) if (this.#closed) return false;
        return true;
      } catch (error) {
        const delayMs = repetitions.delayAfter(error, Date.now());
        const repeats = delayMs !== undefined && !this.#closed;
        const { code, message } = toErrorBody(this.#closed ? new ShuttingDown(functionName) : error);
        const facts = { function: functionName, code, reason: message };
        if (!repeats) {
          this.#log.error('background invocation failed', facts);
          return !this.#closed;
        }
        this.#log.warn('background invocation is repeated', { ...facts, delayMs });
        await this.#pause(delayMs);
      }
    }
  }

  /** Does not end when the host closes before. */
  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const pause = this.#timers.setTimeout(() => {
        this.#pauses.delete(pause);
        resolve();
      }, delayMs);
      this.#pauses.add(pause);
    });
  }

  #poolsOf(functionName: string): Pools {
    const pools = this.#pools.get(functionName);
    if (pools === undefined) throw new FunctionNotFound(functionName, this.functionNames);
    return pools;
  }
}

/** The answer of a run that goes on in its next slice. */
function hasYielded(answer: unknown): boolean {
  return isJsonObject(answer) && answer.status === 'yielded';
}
