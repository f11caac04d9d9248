import { type KeptLine, LOG_LIMITS, type LogLine } from '../entities/log-line.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { Overtaken, takenIndex } from './postgres-errors.ts';
import { fromPostgresText, toPostgresText } from './postgres-text.ts';

/** Adds lines to an execution's log and drops the oldest of what is too much. */
export async function writeLogs(
  connection: PostgresConnection,
  executionId: string,
  lines: readonly LogLine[],
  skipped: number,
): Promise<void> {
  const id = toPostgresText(executionId);
  const written = connection.run({
    sql: `insert into execution_logs (execution_id, line, timestamp, level, message)
      select $1::text, last.line + $2::int + given.place, given.timestamp, given.level, given.message
      from (select coalesce(max(line), 0) as line from execution_logs where execution_id = $1) as last,
        unnest($3::text[], $4::text[], $5::text[]) with ordinality as given(timestamp, level, message, place)`,
    parameters: [
      id,
      skipped,
      lines.map(({ timestamp }) => toPostgresText(timestamp)),
      lines.map(({ level }) => level),
      lines.map(({ message }) => toPostgresText(message)),
    ],
  });
  const trimmed = connection.run({
    sql: `delete from execution_logs where execution_id = $1 and line <= coalesce((
      select max(line) from (
        select line,
          row_number() over (order by line desc) as lines,
          sum(length(message)) over (order by line desc) as characters
        from execution_logs where execution_id = $1) as counted
      where lines > $2 or characters > $3), 0)`,
    parameters: [id, LOG_LIMITS.lines, LOG_LIMITS.characters],
  });
  try {
    await Promise.all([written, trimmed]);
  } catch (error) {
    throw takenIndex(error) ? new Overtaken('Another writer took the next line') : error;
  }
}

/** Lines after number `after`, at most `limit`, the oldest first. */
export async function readLogs(
  connection: PostgresConnection,
  executionId: string,
  { after, limit }: { after: number; limit: number },
): Promise<KeptLine[]> {
  const lines = await connection.rows<KeptLine>({
    sql: `select line, timestamp, level, message from execution_logs
      where execution_id = $1 and line > $2 order by line limit $3`,
    parameters: [toPostgresText(executionId), after, limit],
  });
  return lines.map((line) => ({ ...line, message: fromPostgresText(line.message) }));
}
