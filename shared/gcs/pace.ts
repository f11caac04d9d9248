import { setTimeout as sleep } from 'node:timers/promises';

/** How patient a call is. Times in milliseconds. */
export interface Pace {
  /** Failures in a row that a call stands before it gives up. */
  attempts: number;
  /** Wait after the first failure; doubled after each more, with up to half of it taken off by chance. */
  firstDelayMs: number;
  maxDelayMs: number;
  /** Longest time from a call's first failure without progress to its giving up. */
  totalMs: number;
  /** Silence after which a connection counts as broken. */
  idleMs: number;
  now(): number;
  /** 0 to below 1. */
  random(): number;
  /** @throws the signal's reason */
  wait(delayMs: number, signal: AbortSignal | undefined): Promise<void>;
  /** Calls `onSilence` once when `idleMs` pass between `touch` and the next `touch`, `rest` or `stop`. */
  watch(idleMs: number, onSilence: () => void): Watch;
}

export interface Watch {
  touch(): void;
  /** Nothing is awaited of the other side now: it is our turn. */
  rest(): void;
  stop(): void;
}

export const DEFAULT_PACE: Readonly<Pace> = Object.freeze({
  attempts: 6,
  firstDelayMs: 250,
  maxDelayMs: 16_000,
  totalMs: 120_000,
  idleMs: 30_000,
  now: () => performance.now(),
  random: () => Math.random(),
  wait: async (delayMs, signal) => {
    await sleep(delayMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
  },
  watch: (idleMs, onSilence) => {
    let resting = true;
    // Runs on while resting and does nothing then: refreshing a timer is far cheaper than making one for every chunk.
    const timer = setTimeout(() => {
      if (!resting) onSilence();
    }, idleMs);
    return {
      touch: () => {
        resting = false;
        timer.refresh();
      },
      rest: () => {
        resting = true;
      },
      stop: () => {
        resting = true;
        clearTimeout(timer);
      },
    };
  },
} satisfies Pace);
