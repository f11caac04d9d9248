import { type Execution, isAlive, isFinished } from '../entities/execution.ts';
import { Cancelled, type ErrorBody, messageOf } from '../errors.ts';
import { AttemptsExhausted, ExecutionAbandoned } from '../invoke/errors.ts';
import { countResumes, ended, resumed } from '../invoke/executions.ts';
import type { Platform } from '../platform.ts';
import { releaseSnapshots } from '../snapshots/snapshot-run.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { listMatches } from './all-matches.ts';
import { executionEvent } from './execution-events.ts';

export interface ReapOptions {
  /** A run counts as abandoned so long after its lease ended, or after it was recorded and not begun. */
  graceMs: number;
  /** True for a run that this process runs, has queued, or delivers itself. */
  isUnderWay?: (executionId: string) => boolean;
  /** A server has just started: what waited for its next slice or its first claim waited in the memory of the one before. */
  atStart?: boolean;
  /** Looks at runs of the command line alone. */
  only?: 'cli';
}

export interface Reaped {
  resumed: number;
  ended: number;
}

type Reaper = Pick<Platform, 'store' | 'clock' | 'ids' | 'log'>;

const OPEN = ['created', 'inProgress', 'rerun'];

/** A run that was resumed this often and was not claimed, or lost each container, is ended. */
const MAX_RESUMES = 5;

/**
 * Finds runs whose container was lost and makes each end: one with attempts left is begun again by an event in the
 * outbox, as a rerun is; any other is recorded as failed. A row that cannot be handled is logged and stops no other.
 * Several reapers at once do no harm: each decision is made in the transaction that records it, and a run is claimed once.
 */
export async function reapExecutions(platform: Reaper, options: ReapOptions): Promise<Reaped> {
  const { store, log } = platform;
  const done: Reaped = { resumed: 0, ended: 0 };
  const now = await store.now();
  const filter = { 'latestStatus.status': { $in: OPEN } };
  const open = await listMatches(store, 'Execution', { filter, skipsUnreadable: true });
  for (const execution of open) {
    if (judge(execution, now, options) === undefined) continue;
    try {
      const verdict = await reap(platform, execution, options);
      if (verdict === 'resume') done.resumed += 1;
      else if (verdict) done.ended += 1;
    } catch (error) {
      log.error('an abandoned run cannot be handled', {
        executionId: execution.id,
        reason: messageOf(error),
      });
    }
  }
  return done;
}

/** Returns how to treat a run; `undefined` when it is not abandoned. */
type Verdict = 'resume' | { error: ErrorBody };

async function reap(platform: Reaper, { id }: Execution, options: ReapOptions): Promise<Verdict | undefined> {
  return platform.store.transaction(async (store) => {
    const now = await store.now();
    const found = await store.get('Execution', id);
    const verdict = found && !(await hasRunner(store, found)) ? judge(found, now, options) : undefined;
    if (verdict === undefined) return undefined;
    const execution = await store.update('Execution', id, (current) =>
      verdict === 'resume'
        ? resumed(platform, current, now)
        : ended(platform, current, { durationMs: 0, error: verdict.error }),
    );
    const { creator, functionName, projectId } = execution;
    const how = verdict === 'resume' ? 'resumed' : verdict.error.code;
    platform.log.warn('abandoned run', { executionId: id, function: functionName, how });
    if (verdict !== 'resume') await releaseSnapshots({ ...platform, store }, execution);
    else if (projectId !== null)
      await store.appendEvents([executionEvent(platform, { email: creator }, { ...execution, projectId })]);
    return verdict;
  });
}

/** True for a node of a pipeline run that goes on: its runner repeats the node. */
async function hasRunner(store: EntityStore, { pipeline }: Execution): Promise<boolean> {
  if (pipeline?.executionId === undefined) return false;
  const run = await store.get('PipelineExecution', pipeline.executionId);
  return run?.status === 'created' || run?.status === 'inProgress';
}

function judge(execution: Execution, now: number, options: ReapOptions): Verdict | undefined {
  if (!isAbandoned(execution, now, options)) return undefined;
  const { id, attempts, maxAttempts, toTerminate, caller, projectId, pipeline } = execution;
  const isNode = caller === 'pipeline' && pipeline?.executionId !== undefined;
  if (toTerminate) return { error: new Cancelled(`execution ${id}`, 'terminate was asked for').toJSON() };
  if (attempts >= maxAttempts) return { error: new AttemptsExhausted(execution).toJSON() };
  const cannotComeAgain =
    caller === 'cli' || isNode || projectId === null || countResumes(execution) >= MAX_RESUMES;
  return cannotComeAgain ? { error: new ExecutionAbandoned(execution).toJSON() } : 'resume';
}

function isAbandoned(
  execution: Execution,
  now: number,
  { graceMs, isUnderWay, atStart, only }: ReapOptions,
): boolean {
  const { id, lease, caller, updatedAt } = execution;
  if (isFinished(execution) || isUnderWay?.(id) || (only !== undefined && caller !== only)) return false;
  if (isAlive(execution, now)) return atStart === true && lease!.holder === null && caller !== 'cli';
  const quietMs = now - Date.parse(lease?.expiresAt ?? updatedAt);
  // Negative when the clock went back.
  return quietMs < 0 || quietMs >= graceMs;
}
