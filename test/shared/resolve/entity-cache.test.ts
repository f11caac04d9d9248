import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { EntityCache } from '../../../shared/resolve/entity-cache.ts';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import { project } from '../store/sample-entities.ts';

/** A store that notes its reads; with `blind`, one that has no change mark. */
function watched(store: EntityStore, { blind = false } = {}): { store: EntityStore; reads: string[] } {
  const reads: string[] = [];
  const proxy = new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      if (key === 'changeMark' && blind) return () => undefined;
      if (key === 'getMany' || key === 'versions') reads.push(key);
      return member.bind(target);
    },
  });
  return { store: proxy, reads };
}

describe.each([{ blind: false }, { blind: true }])(
  'a cache of entities, store blind: $blind',
  ({ blind }) => {
    let store: EntityStore;
    let reads: string[];
    let cache: EntityCache;

    beforeEach(async () => {
      const opened = await openSqliteStore({ path: ':memory:' });
      onTestFinished(() => opened.close());
      ({ store, reads } = watched(opened, { blind }));
      cache = new EntityCache();
      await store.insert('Project', [project('p1'), project('p2', { name: 'two' })]);
    });
    const nameOf = async (id: string) => (await cache.getMany(store, 'Project', [id])).get(id)?.name;

    it('hands out the same frozen entity while nothing changed, without reading it again', async () => {
      const first = (await cache.getMany(store, 'Project', ['p1'])).get('p1');
      const second = (await cache.getMany(store, 'Project', ['p1'])).get('p1');

      expect(second).toBe(first);
      expect(Object.isFrozen(first)).toBe(true);
      expect(reads).toEqual(blind ? ['getMany', 'versions'] : ['getMany']);
    });

    it('sees a change at the next call, and keeps what did not change', async () => {
      await cache.getMany(store, 'Project', ['p1', 'p2']);
      reads.length = 0;

      await store.update('Project', 'p1', (current) => ({ ...current, name: 'renamed' }));

      expect(await nameOf('p1')).toBe('renamed');
      expect(await nameOf('p2')).toBe('two');
      expect(reads).toEqual(['versions', 'getMany', 'versions']);
    });

    it('does not find what was deleted', async () => {
      await cache.getMany(store, 'Project', ['p1']);

      await store.delete('Project', ['p1']);

      expect(await nameOf('p1')).toBeUndefined();
    });

    it('finds what came after it was asked for in vain', async () => {
      expect(await nameOf('p3')).toBeUndefined();

      await store.insert('Project', [project('p3', { name: 'three' })]);

      expect(await nameOf('p3')).toBe('three');
    });
  },
);
