import * as z from 'zod/mini';
import { type Actor, scopeOf } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { type Execution, isFinished, isHeld, type StatusEntry } from '../entities/execution.ts';
import { jsonSchema } from '../entities/fields.ts';
import { Cancelled } from '../errors.ts';
import { ended } from '../invoke/executions.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { releaseSnapshots } from '../snapshots/snapshot-run.ts';
import type { Page } from '../store/entity-store.ts';
import { executionFor } from './model-access.ts';
import { ExecutionFinished, ResultRefused } from './model-errors.ts';
import { queryByEnvelope } from './query-by-envelope.ts';

/** Entries of a status log that reports may fill; the oldest but the first make room. */
const MAX_STATUS_ENTRIES = 100;

/** @throws EntityNotFound */
export function getExecution(platform: Platform, actor: Actor, id: string): Promise<Execution> {
  return executionFor(platform.store, actor, id);
}

/** Answers an envelope (docs/WIRE.md, Envelope) within what the actor may see. @throws InvalidFilter, InvalidInput */
export function queryExecutions(
  platform: Platform,
  actor: Actor,
  envelope: unknown,
): Promise<Page<Execution>> {
  return queryByEnvelope(platform, 'Execution', envelope, scopeOf(actor));
}

/**
 * Asks a run to stop: whoever holds it stops within a moment and records it as failed. One that nobody holds, or that
 * is between two slices, is ended here; one that has ended stays as it is. May be repeated. @throws EntityNotFound
 */
export async function terminateExecution(platform: Platform, actor: Actor, id: string): Promise<Execution> {
  return platform.store.transaction(async (store) => {
    await executionFor(store, actor, id);
    const now = await store.now();
    const execution = await store.update('Execution', id, (current) => {
      if (isFinished(current)) return current;
      const asked = { ...current, toTerminate: true, updatedAt: isoTime(platform.clock) };
      if (isHeld(current, now)) return asked;
      const error = new Cancelled(`execution ${id}`, 'terminate was asked for').toJSON();
      return ended(platform, asked, { durationMs: current.duration, error });
    });
    if (isFinished(execution)) await releaseSnapshots({ ...platform, store }, execution);
    return execution;
  });
}

const progressSchema = z.object({
  /** `completed` is the client's word for success. */
  status: z.enum(['inProgress', 'success', 'completed', 'failed']),
  percentComplete: z.nullish(z.number().check(z.gte(0), z.lte(100))),
  message: z.nullish(z.string().check(z.maxLength(10_000))),
  output: z.optional(jsonSchema),
});
type Progress = z.output<typeof progressSchema>;

/**
 * Records how far a run is (docs/WIRE.md, Executions). An end or an output is never accepted: only the holder of the
 * lease writes results, and later calls trust them. Reporting the end that a run has had already changes nothing.
 * @throws InvalidInput, EntityNotFound, ExecutionFinished after another end, ResultRefused for an end or an output
 */
export async function addProgress(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Execution> {
  const progress = parse(progressSchema, input, 'progress of an execution');
  return platform.store.transaction(async (store) => {
    await executionFor(store, actor, id);
    return store.update('Execution', id, (current) => withReport(platform, current, progress));
  });
}

function withReport(platform: Platform, current: Execution, progress: Progress): Execution {
  const status = progress.status === 'completed' ? 'success' : progress.status;
  if (isFinished(current)) {
    if (current.latestStatus.status === status && progress.output === undefined) return current;
    throw new ExecutionFinished(current.id, current.latestStatus.status);
  }
  if (status !== 'inProgress' || progress.output !== undefined) throw new ResultRefused(current.id);
  const now = isoTime(platform.clock);
  const entry: StatusEntry = {
    timestamp: now,
    status,
    ...(progress.message != null && { message: progress.message }),
    ...(progress.percentComplete != null && { percentComplete: progress.percentComplete }),
  };
  return {
    ...current,
    status: [...current.status, entry].toSpliced(1, current.status.length + 1 - MAX_STATUS_ENTRIES),
    latestStatus: entry,
    updatedAt: now,
  };
}
