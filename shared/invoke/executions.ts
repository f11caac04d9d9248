import { isoTime } from '../clock.ts';
import { type Execution, isFinished, type StatusEntry } from '../entities/execution.ts';
import { type ErrorBody, hasCode } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { Platform } from '../platform.ts';
import { ExecutionInProgress, ExecutionMismatch, LeaseLost } from './errors.ts';
import type { Invocation } from './invocation.ts';

/** How long a holder may be silent before another container may take its run over. */
export const LEASE_MS = 30_000;
const MAX_ATTEMPTS = 3;

type Shop = Pick<Platform, 'store' | 'clock'>;

/** The row of a call nobody has begun. */
export function newExecution({ clock }: Pick<Platform, 'clock'>, id: string, call: Invocation): Execution {
  const now = isoTime(clock);
  const created: StatusEntry = { timestamp: now, status: 'created', percentComplete: 0 };
  return {
    id,
    functionName: call.functionName,
    projectId: call.projectId ?? null,
    serviceId: call.serviceId ?? null,
    input: call.input,
    output: null,
    error: null,
    status: [created],
    latestStatus: created,
    duration: 0,
    attempts: 0,
    maxAttempts: MAX_ATTEMPTS,
    toTerminate: false,
    triggerId: call.triggerId ?? null,
    ...(call.pipeline && { pipeline: call.pipeline }),
    caller: call.caller,
    lease: null,
    creator: call.actor.email,
    createdAt: now,
    updatedAt: now,
  };
}

/**
 * Takes a run for one holder, in one write that only one of many claimers wins. A run that ended is answered as it is,
 * unless it failed by a fault that may pass and has attempts left; an abandoned one is taken over.
 * @throws ExecutionInProgress while another holder's lease lasts; ExecutionMismatch for an id of another call
 */
export async function claimExecution(
  shop: Shop,
  id: string,
  call: Invocation,
  holder: string,
): Promise<Execution> {
  const fresh = newExecution(shop, id, call);
  try {
    const claimed = begun(shop, fresh, holder);
    await shop.store.insert('Execution', [claimed]);
    return claimed;
  } catch (error) {
    if (!hasCode(error, 'Conflict')) throw error;
  }
  return shop.store.update('Execution', id, (current) => {
    assertSameCall(current, call);
    if (isFinished(current) && !mayRunAgain(current)) return current;
    const { lease } = current;
    if (lease && lease.holder !== holder && Date.parse(lease.expiresAt) > shop.clock.now())
      throw new ExecutionInProgress(id, lease.expiresAt);
    return begun(shop, current, holder);
  });
}

/** Extends the lease and notes how far the run is; answers whether someone asked for it to stop. @throws LeaseLost */
export async function renewExecution(
  shop: Shop,
  id: string,
  holder: string,
  progress: { percentComplete: number; message?: string | undefined } | undefined,
): Promise<{ toTerminate: boolean }> {
  const { toTerminate } = await shop.store.update('Execution', id, (current) => {
    assertHeld(current, holder);
    const renewed = { ...current, lease: leaseOf(shop, holder) };
    return progress
      ? withStatus(shop, renewed, { status: 'inProgress', ...compactProgress(progress) })
      : renewed;
  });
  return { toTerminate };
}

/** Ends a run. @throws LeaseLost when another holder has it by now */
export async function finishExecution(
  shop: Shop,
  id: string,
  holder: string,
  result: { durationMs: number } & ({ output: Json } | { error: ErrorBody }),
): Promise<Execution> {
  return shop.store.update('Execution', id, (current) => {
    assertHeld(current, holder);
    return ended(shop, current, result);
  });
}

/** A run as it is once it ended; pure. */
export function ended(
  shop: Pick<Platform, 'clock'>,
  execution: Execution,
  result: { durationMs: number } & ({ output: Json } | { error: ErrorBody }),
): Execution {
  const base = { ...execution, duration: Math.round(result.durationMs), lease: null };
  if ('output' in result)
    return withStatus(
      shop,
      { ...base, output: result.output, error: null },
      { status: 'success', percentComplete: 100 },
    );
  return withStatus(
    shop,
    { ...base, error: result.error },
    { status: 'failed', message: result.error.message },
  );
}

function begun(shop: Pick<Platform, 'clock'>, execution: Execution, holder: string): Execution {
  const next = {
    ...execution,
    attempts: execution.attempts + 1,
    output: null,
    error: null,
    lease: leaseOf(shop, holder),
  };
  return withStatus(shop, next, { status: 'inProgress', percentComplete: 0 });
}

/** A run's log keeps one entry a status: progress replaces progress, so that the row stays small. */
function withStatus(
  shop: Pick<Platform, 'clock'>,
  execution: Execution,
  entry: Omit<StatusEntry, 'timestamp'>,
): Execution {
  const latestStatus: StatusEntry = { timestamp: isoTime(shop.clock), ...entry };
  const last = execution.status.at(-1);
  const before = last?.status === entry.status ? execution.status.slice(0, -1) : execution.status;
  return { ...execution, status: [...before, latestStatus], latestStatus, updatedAt: latestStatus.timestamp };
}

function compactProgress({
  percentComplete,
  message,
}: {
  percentComplete: number;
  message?: string | undefined;
}) {
  return { percentComplete, ...(message !== undefined && { message }) };
}

function leaseOf({ clock }: Pick<Platform, 'clock'>, holder: string): NonNullable<Execution['lease']> {
  return { holder, expiresAt: new Date(clock.now() + LEASE_MS).toISOString() };
}

/** A fault of the system (5xx) may pass; a wrong call stays wrong, and what someone stopped stays stopped. */
function mayRunAgain({ error, attempts, maxAttempts }: Execution): boolean {
  return error !== null && error.statusCode >= 500 && attempts < maxAttempts;
}

function assertHeld(execution: Execution, holder: string): void {
  if (execution.lease?.holder !== holder) throw new LeaseLost(execution.id);
}

function assertSameCall(execution: Execution, call: Invocation): void {
  if (execution.functionName !== call.functionName)
    throw new ExecutionMismatch(execution.id, `a call of ${execution.functionName}`, call.functionName);
  if (canonicalJson(execution.input) !== canonicalJson(call.input))
    throw new ExecutionMismatch(execution.id, 'a call with other inputs', 'this one');
}
