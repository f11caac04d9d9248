import type { Clock } from '../clock.ts';

/** A training that is killed loses at most about this much work. */
const CHECKPOINT_MS = 60_000;
/** Of a slice's time, so much is kept for its last checkpoint, between these bounds. */
const RESERVE_FRACTION = 0.1;
const LEAST_RESERVE_MS = 200;
const MOST_RESERVE_MS = 30_000;

/**
 * The time of one invocation of a training: when it is to checkpoint, and when to yield. The reserve grows with what a
 * checkpoint was found to take.
 */
export class Slice {
  readonly #clock: Clock;
  readonly #deadline: number | undefined;
  #reserveMs: number;
  #checkpointedAt: number;

  /** `deadline`: when the run has to have ended, ms since 1970; without one it never yields. */
  constructor(clock: Clock, deadline: number | undefined) {
    this.#clock = clock;
    this.#deadline = deadline;
    const now = clock.now();
    const givenMs = deadline === undefined ? 0 : deadline - now;
    this.#reserveMs = Math.min(MOST_RESERVE_MS, Math.max(LEAST_RESERVE_MS, givenMs * RESERVE_FRACTION));
    this.#checkpointedAt = now;
  }

  shouldYield(): boolean {
    return this.#deadline !== undefined && this.#clock.now() >= this.#deadline - this.#reserveMs;
  }

  shouldCheckpoint(): boolean {
    return this.shouldYield() || this.#clock.now() - this.#checkpointedAt >= CHECKPOINT_MS;
  }

  /** Tells of a checkpoint that was made and how long it took. */
  checkpointed(tookMs: number): void {
    this.#checkpointedAt = this.#clock.now();
    this.#reserveMs = Math.max(this.#reserveMs, 2 * tookMs);
  }
}
