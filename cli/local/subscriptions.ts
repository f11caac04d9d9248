import type { DatasetEvent } from '../../shared/entities/dataset-event.ts';
import { deployedFunctionOf } from '../../shared/invoke/deployed-function.ts';
import type { EntityStore } from '../../shared/store/entity-store.ts';

const PAGE_SIZE = 1000;

/**
 * Names of the functions that an active trigger of the event's project subscribes to such an event, sorted. Whether
 * a trigger's filter matches is for the function to find out: it looks at the resource when it runs.
 */
export async function subscribedFunctions(
  store: Pick<EntityStore, 'query'>,
  { projectId, resource, action }: DatasetEvent,
): Promise<string[]> {
  const names = new Set<string>();
  for (let page = 0; ; page += 1) {
    const found = await store.query('Trigger', {
      filter: { $and: [{ active: true }, { type: 'Event' }, { 'spec.resource': resource }] },
      scope: { projectIds: [projectId] },
      page,
      pageSize: PAGE_SIZE,
    });
    for (const trigger of found.items)
      if (trigger.type === 'Event' && trigger.spec.actions.includes(action))
        names.add(deployedFunctionOf(trigger.spec.operation));
    if (!found.hasNextPage) return [...names].sort();
  }
}
