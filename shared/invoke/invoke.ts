import type { Execution } from '../entities/execution.ts';
import { isFinished } from '../entities/execution.ts';
import { asModelfnError, InternalError, isModelfnError, toErrorBody } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { assertJsonLimits } from '../json-limits.ts';
import { patientPlatform } from '../patience/patient-platform.ts';
import { maskError, maskedErrorBody, type Redact, redactorOf } from '../redact.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { HELD_RUN_ERRORS } from '../transient-errors.ts';
import { withConsole } from './captured-console.ts';
import { withinRun } from './current-run.ts';
import { DeadlineExceeded, RecordedFailure } from './errors.ts';
import {
  claimExecution,
  ended,
  finishExecution,
  newExecution,
  repeatExecution,
  yieldExecution,
} from './executions.ts';
import { FencedStore } from './fenced-store.ts';
import type { FunctionSpec, InputSpecs, Inputs, RunLimits } from './function-spec.ts';
import type { Invocation, Outcome } from './invocation.ts';
import { Lease } from './lease.ts';
import { readInputs } from './read-inputs.ts';
import type { Container, Run } from './run.ts';
import { RunLog, toStore } from './run-log.ts';
import { withinDeadline } from './within-deadline.ts';
import { Yielded } from './yielded.ts';

/**
 * Runs a function once for a call: claim, resolve, run, record. Never throws for a run that failed: the outcome carries
 * the error, and the execution its record. A call in place without an id of its own is recorded in one write when it
 * ended; every other one is claimed first, so that a repeated delivery finds it.
 * @throws what stops a run from being begun: DeadlineExceeded, ExecutionInProgress, ExecutionMismatch, StoreUnavailable;
 * LeaseLost when another container took it over meanwhile; and, for a call in
 * place without an id, wrong inputs, of which nothing is recorded
 */
export async function invoke<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  call: Invocation,
): Promise<Outcome> {
  assertTimeLeft(container, call);
  assertJsonLimits(call.input, `input of ${call.functionName}`);
  if (call.executionId === undefined && spec.mode === 'inPlace') return runUnclaimed(container, spec, call);
  const target = await targetOf(container, spec, call);
  const id = call.executionId ?? container.platform.ids.objectId();
  const holder = container.platform.ids.uuid();
  const execution = await claimExecution(container.platform, id, target.call, holder);
  if (isFinished(execution)) return replay(execution);
  return runClaimed(container, target, execution, holder);
}

/** What a call runs, or why there is no such thing: a run that was asked for by its id has that in its record. */
type Found = { call: Invocation } & ({ spec: FunctionSpec } | { problem: unknown });

async function targetOf<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  call: Invocation,
): Promise<Found> {
  if (!spec.target) return { spec: spec as unknown as FunctionSpec, call };
  try {
    return await spec.target(container, call);
  } catch (problem) {
    if (call.executionId === undefined) throw problem;
    return { call, problem };
  }
}

/**
 * Checks a call's inputs without running it: what a background call is told at once. Answers the call with what is known
 * of its service. @throws wrong inputs, and what the spec's `target` throws
 */
export async function checkCall<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  given: Invocation,
): Promise<Invocation> {
  const { spec: own, call } = spec.target ? await spec.target(container, given) : { spec, call: given };
  const { projectId } = await inputsOf(container, own as FunctionSpec, call);
  return { ...call, projectId };
}

async function inputsOf<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  call: Invocation,
): Promise<{ inputs: Inputs<S>; projectId: string | undefined }> {
  const { platform, entities } = container;
  return readInputs(spec.name, spec.inputs, call.input, {
    store: platform.store,
    cache: entities,
    actor: call.actor,
    projectId: call.projectId,
  });
}

async function runUnclaimed<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  call: Invocation,
): Promise<Outcome> {
  const { platform } = container;
  const started = platform.clock.now();
  const begun = performance.now();
  const limit = { deadline: call.deadline, now: started };
  const { inputs, projectId } = await withinDeadline(spec.name, limit, () => inputsOf(container, spec, call));
  const fresh = newExecution(platform, platform.ids.objectId(), { ...call, projectId });
  const signal = signalOf(call, started);
  const runLog = new RunLog(platform);
  const run = runOf(container, call, { executionId: fresh.id, projectId, signal, log: runLog.log });
  const once = () =>
    attempt({ functionName: spec.name, signal, runLog, limit }, () => runSpec(spec, inputs, run));
  let attempts = 1;
  let result = await once();
  for (; attempts < fresh.maxAttempts && isRetriedInPlace(call, signal, result); attempts += 1) {
    run.log.warn('repeating the run', { reason: reasonOf(result, runLog.redact) });
    result = await once();
  }
  if ('yielded' in result) throw new InternalError(new Error(`${spec.name} is in place and cannot yield`));
  const durationMs = performance.now() - begun;
  const record =
    'output' in result
      ? { durationMs, output: result.output }
      : { durationMs, error: maskedErrorBody(result.error, redactorOf(platform.config)) };
  const execution = ended(platform, { ...fresh, attempts }, record);
  await writeEnded(platform.store, execution, runLog);
  return { execution, replayed: false, ...result };
}

/** One write, of the execution with what it logged. */
async function writeEnded(store: EntityStore, execution: Execution, runLog: RunLog): Promise<void> {
  const { lines, skipped } = runLog.take();
  if (lines.length === 0) return store.insert('Execution', [execution]);
  await store.transaction(async (open) => {
    await open.insert('Execution', [execution]);
    await open.appendLogs(execution.id, lines, skipped);
  });
}

async function runClaimed(
  container: Container,
  target: Found,
  claimed: Execution,
  holder: string,
): Promise<Outcome> {
  const { platform } = container;
  const begun = performance.now();
  const { call } = target;
  const lease = new Lease(platform, claimed.id, holder, signalOf(call, platform.clock.now()));
  const runLog = new RunLog(
    platform,
    toStore(new FencedStore(platform.store, claimed.id, holder), claimed.id),
  );
  const held: Held = { container, target, claimed, holder, lease, runLog };
  let result = await attemptHeld(held);
  for (let { attempts } = claimed; isTriedAgain(held, attempts, result); attempts += 1) {
    const reason = `Rerun due to: ${reasonOf(result, runLog.redact)}`;
    runLog.log.warn('repeating the run', { reason });
    await repeatExecution(platform, claimed.id, holder, reason);
    result = await attemptHeld(held);
  }
  await lease.end();
  await runLog.end();
  const durationMs = performance.now() - begun;
  if ('yielded' in result) {
    const { percentComplete, message } = result.yielded;
    const slice = { durationMs, percentComplete, message };
    const execution = await yieldExecution(platform, claimed.id, holder, slice);
    return { execution, replayed: false, yielded: true, output: yieldedOutput(execution) };
  }
  const record =
    'output' in result
      ? { durationMs, output: result.output }
      : { durationMs, error: maskedErrorBody(result.error, redactorOf(platform.config)) };
  const execution = await finishExecution(platform, claimed.id, holder, record);
  return { execution, replayed: false, ...result };
}

/** A run under its lease. */
interface Held {
  container: Container;
  target: Found;
  claimed: Execution;
  holder: string;
  lease: Lease;
  runLog: RunLog;
}

type Result = { output: JsonObject } | { yielded: Yielded } | { error: unknown };

/** One attempt, bounded by what its service allows. */
async function attemptHeld({ container, target, claimed, holder, lease, runLog }: Held): Promise<Result> {
  const { platform } = container;
  const { call } = target;
  if ('problem' in target) return { error: target.problem };
  const { spec } = target;
  const store = new FencedStore(platform.store, claimed.id, holder);
  const time = limited(lease.signal, spec.limits);
  const limit = { deadline: call.deadline, now: platform.clock.now() };
  try {
    return await attempt({ functionName: spec.name, signal: time.signal, runLog, limit }, async () => {
      const { inputs, projectId } = await inputsOf(container, spec, call);
      if (projectId !== undefined && claimed.projectId !== projectId)
        await adopt(store, claimed.id, projectId);
      const run = runOf(container, call, {
        executionId: claimed.id,
        projectId,
        signal: time.signal,
        log: runLog.log,
      });
      return runSpec(spec, inputs, {
        ...run,
        platform: { ...run.platform, store, log: runLog.log },
        progress: (percentComplete, message) =>
          lease.progress(percentComplete, message === undefined ? undefined : runLog.redact(message)),
      });
    });
  } finally {
    time.end();
  }
}

/**
 * A run is repeated by its holder after a transient fault, unless something else delivers the call again. A function of a
 * service is also repeated after a fault of its own. A stopped run is not repeated.
 */
function isTriedAgain({ target, claimed, lease }: Held, attempts: number, result: Result): boolean {
  if (attempts >= claimed.maxAttempts) return false;
  if (isRetriedInPlace(target.call, lease.signal, result)) return true;
  if (!('spec' in target) || !target.spec.limits || !('error' in result) || lease.signal.aborted)
    return false;
  const { error } = result;
  return toErrorBody(error).statusCode >= 500 && !(isModelfnError(error) && error.retryable);
}

/** True after a transient fault of a call that no queue, bus or state machine delivers again. */
function isRetriedInPlace(call: Invocation, signal: AbortSignal, result: Result): boolean {
  if (!('error' in result) || signal.aborted) return false;
  if (call.caller === 'event' || call.pipeline?.nodeId != null) return false;
  const { error } = result;
  return isModelfnError(error) && error.retryable && !HELD_RUN_ERRORS.includes(error.code);
}

function reasonOf(result: Result, redact: Redact): string {
  return 'error' in result ? redact(toErrorBody(result.error).message) : '';
}

function limited(signal: AbortSignal, limits: RunLimits | undefined): { signal: AbortSignal; end(): void } {
  if (!limits) return { signal, end: () => undefined };
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(limits.timedOut()), limits.timeoutMs);
  return { signal: AbortSignal.any([signal, own.signal]), end: () => clearTimeout(timer) };
}

/** The project shows once the inputs are resolved; the record is found by it. */
async function adopt(store: EntityStore, id: string, projectId: string): Promise<void> {
  await store.update('Execution', id, (current) => ({ ...current, projectId }));
}

/** A container that is about to be stopped begins nothing: the call is delivered again to one that has time. @throws DeadlineExceeded */
function assertTimeLeft({ platform }: Container, { deadline, functionName }: Invocation): void {
  if (deadline !== undefined && deadline <= platform.clock.now()) throw new DeadlineExceeded(functionName);
}

function runSpec<S extends InputSpecs>(
  spec: FunctionSpec<S>,
  inputs: Inputs<S>,
  run: Run,
): Promise<JsonObject | Yielded> {
  return withinRun(run, () => spec.run(inputs, run));
}

function runOf(
  container: Container,
  call: Invocation,
  own: Pick<Run, 'executionId' | 'projectId' | 'signal' | 'log'>,
): Run {
  const { actor, deadline } = call;
  const { clock } = container.platform;
  const { platform, contents } = patientPlatform(container.platform, {
    signal: own.signal,
    timeLeft: deadline === undefined ? undefined : () => deadline - clock.now(),
    log: own.log,
  });
  const assertAllRead = () => contents.assertAllRead();
  return { container, platform, actor, deadline, assertAllRead, progress: () => undefined, ...own };
}

/** Never aborts for a call without a deadline. */
const ENDLESS = new AbortController().signal;

function signalOf({ deadline }: Invocation, now: number): AbortSignal {
  return deadline === undefined ? ENDLESS : AbortSignal.timeout(Math.max(0, deadline - now));
}

interface Attempt {
  functionName: string;
  signal: AbortSignal;
  runLog: RunLog;
  limit: { deadline: number | undefined; now: number };
}

async function attempt(
  { functionName, signal, runLog, limit }: Attempt,
  work: () => Promise<JsonObject | Yielded>,
): Promise<Result> {
  try {
    const answer = await withinDeadline(functionName, limit, () => withConsole(runLog, work));
    if (answer instanceof Yielded) return { yielded: answer };
    assertJsonLimits(answer, `output of ${functionName}`);
    return { output: runLog.maskOutput(answer) };
  } catch (error) {
    return { error: maskError(causeOf(error, signal, functionName), runLog.redact) };
  }
}

/** What ended a run: an aborted one throws whatever its adapter makes of the signal; the signal knows why. */
function causeOf(error: unknown, signal: AbortSignal, functionName: string): unknown {
  if (signal.aborted) {
    const reason: unknown = signal.reason;
    return isModelfnError(reason) ? reason : new DeadlineExceeded(functionName);
  }
  return asModelfnError(error);
}

/** `status` is what the state machine's loop looks at. */
function yieldedOutput({ id, functionName, slices, latestStatus }: Execution): JsonObject {
  const percentComplete = latestStatus.percentComplete ?? 0;
  return { status: 'yielded', executionId: id, function: functionName, slices: slices ?? 0, percentComplete };
}

function replay(execution: Execution): Outcome {
  if (execution.error) return { execution, replayed: true, error: new RecordedFailure(execution.error) };
  return { execution, replayed: true, output: (execution.output ?? {}) as JsonObject };
}
