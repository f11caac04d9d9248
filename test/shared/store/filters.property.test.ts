import { afterAll, beforeAll } from 'vitest';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import { filtersContract } from '../../contracts/filters.contract.ts';

let store: EntityStore;
beforeAll(async () => {
  store = await openSqliteStore({ path: ':memory:' });
});
afterAll(() => store.close());

filtersContract('sqlite', () => store, 800);
