import { setTimeout as wait } from 'node:timers/promises';
import { ModelfnError } from '../../shared/errors.ts';

const LOOK_EVERY_MS = 25;

/** Something that was waited for did not come. */
export class WaitedTooLong extends ModelfnError {
  override readonly name = 'WaitedTooLong';
  readonly code = 'WaitedTooLong';
  readonly statusCode = 504;
  constructor(limitMs: number) {
    super(
      `What was waited for did not come within ${limitMs / 1000} s. The log tells what the functions did.`,
    );
  }
}

/** Looks again and again until it is so. @throws WaitedTooLong */
export async function until(isSo: () => Promise<boolean>, limitMs = 120_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new WaitedTooLong(limitMs);
    await wait(LOOK_EVERY_MS);
  }
}
