import type { EntityStore, TransactionOptions } from '../../../shared/store/entity-store.ts';

/** When a process ends itself: at which call of its store from now on, and on which side of it. */
export interface Death {
  afterCalls: number;
  side: 'before' | 'after';
}

/**
 * A store of which one call is the process's last: it is killed as `kill -9` does, within a transaction, between two
 * of them, or with all but the commit done. `spared`: no call counts.
 */
export function dyingStore(store: EntityStore, death: Death | undefined, spared: () => boolean): EntityStore {
  let calls = 0;
  const die = (side: Death['side']): void => {
    if (death?.side === side && calls === death.afterCalls && !spared()) process.kill(process.pid, 'SIGKILL');
  };
  const wrap = (inner: EntityStore): EntityStore =>
    new Proxy(inner, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function' || key === 'changeMark') return bound(member, target);
        return async (...given: unknown[]) => {
          if (!spared()) calls += 1;
          die('before');
          const [work, options] = given as [unknown, TransactionOptions?];
          const answer =
            key === 'transaction'
              ? await target.transaction(
                  (open) => (work as (store: EntityStore) => Promise<unknown>)(wrap(open)),
                  options,
                )
              : await member.apply(target, given);
          die('after');
          return answer;
        };
      },
    });
  return wrap(store);
}

function bound(member: unknown, target: EntityStore): unknown {
  return typeof member === 'function' ? member.bind(target) : member;
}
