import { inspect } from 'node:util';
import { messageOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';

/**
 * Logs rejections that no code handles, instead of ending the process: one forgotten promise, also of an adapter's code,
 * must not take down what the process does for others.
 */
export function recordUnhandledRejections(
  log: Pick<Log, 'error'>,
  source: Pick<NodeJS.Process, 'on'> = process,
): void {
  source.on('unhandledRejection', (reason) =>
    log.error('unhandled rejection', { reason: messageOf(reason), stack: inspect(reason) }),
  );
}
