import type { SQSBatchResponse } from 'aws-lambda';
import { LOCAL_ACTOR } from '../../auth/actor.ts';
import { listMatches } from '../../catalog/all-matches.ts';
import { firedExecutionId, resourceOf, wantsEvent } from '../../catalog/fired-trigger.ts';
import { eachAlone } from '../../each-alone.ts';
import { type DatasetEvent, datasetEventSchema } from '../../entities/dataset-event.ts';
import type { EventTrigger } from '../../entities/trigger.ts';
import { toErrorBody } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { parse } from '../../parse.ts';
import { isServiceActive } from '../../services/active-service.ts';
import { deployedFunctionOf } from '../deployed-function.ts';
import { RunYielded } from '../errors.ts';
import type { FunctionSpec, InputSpecs } from '../function-spec.ts';
import { handOver } from '../hand-over.ts';
import { invoke } from '../invoke.ts';
import type { Container } from '../run.ts';

/**
 * An SQS batch of dataset events. Each record ends by itself: those that failed are named in the reply, and SQS delivers
 * them again or moves them to the dead-letter queue; the others are done.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export async function callFromQueue<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  batch: JsonObject,
  deadline: number | undefined,
): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of batch.Records as JsonObject[]) {
    try {
      await handle(container, spec, readEvent(JSON.parse(String(record.body))), deadline);
    } catch (error) {
      const itemIdentifier = String(record.messageId);
      batchItemFailures.push({ itemIdentifier });
      const { code, message } = toErrorBody(error);
      container.platform.log.error('record failed', {
        function: spec.name,
        record: itemIdentifier,
        code,
        reason: message,
      });
    }
  }
  return { batchItemFailures };
}

/** One EventBridge event of a dataset. @throws what the run failed with, so that EventBridge tries again */
export async function callFromEventBridge<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  event: JsonObject,
  deadline: number | undefined,
): Promise<{ executions: string[] }> {
  return { executions: await handle(container, spec, readEvent(event), deadline) };
}

/** The dataset event of an EventBridge envelope, or bare. */
function readEvent(value: unknown): DatasetEvent {
  const detail = isJsonObject(value) && 'detail' in value ? value.detail : value;
  return parse(datasetEventSchema, detail, 'dataset event');
}

/** Runs the function once for every trigger that subscribes it to the event, or has it run; answers the executions' ids. */
async function handle<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  event: DatasetEvent,
  deadline: number | undefined,
): Promise<string[]> {
  if (event.resource === 'Execution') return runRequested(container, spec, event, deadline);
  const executions: string[] = [];
  const triggers = await subscriptions(container, spec, event);
  const failures = await eachAlone(triggers, async (trigger) => {
    const { operation } = trigger.spec;
    if (operation.type !== 'function' || !(await wantsEvent(container.platform.store, trigger, event)))
      return;
    const { functionName, serviceId } = operation;
    const { name: resource, reference } = resourceOf(event);
    const call = {
      functionName,
      ...(spec.target && { serviceReference: serviceId }),
      executionId: firedExecutionId(trigger, event),
      input: { ...trigger.spec.input, [resource]: reference },
      projectId: event.projectId,
      caller: 'event' as const,
      actor: LOCAL_ACTOR,
      triggerId: trigger.id,
      deadline,
    };
    executions.push(call.executionId);
    if (await handOver(container, call)) return;
    const outcome = await invoke(container, spec, call);
    if (outcome.error !== undefined && !(await isGone(container, event))) throw outcome.error;
    if (outcome.yielded) throw new RunYielded(outcome.execution.id, spec.name);
  });
  // The other triggers have had their runs, and a second delivery of the event finds them.
  if (failures.length > 0) throw failures[0]!.error;
  return executions;
}

/**
 * True when the resource was deleted since: its run has failed for want of it, which its execution records, and another
 * delivery would find no more.
 */
async function isGone(
  { platform }: Container,
  { action, resource, resourceId }: DatasetEvent,
): Promise<boolean> {
  return action !== 'Deleted' && (await platform.store.get(resource, resourceId)) === undefined;
}

/**
 * Runs an execution that was asked for by its id. What it failed with is in its record; only what may pass is thrown, so
 * that the event comes again.
 */
async function runRequested<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  event: DatasetEvent,
  deadline: number | undefined,
): Promise<string[]> {
  const execution = await container.platform.store.get('Execution', event.resourceId);
  if (!execution || deployedFunctionOf(execution) !== spec.name) return [];
  const call = {
    functionName: execution.functionName,
    ...(spec.target && { serviceReference: execution.serviceId }),
    executionId: execution.id,
    input: execution.input,
    projectId: event.projectId,
    caller: 'event' as const,
    actor: LOCAL_ACTOR,
    triggerId: execution.triggerId ?? undefined,
    deadline,
  };
  if (await handOver(container, call)) return [execution.id];
  const outcome = await invoke(container, spec, call);
  if (outcome.yielded) throw new RunYielded(execution.id, spec.name);
  if (outcome.error !== undefined && toErrorBody(outcome.error).statusCode >= 500) throw outcome.error;
  return [execution.id];
}

/** Active triggers of the project for this function, or for services that are not stopped. Filters are not applied. */
async function subscriptions<S extends InputSpecs>(
  container: Container,
  { name, target }: FunctionSpec<S>,
  event: DatasetEvent,
): Promise<EventTrigger[]> {
  const { platform } = container;
  const mine: JsonObject = target
    ? { 'spec.operation.packageId': { $exists: true } }
    : { 'spec.operation.functionName': name };
  const items = await listMatches(platform.store, 'Trigger', {
    filter: { $and: [{ active: true }, { type: 'Event' }, { 'spec.resource': event.resource }, mine] },
    scope: { projectIds: [event.projectId] },
    skipsUnreadable: true,
  });
  const matching: EventTrigger[] = [];
  for (const trigger of items) {
    if (trigger.type !== 'Event' || !trigger.spec.actions.includes(event.action)) continue;
    const { operation } = trigger.spec;
    if (operation.type !== 'function' || deployedFunctionOf(operation) !== name) continue;
    if (target && !(await isServiceActive(platform.store, operation))) continue;
    matching.push(trigger);
  }
  return matching;
}
