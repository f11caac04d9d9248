/**
 * Requests a container has under way at once, over all its loads: enough to fill a line of 1 Gbit/s with 30 ms of
 * delay while each connection is still finding its pace (docs/BENCHMARKS.md).
 */
export const MAX_REQUESTS = 16;

type Waiting = { start: () => void };

/** Lets so many pieces of work run at once; the others wait their turn, first come, first served. */
export class RequestBudget {
  readonly limit: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(limit: number = MAX_REQUESTS) {
    this.limit = limit;
  }

  /** Runs the work when its turn comes. @throws the signal's reason when it is aborted before that */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      // The place goes to the next one without being free in between: who comes now stands behind it.
      const next = this.#waiting.shift();
      if (next) next.start();
      else this.#running -= 1;
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running < this.limit) {
      this.#running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting = {
        start: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      this.#waiting.push(waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
