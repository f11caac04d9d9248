import type { Platform } from '../platform.ts';
import type { FunctionContext } from './function-context.ts';

/** What a run that is stopped in time still needs to end well: to give its snapshot back and record its failure. */
const MARGIN_MS = 1_000;
/** Of a short limit, at most this part. */
const MARGIN_FRACTION = 0.2;

/** When a run has to stop by itself, ms since 1970; `undefined` where the container sets no limit. */
export function deadlineOf({ clock }: Pick<Platform, 'clock'>, context: FunctionContext): number | undefined {
  const remaining = context.getRemainingTimeInMillis?.();
  if (remaining === undefined || !Number.isFinite(remaining)) return undefined;
  // Whole milliseconds: Node's timers refuse others.
  return Math.floor(clock.now() + remaining - Math.min(MARGIN_MS, remaining * MARGIN_FRACTION));
}
