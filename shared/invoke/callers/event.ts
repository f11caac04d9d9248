import type { SQSBatchResponse } from 'aws-lambda';
import { LOCAL_ACTOR } from '../../auth/actor.ts';
import { type DatasetEvent, datasetEventSchema } from '../../entities/dataset-event.ts';
import type { EventTrigger } from '../../entities/trigger.ts';
import { messageOf, toErrorBody } from '../../errors.ts';
import { derivedId } from '../../ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { parse } from '../../parse.ts';
import { isServiceActive } from '../../services/active-service.ts';
import { deployedFunctionOf } from '../deployed-function.ts';
import { RunYielded } from '../errors.ts';
import type { FunctionSpec, InputSpecs } from '../function-spec.ts';
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

/** Runs the function once for every trigger that subscribes it to the event; answers the executions' ids. */
async function handle<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  event: DatasetEvent,
  deadline: number | undefined,
): Promise<string[]> {
  if (event.resource === 'Execution') return runRequested(container, spec, event, deadline);
  const executions: string[] = [];
  const failures: unknown[] = [];
  for (const trigger of await subscriptions(container, spec, event)) {
    const { functionName, serviceId } = trigger.spec.operation;
    const outcome = await invoke(container, spec, {
      functionName,
      ...(spec.target && { serviceReference: serviceId }),
      executionId: executionIdOf(trigger, event),
      input: { ...trigger.spec.input, ...resourceInput(event) },
      projectId: event.projectId,
      caller: 'event',
      actor: LOCAL_ACTOR,
      triggerId: trigger.id,
      deadline,
    });
    executions.push(outcome.execution.id);
    if (outcome.error !== undefined && !(await isGone(container, event))) failures.push(outcome.error);
    else if (outcome.yielded) failures.push(new RunYielded(outcome.execution.id, spec.name));
  }
  if (failures.length > 0) throw failures[0];
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
  const outcome = await invoke(container, spec, {
    functionName: execution.functionName,
    ...(spec.target && { serviceReference: execution.serviceId }),
    executionId: execution.id,
    input: execution.input,
    projectId: event.projectId,
    caller: 'event',
    actor: LOCAL_ACTOR,
    deadline,
  });
  if (outcome.yielded) throw new RunYielded(execution.id, spec.name);
  if (outcome.error !== undefined && toErrorBody(outcome.error).statusCode >= 500) throw outcome.error;
  return [execution.id];
}

/**
 * Active triggers of the project for this function, or for services that are not stopped, whose filter the resource
 * satisfies; none for one that is gone.
 */
async function subscriptions<S extends InputSpecs>(
  container: Container,
  { name, target }: FunctionSpec<S>,
  event: DatasetEvent,
): Promise<EventTrigger[]> {
  const { platform } = container;
  const mine: JsonObject = target
    ? { 'spec.operation.packageId': { $exists: true } }
    : { 'spec.operation.functionName': name };
  const { items } = await platform.store.query('Trigger', {
    filter: { $and: [{ active: true }, { type: 'Event' }, { 'spec.resource': event.resource }, mine] },
    scope: { projectIds: [event.projectId] },
  });
  const matching: EventTrigger[] = [];
  for (const trigger of items) {
    if (trigger.type !== 'Event' || !trigger.spec.actions.includes(event.action)) continue;
    if (deployedFunctionOf(trigger.spec.operation) !== name) continue;
    if (target && !(await isServiceActive(platform.store, trigger.spec.operation))) continue;
    if (event.action === 'Deleted' || (await satisfies(platform.store, trigger, event)))
      matching.push(trigger);
  }
  return matching;
}

async function satisfies(
  store: Container['platform']['store'],
  trigger: EventTrigger,
  event: DatasetEvent,
): Promise<boolean> {
  try {
    const found = await store.count(event.resource, {
      filter: { $and: [{ id: { $eq: event.resourceId } }, trigger.spec.filter] },
    });
    return found > 0;
  } catch (error) {
    throw new Error(`The filter of trigger ${trigger.id} cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Once: one run for a resource, whatever happens to it later. Always: one for each event; a second delivery is the same event. */
function executionIdOf(trigger: EventTrigger, event: DatasetEvent): string {
  return trigger.spec.executionMode === 'Once'
    ? derivedId('once', trigger.id, event.resourceId)
    : derivedId('always', trigger.id, event.id);
}

/** A fired trigger's input has the lower-case resource name as key (contract section 9.5). */
function resourceInput(event: DatasetEvent): Record<string, Json> {
  const resource = event.resource.toLowerCase();
  return {
    [resource]: {
      [`${resource}_id`]: event.resourceId,
      ...(event.datasetId !== null && { dataset_id: event.datasetId }),
    },
  };
}
