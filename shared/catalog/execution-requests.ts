import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { type Execution, isFinished, isHeld } from '../entities/execution.ts';
import { idSchema, jsonObjectSchema, wordSchema } from '../entities/fields.ts';
import { InvalidInput } from '../errors.ts';
import { ExecutionInProgress, ExecutionMismatch } from '../invoke/errors.ts';
import { assertSameCall, newExecution, requeued } from '../invoke/executions.ts';
import type { Invocation } from '../invoke/invocation.ts';
import { assertInputs } from '../invoke/read-inputs.ts';
import type { JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { inputSpecsOf } from '../services/input-specs.ts';
import { assertActive, type ServiceFunction } from '../services/service-function.ts';
import { projectFor } from './access.ts';
import { calledFunction, factsOf } from './called-function.ts';
import { executionEvent } from './execution-events.ts';
import { executionFor, serviceFor } from './model-access.ts';
import { ExecutionFinished, ExecutionWithoutProject } from './model-errors.ts';

const requestSchema = z.object({
  functionName: wordSchema,
  input: z._default(jsonObjectSchema, {}),
  projectId: idSchema,
  serviceId: z.nullish(z.string().check(z.maxLength(128))),
});

/**
 * Has a function run under an id: the execution and the event that runs it land in one transaction, so that it runs even
 * when this process ends now. The same request again changes nothing and is answered with the execution as it is by then.
 * @throws InvalidInput, UnknownFunction, ServiceStopped, EntityNotFound for the project or an id that is another project's;
 * ExecutionMismatch for an id of another call
 */
export async function requestExecution(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Execution> {
  const executionId = parse(idSchema, id, 'id of an execution');
  const { functionName, input: inputs, projectId, serviceId } = parse(requestSchema, input, 'execution');
  return platform.store.transaction(async (store) => {
    await projectFor(store, actor, projectId);
    const called = await calledFunction(store, actor, { functionName, serviceId }, 'functionName');
    if (called) assertCallable(called, projectId, inputs);
    const call: Invocation = {
      functionName,
      executionId,
      input: inputs,
      projectId,
      serviceId: serviceId ?? undefined,
      service: called && factsOf(called),
      caller: 'http',
      actor,
    };
    if (await store.get('Execution', executionId)) {
      const known = await executionFor(store, actor, executionId);
      assertSameCall(known, call);
      if (known.projectId !== null && known.projectId !== projectId)
        throw new ExecutionMismatch(executionId, 'a call in another project', 'this one');
      return known;
    }
    const execution = { ...newExecution(platform, executionId, call), projectId };
    await store.insert('Execution', [execution]);
    await store.appendEvents([executionEvent(platform, actor, execution)]);
    return execution;
  });
}

/**
 * Has a run that ended, or whose containers were lost, run again under its id with the same inputs; what it answered is
 * gone from its record then. @throws EntityNotFound, ExecutionWithoutProject, ServiceStopped; ExecutionInProgress while it runs
 */
export async function rerunExecution(platform: Platform, actor: Actor, id: string): Promise<Execution> {
  return platform.store.transaction(async (store) => {
    const { projectId, packageId, serviceId } = await executionFor(store, actor, id);
    if (projectId === null) throw new ExecutionWithoutProject(id);
    const service = packageId === undefined ? undefined : await serviceFor(store, actor, serviceId!);
    if (service) assertActive(service);
    const now = await store.now();
    const execution = await store.update('Execution', id, (current) => {
      if (isHeld(current, now)) throw new ExecutionInProgress(id, current.lease!.expiresAt);
      return requeued(platform, current, service?.maxAttempts);
    });
    await store.appendEvents([executionEvent(platform, actor, { ...execution, projectId })]);
    return execution;
  });
}

/** Counts an attempt of a runner that is not ours; answers how many there were. @throws EntityNotFound, ExecutionFinished, ExecutionInProgress */
export async function addAttempt(platform: Platform, actor: Actor, id: string): Promise<number> {
  return platform.store.transaction(async (store) => {
    await executionFor(store, actor, id);
    const now = await store.now();
    const { attempts } = await store.update('Execution', id, (current) => {
      if (isFinished(current)) throw new ExecutionFinished(id, current.latestStatus.status);
      if (isHeld(current, now)) throw new ExecutionInProgress(id, current.lease!.expiresAt);
      return { ...current, attempts: current.attempts + 1 };
    });
    return attempts;
  });
}

/** What a run would fail with at once is told to who asks for it. @throws ServiceStopped, InvalidInput */
export function assertCallable(called: ServiceFunction, projectId: string, inputs: JsonObject): void {
  assertActive(called.service);
  if (called.service.projectId !== projectId)
    throw new InvalidInput('execution', [
      {
        field: 'projectId',
        problem: `service ${called.service.name} is of project ${called.service.projectId}`,
      },
    ]);
  assertInputs(`input of ${called.declared.name}`, inputSpecsOf(called.declared.input), inputs);
}
