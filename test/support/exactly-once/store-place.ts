import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestDatabase } from '../postgres/postgres-server.ts';
import { forbidEmptyItemsInPostgres, forbidEmptyItemsInSqlite } from './never-empty.ts';

/** Where the runs keep what they share. */
export interface StorePlace {
  readonly address: string;
  /** Has the store's own database refuse what no reader may ever see; once it has its tables. */
  forbidEmptyItems(): Promise<void>;
  /** `ok`, or what the database says is wrong with it. */
  integrity(): Promise<string>;
}

export function sqlitePlace(home: string): StorePlace {
  const path = join(home, 'store.sqlite');
  return {
    address: `sqlite:${path}`,
    forbidEmptyItems: async () => forbidEmptyItemsInSqlite(path),
    integrity: async () => {
      const database = new DatabaseSync(path);
      try {
        return String(database.prepare('pragma integrity_check').get()!.integrity_check);
      } finally {
        database.close();
      }
    },
  };
}

/** PostgreSQL has no check of its own that a client may ask for. */
export function postgresPlace({ address, ask }: TestDatabase): StorePlace {
  return {
    address,
    forbidEmptyItems: () => forbidEmptyItemsInPostgres(ask),
    integrity: async () => 'ok',
  };
}
