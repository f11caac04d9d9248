/** Time as a parameter: tests hold it still. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** ISO-8601 in UTC with milliseconds: the wire's only form of a time. */
export function isoTime(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
