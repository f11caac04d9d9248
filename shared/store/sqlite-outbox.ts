import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { OutboxEntry } from './entity-store.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { IDS } from './sqlite-entities.ts';

/** Puts events at the end of the outbox. `createdAt` is an ISO time. */
export function writeEvents(
  database: SqliteDatabase,
  events: readonly DatasetEvent[],
  createdAt: string,
): void {
  for (const event of events)
    database.run({
      sql: 'insert into outbox (event, created_at) values (?, ?)',
      parameters: [JSON.stringify(event), createdAt],
    });
}

/** The oldest `limit` events. */
export function oldestEvents(database: SqliteDatabase, limit: number): OutboxEntry[] {
  const rows = database.rows<{ sequence: number; event: string; created_at: string }>({
    sql: 'select sequence, event, created_at from outbox order by sequence limit ?',
    parameters: [limit],
  });
  return rows.map(({ sequence, event, created_at }) => ({
    sequence,
    event: JSON.parse(event) as DatasetEvent,
    createdAt: created_at,
  }));
}

export function dropEvents(database: SqliteDatabase, sequences: readonly number[]): void {
  database.run({
    sql: `delete from outbox where sequence in ${IDS}`,
    parameters: [JSON.stringify(sequences)],
  });
}
