import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { OutboxEntry } from './entity-store.ts';
import type { PostgresConnection } from './postgres-connection.ts';

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
    parameters: [events.map((event) => JSON.stringify(event))],
  });
}

/** The oldest `limit` events. */
export async function oldestEvents(connection: PostgresConnection, limit: number): Promise<OutboxEntry[]> {
  const rows = await connection.rows<{ sequence: string; event: string; created_at: string }>({
    sql: 'select sequence, event, created_at from outbox order by sequence limit $1',
    parameters: [limit],
  });
  return rows.map(({ sequence, event, created_at }) => ({
    sequence: Number(sequence),
    event: JSON.parse(event) as DatasetEvent,
    createdAt: created_at,
  }));
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
