import { isModelfnError } from './errors.ts';

/** An entry whose work failed. */
export interface Failure<T> {
  entry: T;
  error: unknown;
}

/** Failures in a row that may pass, such as a store that is away, before the rest is left to the next round. */
const MAX_IN_A_ROW = 5;

/**
 * Runs `work` for each entry in order. A failure does not stop the others: it is returned with its entry. After five
 * retryable failures in a row the rest is left, and the last one is thrown. @throws that failure
 */
export async function eachAlone<T>(
  entries: Iterable<T>,
  work: (entry: T) => Promise<unknown>,
): Promise<Failure<T>[]> {
  const failures: Failure<T>[] = [];
  let inARow = 0;
  for (const entry of entries) {
    try {
      await work(entry);
      inARow = 0;
    } catch (error) {
      inARow = mayPass(error) ? inARow + 1 : 0;
      if (inARow >= MAX_IN_A_ROW) throw error;
      failures.push({ entry, error });
    }
  }
  return failures;
}

/** True for a failure of the surroundings: the same work may succeed later. */
export function mayPass(error: unknown): boolean {
  return isModelfnError(error) && error.retryable;
}
