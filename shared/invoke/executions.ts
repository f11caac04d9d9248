import { isoTime } from '../clock.ts';
import { type Execution, isFinished, isHeld, type StatusEntry } from '../entities/execution.ts';
import { type ErrorBody, hasCode } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { Platform } from '../platform.ts';
import { TRANSIENT_ERRORS } from '../transient-errors.ts';
import { AttemptsExhausted, ExecutionInProgress, ExecutionMismatch, LeaseLost } from './errors.ts';
import type { Invocation } from './invocation.ts';

/** How long a run that yielded waits for its next slice before what it holds is free for others. */
export const SLICE_WAIT_MS = 15 * 60_000;
/** Attempts of a run, first one included. */
const MAX_ATTEMPTS = 3;

type Shop = Pick<Platform, 'store' | 'clock' | 'config'>;
type Claimer = Pick<Platform, 'clock' | 'config'>;

/** The row of a call nobody has begun. */
export function newExecution({ clock }: Pick<Platform, 'clock'>, id: string, call: Invocation): Execution {
  const now = isoTime(clock);
  const created: StatusEntry = { timestamp: now, status: 'created', percentComplete: 0 };
  return {
    id,
    functionName: call.functionName,
    projectId: call.projectId ?? null,
    serviceId: call.serviceId ?? null,
    ...(call.service && {
      packageId: call.service.packageId,
      packageName: call.service.packageName,
      serviceVersion: call.service.version,
    }),
    input: call.input,
    output: null,
    error: null,
    status: [created],
    latestStatus: created,
    duration: 0,
    attempts: 0,
    maxAttempts: call.service?.maxAttempts ?? MAX_ATTEMPTS,
    toTerminate: false,
    triggerId: call.triggerId ?? null,
    ...(call.pipeline && { pipeline: call.pipeline }),
    caller: call.caller,
    fence: 0,
    lease: null,
    slices: 0,
    creator: call.actor.email,
    createdAt: now,
    updatedAt: now,
  };
}

/**
 * Takes a run for one holder, in one write that only one of many claimers wins. A run that ended is answered as it is,
 * unless it failed by a fault that may pass and has attempts left; an abandoned one is taken over, until it took every
 * container down that tried: then it ends. One that yielded goes on.
 * @throws ExecutionInProgress while another holder's lease lasts; ExecutionMismatch for an id of another call
 */
export async function claimExecution(
  shop: Shop,
  id: string,
  call: Invocation,
  holder: string,
): Promise<Execution> {
  const fresh = newExecution(shop, id, call);
  const now = await shop.store.now();
  try {
    const claimed = begun(shop, fresh, holder, now);
    await shop.store.insert('Execution', [claimed]);
    return claimed;
  } catch (error) {
    if (!hasCode(error, 'Conflict')) throw error;
  }
  return shop.store.update('Execution', id, (current) => {
    assertSameCall(current, call);
    if (isFinished(current) && !mayRunAgain(current)) return current;
    if (isHeld(current, now) && current.lease!.holder !== holder)
      throw new ExecutionInProgress(id, current.lease!.expiresAt);
    if (!isFinished(current) && current.attempts >= current.maxAttempts)
      return ended(shop, current, { durationMs: 0, error: new AttemptsExhausted(current).toJSON() });
    return begun(shop, current, holder, now);
  });
}

/** Extends the lease and notes how far the run is; answers whether someone asked for it to stop. @throws LeaseLost */
export async function renewExecution(
  shop: Shop,
  id: string,
  holder: string,
  progress: { percentComplete: number; message?: string | undefined } | undefined,
): Promise<{ toTerminate: boolean }> {
  const now = await shop.store.now();
  const { toTerminate } = await shop.store.update('Execution', id, (current) => {
    assertHeld(current, holder);
    const renewed = { ...current, lease: leaseOf(shop, holder, now) };
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

/**
 * Begins a further attempt of a run that its holder keeps: a poller sees it go on, and not fail in between.
 * @throws LeaseLost when another holder has it by now
 */
export async function repeatExecution(
  shop: Shop,
  id: string,
  holder: string,
  reason: string,
): Promise<Execution> {
  const now = await shop.store.now();
  return shop.store.update('Execution', id, (current) => {
    assertHeld(current, holder);
    const told = withStatus(shop, current, { status: 'rerun', message: reason });
    return begun(shop, told, holder, now);
  });
}

/** Ends a slice of a run: the next claim goes on with it. @throws LeaseLost when another holder has it by now */
export async function yieldExecution(
  shop: Shop,
  id: string,
  holder: string,
  slice: { durationMs: number; percentComplete: number; message?: string | undefined },
): Promise<Execution> {
  const now = await shop.store.now();
  return shop.store.update('Execution', id, (current) => {
    assertHeld(current, holder);
    const { durationMs, ...progress } = slice;
    const timestamp = isoTime(shop.clock);
    const log = current.status.filter(({ status }) => status !== 'yielded');
    return {
      ...current,
      // A slice that came to its end is headway: what goes wrong in the next one has all attempts again.
      attempts: 0,
      slices: (current.slices ?? 0) + 1,
      duration: Math.round(current.duration + durationMs),
      lease: waitingLease(now),
      status: [...log, { timestamp, status: 'yielded', ...compactProgress(progress) }],
      latestStatus: { timestamp, status: 'inProgress', ...compactProgress(progress) },
      updatedAt: timestamp,
    };
  });
}

/** A run as it is when it was asked to run once more: nothing of what it answered is left, and all attempts are. Pure. */
export function requeued(
  shop: Pick<Platform, 'clock'>,
  execution: Execution,
  maxAttempts = MAX_ATTEMPTS,
): Execution {
  const timestamp = isoTime(shop.clock);
  return {
    ...execution,
    output: null,
    error: null,
    toTerminate: false,
    duration: 0,
    slices: 0,
    lease: null,
    checkpoint: null,
    maxAttempts: execution.attempts + maxAttempts,
    status: [...execution.status, { timestamp, status: 'rerun' }],
    latestStatus: { timestamp, status: 'created', percentComplete: 0 },
    updatedAt: timestamp,
  };
}

const RESUMED = 'The container that ran it was lost; it goes on in another one.';

/** Number of times that a run was resumed. */
export function countResumes({ status }: Pick<Execution, 'status'>): number {
  return status.filter(({ message }) => message === RESUMED).length;
}

/** A run whose container was lost, as it waits for the next one; pure. */
export function resumed(shop: Pick<Platform, 'clock'>, execution: Execution, now: number): Execution {
  const timestamp = isoTime(shop.clock);
  const message = RESUMED;
  return {
    ...execution,
    lease: waitingLease(now),
    status: [...execution.status, { timestamp, status: 'rerun', message }],
    updatedAt: timestamp,
  };
}

/** A run as it is once it ended; pure. A training that failed and may run again keeps its checkpoint: that is where it goes on. */
export function ended(
  shop: Pick<Platform, 'clock'>,
  execution: Execution,
  result: { durationMs: number } & ({ output: Json } | { error: ErrorBody }),
): Execution {
  const earlierMs = execution.slices ? execution.duration : 0;
  const base = {
    ...execution,
    duration: Math.round(earlierMs + result.durationMs),
    lease: null,
    checkpoint: null,
  };
  if ('output' in result)
    return withStatus(
      shop,
      { ...base, output: result.output, error: null },
      { status: 'success', percentComplete: 100 },
    );
  const failed = { ...base, error: result.error };
  const checkpoint = mayRunAgain(failed) ? (execution.checkpoint ?? null) : null;
  return withStatus(shop, { ...failed, checkpoint }, { status: 'failed', message: result.error.message });
}

function begun(shop: Claimer, execution: Execution, holder: string, now: number): Execution {
  const next = {
    ...execution,
    attempts: execution.attempts + 1,
    fence: (execution.fence ?? 0) + 1,
    output: null,
    error: null,
    lease: leaseOf(shop, holder, now),
  };
  const percentComplete = execution.slices ? (execution.latestStatus.percentComplete ?? 0) : 0;
  return withStatus(shop, next, { status: 'inProgress', percentComplete });
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

function leaseOf({ config }: Claimer, holder: string, now: number): NonNullable<Execution['lease']> {
  return leaseFor(holder, now, config.leaseMs);
}

/** Keeps a run for its next claim: what it holds stays its own until then. */
function waitingLease(now: number): NonNullable<Execution['lease']> {
  return leaseFor(null, now, SLICE_WAIT_MS);
}

function leaseFor(holder: string | null, now: number, lengthMs: number): NonNullable<Execution['lease']> {
  return { holder, expiresAt: new Date(now + lengthMs).toISOString(), lengthMs };
}

/** System faults (5xx) and transient errors may pass. An invalid call stays invalid, and a stopped run stays stopped. */
function mayRunAgain({ error, attempts, maxAttempts }: Execution): boolean {
  if (error === null || attempts >= maxAttempts) return false;
  return error.statusCode >= 500 || TRANSIENT_ERRORS.includes(error.code);
}

/** The guard of every write of a run. @throws LeaseLost when another holder has the run, or it has ended */
export function assertHeld(execution: Execution, holder: string): void {
  if (execution.lease?.holder !== holder) throw new LeaseLost(execution.id);
}

/** @throws ExecutionMismatch when the execution is of another function, or was called with other inputs */
export function assertSameCall(execution: Execution, call: Invocation): void {
  if (execution.functionName !== call.functionName)
    throw new ExecutionMismatch(execution.id, `a call of ${execution.functionName}`, call.functionName);
  if (execution.packageId !== undefined && call.service && execution.serviceId !== call.serviceId)
    throw new ExecutionMismatch(
      execution.id,
      `a call of service ${execution.serviceId}`,
      'of another service',
    );
  if (canonicalJson(execution.input) !== canonicalJson(call.input))
    throw new ExecutionMismatch(execution.id, 'a call with other inputs', 'this one');
}
