import type { Timers } from '../../../cli/local/timers.ts';

/** Time that passes when the test says so. */
export function heldTimers() {
  const pending: { work: () => void; delayMs: number }[] = [];
  const delays: number[] = [];
  const timers: Timers = {
    setTimeout: (work, delayMs) => {
      const timer = { work, delayMs };
      delays.push(delayMs);
      pending.push(timer);
      return timer;
    },
    clearTimeout: (timer) => {
      const at = pending.indexOf(timer as (typeof pending)[number]);
      if (at >= 0) pending.splice(at, 1);
    },
  };
  /** Lets the oldest timer of a wanted delay go off; false when there is none. */
  const fire = (wanted: (delayMs: number) => boolean = () => true): boolean => {
    const due = pending.find(({ delayMs }) => wanted(delayMs));
    if (!due) return false;
    timers.clearTimeout(due);
    due.work();
    return true;
  };
  return { timers, pending, delays, fire };
}
