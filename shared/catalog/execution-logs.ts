import type { Actor } from '../auth/actor.ts';
import { isFinished } from '../entities/execution.ts';
import { type KeptLine, LOG_LIMITS, type LogLine } from '../entities/log-line.ts';
import type { Platform } from '../platform.ts';
import { executionFor } from './model-access.ts';

/** A part of an execution's log. */
export interface LogPart {
  logs: LogLine[];
  /** Number of the last line; the next part begins after it. */
  checkpoint: number;
  /** True when the run has ended and this is the end of its log. */
  stop: boolean;
}

/**
 * Lines of an execution's log after number `after`, the oldest first. The first of them says how many there were before,
 * when the log became too long. @throws EntityNotFound
 */
export async function readExecutionLogs(
  platform: Platform,
  actor: Actor,
  id: string,
  { after = 0, limit = LOG_LIMITS.lines }: { after?: number; limit?: number } = {},
): Promise<LogPart> {
  // In this order: a run writes the last of its lines before its end.
  const ended = isFinished(await executionFor(platform.store, actor, id));
  const lines = await platform.store.readLogs(id, { after, limit });
  return {
    logs: [...droppedBefore(lines[0], after), ...lines.map(toLine)],
    checkpoint: lines.at(-1)?.line ?? after,
    stop: ended && lines.length < limit,
  };
}

function toLine({ timestamp, level, message }: KeptLine): LogLine {
  return { timestamp, level, message };
}

function droppedBefore(first: KeptLine | undefined, after: number): LogLine[] {
  const dropped = first === undefined ? 0 : first.line - after - 1;
  if (dropped <= 0) return [];
  const message = `${dropped} earlier lines are not kept: an execution keeps the last ${LOG_LIMITS.lines} lines, and ${LOG_LIMITS.characters} characters.`;
  return [{ timestamp: first!.timestamp, level: 'warn', message }];
}
