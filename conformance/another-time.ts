const SHIFT_MS = 40 * 24 * 3600 * 1000 + 12_345;

/**
 * Does the work forty days later by the process's clock: what writes the time of day into its files shows. All of the process
 * sees the shift, so nothing else is to go on meanwhile.
 */
export async function atAnotherTime<T>(work: () => Promise<T>): Promise<T> {
  const own = globalThis.Date;
  const now = (): number => own.now() + SHIFT_MS;
  globalThis.Date = new Proxy(own, {
    construct: (target, given: unknown[], newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
    apply: () => new own(now()).toString(),
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  });
  try {
    return await work();
  } finally {
    globalThis.Date = own;
  }
}
