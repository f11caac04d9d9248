import { isPassing, ReplyFailure } from './failures.ts';
import type { Pace } from './pace.ts';

/**
 * The failures of one call. Only calls that may be repeated use it: reads, and writes with a precondition or within a
 * session, where Cloud Storage itself keeps a second try from doing anything twice.
 */
export class Retries {
  readonly #pace: Pace;
  readonly #signal: AbortSignal | undefined;
  #failures = 0;
  #firstFailureAt = 0;

  constructor(pace: Pace, signal?: AbortSignal) {
    this.#pace = pace;
    this.#signal = signal;
  }

  /** Runs `work` until it succeeds, fails for good or patience ends. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        await this.after(error);
      }
    }
  }

  /** Waits before the next try. @throws the failure itself when there is to be none, or the signal's reason */
  async after(error: unknown): Promise<void> {
    if (!isPassing(error)) {
      this.#signal?.throwIfAborted();
      throw error;
    }
    await this.pause(error);
  }

  /** As `after`, for any failure. */
  async pause(error: unknown): Promise<void> {
    this.#signal?.throwIfAborted();
    const { attempts, totalMs, now, wait } = this.#pace;
    if (this.#failures === 0) this.#firstFailureAt = now();
    this.#failures += 1;
    const delayMs = this.#delayMs(error);
    if (this.#failures >= attempts || now() - this.#firstFailureAt + delayMs > totalMs) throw error;
    await wait(delayMs, this.#signal);
  }

  /** Something was achieved: patience starts anew. */
  progressed(): void {
    this.#failures = 0;
  }

  #delayMs(error: unknown): number {
    const { firstDelayMs, maxDelayMs, random } = this.#pace;
    const backoffMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (this.#failures - 1)) * (1 - random() / 2);
    return Math.max(backoffMs, (error instanceof ReplyFailure && error.retryAfterMs) || 0);
  }
}
