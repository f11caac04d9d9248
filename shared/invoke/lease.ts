import { Cancelled, hasCode, messageOf } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { renewExecution } from './executions.ts';

/** How often a run looks at its record at least: how soon a wish to stop is heard, and how fresh its progress is. */
const MAX_BEAT_MS = 500;
/** Beats that a lease outlives: a store that is away for a moment takes no run from its holder. */
const BEATS_A_LEASE = 10;

/**
 * Holds a run while it goes on: renews the lease, writes progress, and aborts the run's signal when someone asked for
 * it to stop, when the deadline comes, or when another container took it over.
 */
export class Lease {
  readonly #platform: Pick<Platform, 'store' | 'clock' | 'log' | 'config'>;
  readonly #executionId: string;
  readonly #holder: string;
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #progress: { percentComplete: number; message?: string | undefined } | undefined;
  #beating: Promise<void> | undefined;

  constructor(
    platform: Pick<Platform, 'store' | 'clock' | 'log' | 'config'>,
    executionId: string,
    holder: string,
    deadline: AbortSignal,
  ) {
    this.#platform = platform;
    this.#executionId = executionId;
    this.#holder = holder;
    this.signal = AbortSignal.any([deadline, this.#abort.signal]);
    // Keeps the process there: a run may wait for nothing but its signal, whose own timer does not.
    this.#timer = setInterval(
      () => this.#beat(),
      Math.min(MAX_BEAT_MS, platform.config.leaseMs / BEATS_A_LEASE),
    );
  }

  readonly signal: AbortSignal;

  /** Notes how far the run is; written with the next beat. `percentComplete` 0..100. */
  progress(percentComplete: number, message?: string): void {
    const bounded = Math.min(100, Math.max(0, percentComplete));
    this.#progress = { percentComplete: Math.round(bounded * 10) / 10, message };
  }

  /** Stops renewing; resolves when no write is under way. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
  }

  /** One write at a time: a slow store is not given more to do. */
  #beat(): void {
    this.#beating ??= this.#renew().finally(() => {
      this.#beating = undefined;
    });
  }

  async #renew(): Promise<void> {
    const progress = this.#progress;
    this.#progress = undefined;
    try {
      const { toTerminate } = await renewExecution(this.#platform, this.#executionId, this.#holder, progress);
      if (toTerminate)
        this.#abort.abort(new Cancelled(`execution ${this.#executionId}`, 'terminate was asked for'));
    } catch (error) {
      if (hasCode(error, 'LeaseLost') || hasCode(error, 'EntityNotFound')) this.#abort.abort(error);
      // A store that is away for a moment does not end the run: the lease outlives many beats.
      else
        this.#platform.log.warn('lease not renewed', {
          executionId: this.#executionId,
          reason: messageOf(error),
        });
    }
  }
}
