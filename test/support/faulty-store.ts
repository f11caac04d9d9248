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

const READS = ['query', 'count', 'ids', 'getMany'] as const;

/** A store of which read number `failAt` of items or annotations, counted from 0, and every later one throws. */
export function storeWithoutReads(
  store: EntityStore,
  failAt: number,
  error: () => Error,
): { store: EntityStore; reads(): number } {
  let reads = 0;
  const wrap = (inner: EntityStore): EntityStore =>
    new Proxy(inner, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function') return member;
        if (key === 'transaction')
          return (work: (store: EntityStore) => Promise<unknown>, options?: TransactionOptions) =>
            target.transaction((open) => work(wrap(open)), options);
        if (!(READS as readonly (string | symbol)[]).includes(key)) return member.bind(target);
        return async (...given: unknown[]) => {
          if (given[0] === 'Item' || given[0] === 'Annotation') {
            reads += 1;
            if (reads > failAt) throw error();
          }
          return member.apply(target, given);
        };
      },
    });
  return { store: wrap(store), reads: () => reads };
}
