import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { openPostgresStore } from '../../../shared/store/postgres.ts';
import { TABLES } from '../../../shared/store/tables.ts';
import { filtersContract } from '../../contracts/filters.contract.ts';
import { storeContract } from '../../contracts/store.contract.ts';
import {
  makeDatabase,
  type PostgresServer,
  startPostgres,
  type TestDatabase,
} from '../../support/postgres/postgres-server.ts';

/** Open throughout: connections are made once. */
let kept: EntityStore;
let server: PostgresServer;
let database: TestDatabase;
beforeAll(async () => {
  server = await startPostgres();
  database = await makeDatabase(server);
  kept = await openPostgresStore({ address: database.address });
});
// The last one first: the server is stopped whatever became of the others.
afterAll(() => server.stop());
afterAll(() => database.drop());
afterAll(() => kept.close());

const NAMES = [...Object.values(TABLES).map(({ name }) => name), 'outbox', 'execution_logs'];

storeContract('postgres', async () => {
  const store = await openPostgresStore({ address: database.address });
  const again = await openPostgresStore({ address: database.address });
  onTestFinished(async () => {
    await store.close();
    await again.close();
    await database.ask(NAMES.map((name) => `delete from ${name}`).join('; '));
  });
  return { store, again };
});

filtersContract('postgres', () => kept, 150);
