import { reapExecutions } from '../../shared/catalog/abandoned-executions.ts';
import { toErrorBody } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Platform } from '../../shared/platform.ts';
import type { FunctionHost } from './function-host.ts';
import { SYSTEM_TIMERS, type Timers } from './timers.ts';

export interface RunReaperOptions {
  platform: Pick<Platform, 'store' | 'clock' | 'ids' | 'log'>;
  functions: Pick<FunctionHost, 'isUnderWay'>;
  log: Log;
  timers?: Timers;
}

const LOOK_EVERY_MS = 5_000;

/** A run that was recorded a moment ago is on its way to a process. */
const GRACE_MS = 5_000;

/** Entries of the outbox that a server finds at its start and delivers itself. */
const MAX_WAITING = 10_000;

/**
 * Makes runs end whose process was lost: those of a server that was killed, which nothing else brings again, and those
 * of commands that were. Looks at the start and every few seconds.
 */
export class RunReaper {
  readonly #options: Required<RunReaperOptions>;
  #isFirst = true;
  #isFailing = false;
  #timer: unknown;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: RunReaperOptions) {
    this.#options = { timers: SYSTEM_TIMERS, ...options };
  }

  /** Looks now, and from now on regularly. Resolves when what was found is resumed or ended. */
  async look(): Promise<void> {
    if (this.#closed) return;
    this.#looking ??= this.#reap().finally(() => {
      this.#looking = undefined;
      this.#schedule();
    });
    await this.#looking;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#options.timers.clearTimeout(this.#timer);
    await this.#looking;
  }

  #schedule(): void {
    const { timers } = this.#options;
    timers.clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = timers.setTimeout(() => void this.look(), LOOK_EVERY_MS);
  }

  async #reap(): Promise<void> {
    const { platform, functions, log } = this.#options;
    try {
      const delivered = this.#isFirst ? await this.#inOutbox() : new Set<string>();
      await reapExecutions(platform, {
        graceMs: this.#isFirst ? 0 : GRACE_MS,
        atStart: this.#isFirst,
        isUnderWay: (id) => delivered.has(id) || functions.isUnderWay(id),
      });
      this.#isFirst = false;
      this.#isFailing = false;
    } catch (error) {
      const { code, message } = toErrorBody(error);
      if (!this.#isFailing) log.error('abandoned runs cannot be looked for', { code, reason: message });
      this.#isFailing = true;
    }
  }

  async #inOutbox(): Promise<Set<string>> {
    const entries = await this.#options.platform.store.readEvents(MAX_WAITING);
    return new Set(
      entries.flatMap(({ event }) => (event.resource === 'Execution' ? [event.resourceId] : [])),
    );
  }
}
