import type { EntityStore, TransactionOptions } from '../../shared/store/entity-store.ts';

class InTheWay extends Error {}

/** A store of which each transaction is undone once at its end, as by another writer, and its work run again. */
export function repeatingStore(store: EntityStore): EntityStore {
  return new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      if (key !== 'transaction') return member.bind(target);
      return async (work: (store: EntityStore) => Promise<unknown>, options?: TransactionOptions) => {
        const undone = target.transaction(async (open) => {
          await work(open);
          throw new InTheWay();
        }, options);
        await undone.catch((error: unknown) => {
          if (!(error instanceof InTheWay)) throw error;
        });
        return target.transaction(work, options);
      };
    },
  });
}
