import * as z from 'zod/mini';
import { type Actor, scopeOf } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { assertFires } from '../cron/schedule.ts';
import { jsonObjectSchema } from '../entities/fields.ts';
import {
  newCronTriggerSchema,
  newEventTriggerSchema,
  type PipelineOperation,
  pipelineOf,
  type Trigger,
} from '../entities/trigger.ts';
import { InvalidInput } from '../errors.ts';
import { assertInputs } from '../invoke/read-inputs.ts';
import { canonicalJson, isJsonObject, type JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { inputSpecsOf } from '../services/input-specs.ts';
import type { ServiceFunction } from '../services/service-function.ts';
import type { EntityStore, Page } from '../store/entity-store.ts';
import { projectFor } from './access.ts';
import { calledFunction } from './called-function.ts';
import { givenFields } from './given-fields.ts';
import { triggerFor } from './model-access.ts';
import { pipelineFor } from './pipelines.ts';
import { queryByEnvelope } from './query-by-envelope.ts';

/** @throws InvalidInput, InvalidFilter, InvalidCron, CronNeverFires, UnknownFunction, EntityNotFound for the project */
export async function createTrigger(platform: Platform, actor: Actor, input: unknown): Promise<Trigger> {
  const given = givenFields(input);
  const fields = isCron(given)
    ? parse(newCronTriggerSchema, given, 'trigger')
    : parse(newEventTriggerSchema, given, 'trigger');
  const now = isoTime(platform.clock);
  const trigger: Trigger = {
    id: platform.ids.objectId(),
    ...fields,
    scope: 'project',
    global: false,
    creator: actor.email,
    createdAt: now,
    updatedAt: now,
  };
  return platform.store.transaction(async (store) => {
    await projectFor(store, actor, trigger.projectId);
    const usable = await asUsable({ platform, actor }, store, trigger);
    await store.insert('Trigger', [usable]);
    return usable;
  });
}

/** @throws EntityNotFound */
export function getTrigger(platform: Platform, actor: Actor, id: string): Promise<Trigger> {
  return triggerFor(platform.store, actor, id);
}

/** Answers an envelope (docs/WIRE.md, Envelope) within what the actor may see. @throws InvalidFilter, InvalidInput */
export function queryTriggers(platform: Platform, actor: Actor, envelope: unknown): Promise<Page<Trigger>> {
  return queryByEnvelope(platform, 'Trigger', envelope, scopeOf(actor));
}

const triggerPatchSchema = z.object({
  name: z.nullish(newEventTriggerSchema.shape.name),
  active: z.nullish(z.boolean()),
  spec: z.nullish(jsonObjectSchema),
});

/**
 * Takes name, `active` and the whole `spec` from a trigger; the rest is noise, its type too.
 * @throws EntityNotFound, InvalidInput, InvalidFilter, InvalidCron, CronNeverFires, UnknownFunction
 */
export async function updateTrigger(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Trigger> {
  const { name, active, spec } = parse(triggerPatchSchema, input, 'update of a trigger');
  return platform.store.transaction(async (store) => {
    const current = await triggerFor(store, actor, id);
    const next = withSpec({ ...current, name: name ?? current.name, active: active ?? current.active }, spec);
    if (canonicalJson(next) === canonicalJson(current)) return current;
    const usable = await asUsable({ platform, actor }, store, next);
    if (canonicalJson(usable) === canonicalJson(current)) return current;
    return store.update('Trigger', id, () => ({ ...usable, updatedAt: isoTime(platform.clock) }));
  });
}

/** Deletes a trigger; runs it has started go on. @throws EntityNotFound */
export async function deleteTrigger(platform: Platform, actor: Actor, id: string): Promise<void> {
  await platform.store.transaction(async (store) => {
    await triggerFor(store, actor, id);
    await store.delete('Trigger', [id]);
  });
}

function isCron(given: unknown): boolean {
  return isJsonObject(given) && given.type === 'Cron';
}

function withSpec(trigger: Trigger, spec: JsonObject | null | undefined): Trigger {
  if (spec == null) return trigger;
  const what = 'spec of a trigger';
  return trigger.type === 'Cron'
    ? { ...trigger, spec: parse(newCronTriggerSchema.shape.spec, spec, what) }
    : { ...trigger, spec: parse(newEventTriggerSchema.shape.spec, spec, what) };
}

/** The trigger with its service's package found; one that could never run is refused now, not when its first event comes. */
async function asUsable(
  { platform, actor }: { platform: Pick<Platform, 'clock'>; actor: Actor },
  store: EntityStore,
  trigger: Trigger,
): Promise<Trigger> {
  const own = await usableOperation(actor, store, trigger);
  if (trigger.type === 'Cron') {
    assertFires(trigger.spec, platform.clock.now());
    return { ...trigger, spec: { ...trigger.spec, operation: own } };
  }
  const { resource, filter } = trigger.spec;
  // Asking the store compiles the filter exactly as a delivered event will; no entity has this id.
  await store.count(resource, { filter: { $and: [{ id: { $in: ['-'] } }, filter] } });
  return { ...trigger, spec: { ...trigger.spec, operation: own } };
}

async function usableOperation(
  actor: Actor,
  store: EntityStore,
  trigger: Trigger,
): Promise<Trigger['spec']['operation']> {
  if (trigger.spec.operation.type === 'pipeline')
    return usablePipeline(actor, store, trigger, trigger.spec.operation);
  const { packageId: _asSent, ...operation } = trigger.spec.operation;
  const called = await calledFunction(store, actor, operation, 'spec.operation.functionName');
  if (called && called.service.projectId !== trigger.projectId)
    throw new InvalidInput('trigger', [
      {
        field: 'spec.operation.serviceId',
        problem: `service ${called.service.name} is of another project, ${called.service.projectId}`,
      },
    ]);
  if (called) assertTakes(called, trigger);
  return { ...operation, ...(called && { packageId: called.package.id }) };
}

/** A pipeline of the trigger's own project; what it takes is looked at when it is run, as it is then. */
async function usablePipeline(
  actor: Actor,
  store: EntityStore,
  { projectId }: Trigger,
  operation: PipelineOperation,
): Promise<PipelineOperation> {
  const id = pipelineOf(operation);
  if (id === undefined)
    throw new InvalidInput('trigger', [
      { field: 'spec.operation.id', problem: 'is missing; it takes the id of a pipeline' },
    ]);
  const pipeline = await pipelineFor(store, actor, id);
  if (pipeline.projectId !== projectId)
    throw new InvalidInput('trigger', [
      {
        field: 'spec.operation.id',
        problem: `pipeline ${pipeline.name} is of another project, ${pipeline.projectId}`,
      },
    ]);
  return { ...operation, id, pipeline: { id } };
}

/** A fired trigger calls with its inputs and, by an event, with the resource under its name: the function has to take them. */
function assertTakes({ declared }: ServiceFunction, { type, spec }: Trigger): void {
  const resource = type === 'Event' && 'resource' in spec ? { [spec.resource.toLowerCase()]: '-' } : {};
  const what = `trigger: function ${declared.name} is called with its input, and by an event with the resource too`;
  assertInputs(what, inputSpecsOf(declared.input), { ...spec.input, ...resource });
}
