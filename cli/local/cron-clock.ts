import { fireDueTriggers } from '../../shared/catalog/cron-triggers.ts';
import { toErrorBody } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Platform } from '../../shared/platform.ts';
import { SYSTEM_TIMERS, type Timers } from './timers.ts';

const MINUTE_MS = 60_000;

export interface CronClockOptions {
  platform: Pick<Platform, 'store' | 'clock' | 'ids'>;
  log: Log;
  timers?: Timers;
}

/** What the scheduler is in the cloud: looks at the start, and at the start of every minute, which triggers are due. */
export class CronClock {
  readonly #options: Required<CronClockOptions>;
  #timer: unknown;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: CronClockOptions) {
    this.#options = { timers: SYSTEM_TIMERS, ...options };
  }

  /** Looks now, and from now on every minute. Resolves when what is due was asked for. */
  async look(): Promise<void> {
    if (this.#closed) return;
    this.#looking ??= this.#fire().finally(() => {
      this.#looking = undefined;
      this.#schedule();
    });
    await this.#looking;
  }

  /** Fires nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#options.timers.clearTimeout(this.#timer);
    await this.#looking;
  }

  async #fire(): Promise<void> {
    const { platform, log } = this.#options;
    try {
      for (const executionId of await fireDueTriggers(platform)) log.info('trigger fired', { executionId });
    } catch (error) {
      // A store that is away for a moment: the next look finds what was missed.
      const { code, message } = toErrorBody(error);
      log.error('triggers cannot be fired', { code, reason: message });
    }
  }

  #schedule(): void {
    const { platform, timers } = this.#options;
    timers.clearTimeout(this.#timer);
    if (this.#closed) return;
    const delayMs = MINUTE_MS - (platform.clock.now() % MINUTE_MS);
    this.#timer = timers.setTimeout(() => void this.look(), delayMs);
  }
}
