import { isModelfnError } from '../../shared/errors.ts';
import type { Json } from '../../shared/json.ts';

/** Pauses before a background invocation is repeated, as Lambda repeats asynchronous ones. */
export const RETRY_DELAYS_MS: readonly number[] = [60_000, 120_000];

/** Pause after a lost process. The next claim reports when the lease of the lost one ends. */
const LOST_DELAY_MS = 1_000;

/** Most attempts to claim a run that another container holds, each when its lease should end. */
const MAX_LEASE_WAITS = 3;
const LONGEST_LEASE_WAIT_MS = 120_000;
const LEASE_MARGIN_MS = 200;

/** Counts the repetitions of one background invocation. */
export class Repetitions {
  #attempts = 0;
  #leaseWaits = 0;

  /** Milliseconds to wait before the invocation is repeated; undefined when it is not. */
  delayAfter(error: unknown, now: number): number | undefined {
    if (!isModelfnError(error) || !error.retryable) return undefined;
    if (error.code === 'ExecutionInProgress') return this.#untilLeaseEnds(error.details.expiresAt, now);
    const delayMs = RETRY_DELAYS_MS[this.#attempts];
    this.#attempts += 1;
    return delayMs === undefined || error.code !== 'WorkerLost' ? delayMs : LOST_DELAY_MS;
  }

  #untilLeaseEnds(expiresAt: Json | undefined, now: number): number | undefined {
    this.#leaseWaits += 1;
    if (this.#leaseWaits > MAX_LEASE_WAITS) return undefined;
    const leftMs = typeof expiresAt === 'string' ? Date.parse(expiresAt) - now : Number.NaN;
    if (Number.isNaN(leftMs)) return RETRY_DELAYS_MS[0];
    return Math.min(LONGEST_LEASE_WAIT_MS, Math.max(0, leftMs) + LEASE_MARGIN_MS);
  }
}
