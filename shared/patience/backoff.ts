import { setTimeout as sleep } from 'node:timers/promises';
import { isModelfnError, messageOf, systemCode } from '../errors.ts';
import type { Log } from '../log.ts';

/** Delays between the attempts of one call. Times in milliseconds. */
export interface Backoff {
  /** Longest time from a call's first failure without progress until it fails for good. 0: no second attempt. */
  patienceMs: number;
  /** Delay after the first failure. It doubles after each further failure; up to half of it is subtracted at random. */
  firstDelayMs: number;
  maxDelayMs: number;
  now(): number;
  /** 0 to below 1. */
  random(): number;
  /** @throws the signal's reason */
  wait(delayMs: number, signal: AbortSignal | undefined): Promise<void>;
}

/** Real time: 250 ms after the first failure, at most 8 s between two attempts. */
export function systemBackoff(patienceMs: number): Readonly<Backoff> {
  return Object.freeze({
    patienceMs,
    firstDelayMs: 250,
    maxDelayMs: 8_000,
    now: () => performance.now(),
    random: () => Math.random(),
    wait: async (delayMs, signal) => {
      await sleep(delayMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
    },
  } satisfies Backoff);
}

/** Signal and deadline that end the retries of a call early, and the log of the retries. */
export interface RetryLimits {
  signal?: AbortSignal | undefined;
  /** Returns the milliseconds until the run's deadline; `undefined` without one. */
  timeLeft?: (() => number) | undefined;
  log?: Log | undefined;
}

/** The attempts of one call. Only for calls that may be repeated. */
export class Attempts {
  readonly #what: string;
  readonly #backoff: Backoff;
  readonly #limits: RetryLimits;
  #failures = 0;
  #firstFailureAt = 0;

  /** `what` names the call in the log. */
  constructor(what: string, backoff: Backoff, limits: RetryLimits = {}) {
    this.#what = what;
    this.#backoff = backoff;
    this.#limits = limits;
  }

  /** Runs `work` until it succeeds, fails for good or the patience ends. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        await this.after(error);
      }
    }
  }

  /**
   * Waits before the next attempt.
   * @throws the failure itself when there is no further attempt; the signal's reason
   */
  async after(error: unknown): Promise<void> {
    const { signal, timeLeft, log } = this.#limits;
    signal?.throwIfAborted();
    if (!isTransient(error)) throw error;
    const { patienceMs, now, wait } = this.#backoff;
    if (this.#failures === 0) this.#firstFailureAt = now();
    this.#failures += 1;
    const delayMs = this.#delayMs();
    const isOutOfPatience = now() - this.#firstFailureAt + delayMs > patienceMs;
    if (isOutOfPatience || (timeLeft && timeLeft() <= delayMs)) throw error;
    log?.warn('storage is unavailable, trying again', {
      call: this.#what,
      attempt: this.#failures,
      delayMs: Math.round(delayMs),
      reason: messageOf(error),
    });
    await wait(delayMs, signal);
  }

  /** Resets the patience after progress. */
  progressed(): void {
    this.#failures = 0;
  }

  #delayMs(): number {
    const { firstDelayMs, maxDelayMs, random } = this.#backoff;
    return Math.min(maxDelayMs, firstDelayMs * 2 ** (this.#failures - 1)) * (1 - random() / 2);
  }
}

/** Failures of the system that do not pass without somebody's intervention. */
const LASTING = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG']);

/** True when the same call may succeed in a moment: retryable, and not caused by permissions or a wrong path. */
export function isTransient(error: unknown): boolean {
  if (!isModelfnError(error) || !error.retryable) return false;
  return !causesOf(error).some((each) => LASTING.has(systemCode(each) ?? ''));
}

const MAX_CAUSES = 8;

/** The error, its cause, the cause of that, and so on. */
export function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let at = error; at !== undefined && at !== null && causes.length < MAX_CAUSES; ) {
    causes.push(at);
    at = typeof at === 'object' ? (at as { cause?: unknown }).cause : undefined;
  }
  return causes;
}
