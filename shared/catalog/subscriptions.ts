import type { DatasetEvent } from '../entities/dataset-event.ts';
import { deployedFunctionOf } from '../invoke/deployed-function.ts';
import type { EntityStore } from '../store/entity-store.ts';

const PAGE_SIZE = 1000;

/**
 * Names of the functions that an event is for, sorted: the one that an execution was asked for of, or those that an
 * active trigger of the event's project subscribes to such an event. Whether a trigger's filter matches is for the
 * function to find out: it looks at the resource when it runs.
 */
export async function subscribedFunctions(
  store: Pick<EntityStore, 'query'>,
  { projectId, resource, action, body }: DatasetEvent,
): Promise<string[]> {
  if (resource === 'Execution') return typeof body?.functionName === 'string' ? [body.functionName] : [];
  const names = new Set<string>();
  for (let page = 0; ; page += 1) {
    const found = await store.query('Trigger', {
      filter: { $and: [{ active: true }, { type: 'Event' }, { 'spec.resource': resource }] },
      scope: { projectIds: [projectId] },
      skipsUnreadable: true,
      page,
      pageSize: PAGE_SIZE,
    });
    for (const trigger of found.items)
      if (
        trigger.type === 'Event' &&
        trigger.spec.actions.includes(action) &&
        trigger.spec.operation.type === 'function'
      )
        names.add(deployedFunctionOf(trigger.spec.operation));
    if (!found.hasNextPage) return [...names].sort();
  }
}

/** As `subscribedFunctions` for each of many; the store is asked once for events alike. */
export function subscribedFunctionsOfAll(
  store: Pick<EntityStore, 'query'>,
  events: readonly DatasetEvent[],
): Promise<string[][]> {
  const asked = new Map<string, Promise<string[]>>();
  return Promise.all(
    events.map((event) => {
      if (event.resource === 'Execution') return subscribedFunctions(store, event);
      const key = JSON.stringify([event.projectId, event.resource, event.action]);
      const names = asked.get(key) ?? subscribedFunctions(store, event);
      asked.set(key, names);
      return names;
    }),
  );
}
