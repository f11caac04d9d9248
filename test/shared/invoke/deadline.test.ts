import { expect, it } from 'vitest';
import { deadlineOf } from '../../../shared/invoke/deadline.ts';

it.each([
  [900_000, 899_000],
  [29_000, 28_000],
  [3_999.5, 3_199],
  [3_333, 2_666],
])('of %d ms a run may use %d, a whole number that a timer takes', (remaining, usable) => {
  const deadline = deadlineOf(
    { clock: { now: () => 1_000_000 } },
    { getRemainingTimeInMillis: () => remaining },
  );

  expect(deadline).toBe(1_000_000 + usable);
  expect(() => AbortSignal.timeout(usable)).not.toThrow();
});
