import type { EntityStore, TransactionOptions } from '../../shared/store/entity-store.ts';

const WRITES = ['insert', 'upsert', 'update', 'delete', 'refreshAnnotationCounts', 'appendEvents'] as const;

/** Thrown where the plan says so. */
export class PlannedFault extends Error {
  override readonly name = 'PlannedFault';
}

/** A store of which write number `failAt`, counted from 0, throws; all before it reach the real store. */
export function faultyStore(store: EntityStore, failAt: number): EntityStore {
  let writes = 0;
  const wrap = (inner: EntityStore): EntityStore =>
    new Proxy(inner, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function') return member;
        if (key === 'transaction')
          return (work: (store: EntityStore) => Promise<unknown>, options?: TransactionOptions) =>
            target.transaction((open) => work(wrap(open)), options);
        if (!(WRITES as readonly (string | symbol)[]).includes(key)) return member.bind(target);
        return async (...given: unknown[]) => {
          if (writes++ === failAt) throw new PlannedFault(`write ${failAt}`);
          return member.apply(target, given);
        };
      },
    });
  return wrap(store);
}
