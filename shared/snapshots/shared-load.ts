import { unlessAborted } from '../unless-aborted.ts';

/** Longest time of one load. Without a limit, storage that never answers would keep its place in memory for ever. */
export const LOAD_LIMIT_MS = 30 * 60_000;

/** A load that several callers share. It does not end with any of them. */
export interface SharedLoad<T> {
  load(signal: AbortSignal): Promise<T>;
  /** Frees a value that arrived after the limit. */
  dispose(value: T): void;
  /** Error of a load that reached the limit. */
  timedOut(limitMs: number): Error;
  limitMs?: number;
}

/** Runs a load until its limit. @throws what `load` throws; `timedOut` */
export async function loadWithinLimit<T>({
  load,
  dispose,
  timedOut,
  limitMs = LOAD_LIMIT_MS,
}: SharedLoad<T>): Promise<T> {
  const limit = AbortSignal.timeout(limitMs);
  const loading = load(limit);
  try {
    return await unlessAborted(loading, limit);
  } catch (error) {
    if (!limit.aborted) throw error;
    loading.then(dispose, () => undefined);
    throw timedOut(limitMs);
  }
}
