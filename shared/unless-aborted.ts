/**
 * Waits for work that others may wait for, too, but only until the caller's signal is aborted. The work itself goes on;
 * a failure that comes later is handled here and never becomes an unhandled rejection.
 * @throws the signal's reason, as soon as it is aborted
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const leave = (): void => reject(signal.reason as Error);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
  });
}
