import { setTimeout } from 'node:timers/promises';
import type { Actor } from '../auth/actor.ts';
import { type Execution, isFinished } from '../entities/execution.ts';
import type { Platform } from '../platform.ts';
import { getExecution } from './executions.ts';

/** The pauses between two looks grow from the first to the last. */
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 500;
/** Somewhat less than API Gateway waits. */
const LONGEST_WAIT_MS = 25_000;

/**
 * Resolves when the execution ended; after 25 s, or when `signal` aborts, with what it is by then. @throws EntityNotFound
 */
export async function waitForEnd(
  platform: Platform,
  actor: Actor,
  id: string,
  signal: AbortSignal,
  waitMs = LONGEST_WAIT_MS,
): Promise<Execution> {
  const started = performance.now();
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const execution = await getExecution(platform, actor, id);
    if (isFinished(execution) || signal.aborted || performance.now() - started > waitMs) return execution;
    await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
    pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2);
  }
}
