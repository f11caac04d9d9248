/** Time that passes, as a parameter: tests hold it still. */
export interface Timers {
  setTimeout(work: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

export const SYSTEM_TIMERS: Timers = {
  setTimeout: (work, delayMs) => setTimeout(work, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
