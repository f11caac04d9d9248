import type { DatasetEvent } from '../entities/dataset-event.ts';
import { toDocumentText } from './document-text.ts';
import type { OutboxEntry } from './entity-store.ts';
import { type OutboxRow, readEntries } from './outbox-rows.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { IDS } from './sqlite-entities.ts';
import type { ReportUnreadable } from './unreadable.ts';

/** Puts events at the end of the outbox. `createdAt` is an ISO time. */
export function writeEvents(
  database: SqliteDatabase,
  events: readonly DatasetEvent[],
  createdAt: string,
): void {
  for (const event of events)
    database.run({
      sql: 'insert into outbox (event, created_at) values (?, ?)',
      parameters: [toDocumentText(event, 'event'), createdAt],
    });
}

/** The oldest `limit` events that can be read. Damaged ones stay in the outbox and are reported. */
export function oldestEvents(
  database: SqliteDatabase,
  limit: number,
  report: ReportUnreadable,
): OutboxEntry[] {
  const found: OutboxEntry[] = [];
  for (let after = 0; found.length < limit; ) {
    const wanted = limit - found.length;
    const rows = database.rows<OutboxRow>({
      sql: 'select sequence, event, created_at from outbox where sequence > ? order by sequence limit ?',
      parameters: [after, wanted],
    });
    found.push(...readEntries(rows, report));
    if (rows.length < wanted) break;
    after = rows.at(-1)!.sequence;
  }
  return found;
}

export function dropEvents(database: SqliteDatabase, sequences: readonly number[]): void {
  database.run({
    sql: `delete from outbox where sequence in ${IDS}`,
    parameters: [JSON.stringify(sequences)],
  });
}
