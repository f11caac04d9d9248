import { setTimeout as pause } from 'node:timers/promises';
import { isoTime } from '../../shared/clock.ts';
import { mayPass } from '../../shared/each-alone.ts';
import type { PipelineExecution } from '../../shared/entities/pipeline.ts';
import { toErrorBody } from '../../shared/errors.ts';
import type { Json } from '../../shared/json.ts';
import type { Log } from '../../shared/log.ts';
import { runPipeline } from '../../shared/pipelines/run-pipeline.ts';
import { belongsToCommand } from '../../shared/pipelines/runner-lease.ts';
import type { Platform } from '../../shared/platform.ts';
import type { FunctionHost } from './function-host.ts';
import { SYSTEM_TIMERS, type Timers } from './timers.ts';

export interface PipelineRunnerOptions {
  platform: Pick<Platform, 'store' | 'clock'>;
  functions: Pick<FunctionHost, 'invoke'>;
  log: Log;
  timers?: Timers;
}

/** How often the store is asked for runs to begin. */
export const POLL_INTERVAL_MS = 250;

/** Pause before a run that was lost is begun again. */
const RETRY_MS = 30_000;

/** Runs that go on at once; the rest waits on record. */
const MAX_RUNNING = 20;

/** Runs looked at each time: those that commands run are among them. */
const MAX_LOOKED_AT = 100;

/**
 * Local counterpart of Step Functions: begins the pipeline executions that the API and triggers recorded, and after a
 * restart continues those that were under way. A run of `modelfn pipelines run` is left to its command; when that was
 * killed, the run is recorded as failed and not continued, since its user may have run the pipeline again.
 */
export class PipelineRunner {
  readonly #options: Required<PipelineRunnerOptions>;
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  /** Runs that this process cannot go on with, and until when they are left, ms since 1970: they take no place of others. */
  readonly #left = new Map<string, number>();
  #timer: unknown;
  #looking: Promise<void> | undefined;
  #isFailing = false;

  constructor(options: PipelineRunnerOptions) {
    this.#options = { timers: SYSTEM_TIMERS, ...options };
  }

  /** Looks for runs now, and from now on regularly. Resolves when those found have begun. */
  async wake(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
      this.#schedule();
    });
    await this.#looking;
  }

  /** Resolves when the runs that have begun are over. */
  async drained(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /** Begins nothing more; runs end before their next node, and are continued by the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#options.timers.clearTimeout(this.#timer);
    await this.#looking;
    await this.drained();
  }

  #schedule(): void {
    const { timers } = this.#options;
    timers.clearTimeout(this.#timer);
    if (!this.#stop.signal.aborted) this.#timer = timers.setTimeout(() => void this.wake(), POLL_INTERVAL_MS);
  }

  async #look(): Promise<void> {
    const { platform, log } = this.#options;
    try {
      for (const [id, until] of this.#left) if (until <= platform.clock.now()) this.#left.delete(id);
      const { items } = await platform.store.query('PipelineExecution', {
        filter: { status: { $in: ['created', 'inProgress'] }, id: { $nin: [...this.#left.keys()] } },
        pageSize: MAX_LOOKED_AT,
        skipsUnreadable: true,
      });
      for (const execution of items) {
        if (this.#running.has(execution.id) || this.#running.size >= MAX_RUNNING) continue;
        if (!(await this.#isLeftAlone(execution))) this.#begin(execution);
      }
      this.#isFailing = false;
    } catch (error) {
      // Told once: the next look may find the store well again.
      const { code, message } = toErrorBody(error);
      if (!this.#isFailing) log.error('pipeline executions cannot be read', { code, reason: message });
      this.#isFailing = true;
    }
  }

  /** True for a run of a command. One that cannot be looked at is left for a while, so that it stops no other. */
  async #isLeftAlone(execution: PipelineExecution): Promise<boolean> {
    try {
      return await belongsToCommand(this.#options.platform, execution);
    } catch (error) {
      await this.#onLost(execution, error);
      return true;
    }
  }

  /** Records a run that cannot be made as failed; what may pass, or cannot be recorded, is tried again later. */
  async #onLost({ id }: PipelineExecution, error: unknown): Promise<void> {
    const { platform, log } = this.#options;
    const body = toErrorBody(error);
    log.error('pipeline run lost', { execution: id, code: body.code, reason: body.message });
    this.#left.set(id, platform.clock.now() + RETRY_MS);
    if (mayPass(error)) return;
    try {
      await platform.store.update('PipelineExecution', id, (current) => ({
        ...current,
        status: 'failed',
        error: body,
        updatedAt: isoTime(platform.clock),
      }));
    } catch (failure) {
      const reason = toErrorBody(failure).message;
      log.error('end of a pipeline run cannot be recorded', { execution: id, reason });
    }
  }

  #begin(execution: PipelineExecution): void {
    const { platform, functions, log } = this.#options;
    const { signal } = this.#stop;
    const running = runPipeline(platform, execution, {
      signal,
      invoke: (name, payload) =>
        functions.invoke(name, payload, { background: true, timeoutMs: undefined }) as Promise<Json>,
      wait: async (milliseconds) =>
        void (await pause(milliseconds, undefined, { signal }).catch(() => undefined)),
    })
      .then(({ status, error }) => {
        if (status === 'failed')
          log.error('pipeline failed', { execution: execution.id, reason: error?.message });
      })
      .catch((error: unknown) => this.#onLost(execution, error))
      .finally(() => this.#running.delete(execution.id));
    this.#running.set(execution.id, running);
  }
}
