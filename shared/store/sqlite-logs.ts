import { type KeptLine, LOG_LIMITS, type LogLine } from '../entities/log-line.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** Adds lines to an execution's log and drops the oldest of what is too much. */
export function writeLogs(
  database: SqliteDatabase,
  executionId: string,
  lines: readonly LogLine[],
  skipped: number,
): void {
  const last = database.row<{ line: number | null }>({
    sql: 'select max(line) as line from execution_logs where execution_id = ?',
    parameters: [executionId],
  })?.line;
  let line = (last ?? 0) + skipped;
  for (const { timestamp, level, message } of lines) {
    line += 1;
    database.run({
      sql: 'insert into execution_logs (execution_id, line, timestamp, level, message) values (?, ?, ?, ?, ?)',
      parameters: [executionId, line, timestamp, level, message],
    });
  }
  database.run({
    sql: `delete from execution_logs where execution_id = ?1 and line <= coalesce((
      select max(line) from (
        select line,
          row_number() over (order by line desc) as lines,
          sum(length(message)) over (order by line desc) as characters
        from execution_logs where execution_id = ?1)
      where lines > ?2 or characters > ?3), 0)`,
    parameters: [executionId, LOG_LIMITS.lines, LOG_LIMITS.characters],
  });
}

/** Lines after number `after`, at most `limit`, the oldest first. */
export function readLogs(
  database: SqliteDatabase,
  executionId: string,
  { after, limit }: { after: number; limit: number },
): KeptLine[] {
  return database.rows<KeptLine>({
    sql: `select line, timestamp, level, message from execution_logs
      where execution_id = ? and line > ? order by line limit ?`,
    parameters: [executionId, after, limit],
  });
}
