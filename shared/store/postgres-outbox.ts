import type { DatasetEvent } from '../entities/dataset-event.ts';
import { toDocumentText } from './document-text.ts';
import type { OutboxEntry } from './entity-store.ts';
import { type OutboxRow, readEntries } from './outbox-rows.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import type { ReportUnreadable } from './unreadable.ts';

/** The store's own time, as the events of a change carry it. */
const NOW = `to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * Puts events at the end of the outbox. A transaction may land after one that took a later number: its events are then
 * found later, with a smaller one. Two that know of each other are never in the wrong order, as the later one begins, and
 * takes its number, when the earlier one has landed.
 */
export async function writeEvents(
  connection: PostgresConnection,
  events: readonly DatasetEvent[],
): Promise<void> {
  await connection.run({
    sql: `insert into outbox (event, created_at)
      select given.event, ${NOW} from unnest($1::text[]) with ordinality as given(event, place) order by given.place`,
    parameters: [events.map((event) => toDocumentText(event, 'event'))],
  });
}

/** The oldest `limit` events that can be read. Damaged ones stay in the outbox and are reported. */
export async function oldestEvents(
  connection: PostgresConnection,
  limit: number,
  report: ReportUnreadable,
): Promise<OutboxEntry[]> {
  const found: OutboxEntry[] = [];
  for (let after = 0; found.length < limit; ) {
    const wanted = limit - found.length;
    const answer = await connection.rows<Omit<OutboxRow, 'sequence'> & { sequence: string }>({
      sql: 'select sequence, event, created_at from outbox where sequence > $1 order by sequence limit $2',
      parameters: [after, wanted],
    });
    const rows = answer.map((row) => ({ ...row, sequence: Number(row.sequence) }));
    found.push(...readEntries(rows, report));
    if (rows.length < wanted) break;
    after = rows.at(-1)!.sequence;
  }
  return found;
}

export async function dropEvents(
  connection: PostgresConnection,
  sequences: readonly number[],
): Promise<void> {
  await connection.run({
    sql: 'delete from outbox where sequence = any($1::bigint[])',
    parameters: [[...sequences]],
  });
}
