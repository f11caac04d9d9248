import { matchesError, type StateError } from './errors.ts';
import type { Retrier } from './machine.ts';

/** Counts the attempts of one visit to a state, each retrier by itself. */
export class RetryCounter {
  readonly #retriers: readonly Retrier[];
  readonly #attempts = new Map<Retrier, number>();
  readonly #random: () => number;
  /** Repetitions so far, of all retriers. */
  total = 0;

  constructor(retriers: readonly Retrier[], random: () => number) {
    this.#retriers = retriers;
    this.#random = random;
  }

  /** Milliseconds to wait before the state is tried again after an error; undefined when it is not. */
  delayAfter(error: StateError): number | undefined {
    const retrier = this.#retriers.find(({ ErrorEquals }) => matchesError(ErrorEquals, error));
    if (!retrier) return undefined;
    const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2, MaxDelaySeconds = Infinity } = retrier;
    const attempt = this.#attempts.get(retrier) ?? 0;
    if (attempt >= MaxAttempts) return undefined;
    this.#attempts.set(retrier, attempt + 1);
    this.total += 1;
    const seconds = Math.min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** attempt);
    return 1000 * (retrier.JitterStrategy === 'FULL' ? seconds * this.#random() : seconds);
  }
}
