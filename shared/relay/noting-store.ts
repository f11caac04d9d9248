import type { EntityStore } from '../store/entity-store.ts';

/**
 * The store, telling when a write landed that the relay has to carry on: events in the outbox, and runs of pipelines that wait to be
 * begun. Of a transaction it tells once, when it is committed. All else goes to the store as it comes.
 */
export function notingStore(store: EntityStore, landed: () => void): EntityStore {
  const own: Pick<EntityStore, 'appendEvents' | 'insert' | 'transaction'> = {
    appendEvents: async (events) => {
      await store.appendEvents(events);
      if (events.length > 0) landed();
    },
    insert: async (kind, entities) => {
      await store.insert(kind, entities);
      if (kind === 'PipelineExecution') landed();
    },
    transaction: async (work, options) => {
      let noted = false;
      const answer = await store.transaction((open) => {
        noted = false;
        return work(
          notingStore(open, () => {
            noted = true;
          }),
        );
      }, options);
      if (noted) landed();
      return answer;
    },
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (Object.hasOwn(own, name)) return own[name as keyof typeof own];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
