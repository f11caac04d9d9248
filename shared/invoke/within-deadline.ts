import { unlessAborted } from '../unless-aborted.ts';
import { DeadlineExceeded } from './errors.ts';

/** Time that a run gets after its deadline to end by itself: at most this, and this part of the time it had. */
const GRACE_MS = 500;
const GRACE_FRACTION = 0.125;

/**
 * Waits for work until shortly after its deadline. Work that does not look at its signal, or that waits for something
 * which never answers, is left behind; the caller is answered in time all the same.
 * @throws DeadlineExceeded, and what the work throws
 */
export async function withinDeadline<T>(
  functionName: string,
  { deadline, now }: { deadline: number | undefined; now: number },
  work: () => Promise<T>,
): Promise<T> {
  if (deadline === undefined) return work();
  const leftMs = Math.max(0, deadline - now);
  const over = new AbortController();
  const timer = setTimeout(
    () => over.abort(new DeadlineExceeded(functionName)),
    leftMs + Math.min(GRACE_MS, leftMs * GRACE_FRACTION),
  );
  try {
    return await unlessAborted(work(), over.signal);
  } finally {
    clearTimeout(timer);
  }
}
