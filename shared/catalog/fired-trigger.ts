import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { EventTrigger } from '../entities/trigger.ts';
import { messageOf } from '../errors.ts';
import { derivedId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { EntityStore } from '../store/entity-store.ts';

/** Whether the resource satisfies the trigger's filter as it is now; none does that is gone, but for its own deletion. */
export async function wantsEvent(
  store: Pick<EntityStore, 'count'>,
  trigger: EventTrigger,
  event: DatasetEvent,
): Promise<boolean> {
  if (event.action === 'Deleted') return true;
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
export function firedExecutionId(trigger: EventTrigger, event: DatasetEvent): string {
  return trigger.spec.executionMode === 'Once'
    ? derivedId('once', trigger.id, event.resourceId)
    : derivedId('always', trigger.id, event.id);
}

/** How the resource of an event is named in an input: the lower-case name of its kind, and the reference to it. */
export function resourceOf(event: DatasetEvent): { name: string; reference: JsonObject } {
  const name = event.resource.toLowerCase();
  const reference = {
    [`${name}_id`]: event.resourceId,
    ...(event.datasetId !== null && { dataset_id: event.datasetId }),
  };
  return { name, reference };
}
