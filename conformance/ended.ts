/** How a piece of work ended, if it did. */
export type Ended<T> =
  | { readonly how: 'returned'; readonly value: T }
  | { readonly how: 'threw'; readonly error: unknown }
  | { readonly how: 'still running' };

/** Waits for the work, but no longer than `withinMs`; what goes on after that is not heard of any more. */
export async function endOf<T>(work: () => Promise<T> | T, withinMs: number): Promise<Ended<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Ended<T>>((resolve) => {
    timer = setTimeout(() => resolve({ how: 'still running' }), withinMs);
  });
  const ended = (async () => work())().then(
    (value): Ended<T> => ({ how: 'returned', value }),
    (error: unknown): Ended<T> => ({ how: 'threw', error }),
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}
