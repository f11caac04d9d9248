import type { EntityKind } from '../entities/kinds.ts';
import type { Compiled, SqlDialect } from './sql-dialect.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { SQLITE, SQLITE_LENIENT } from './sqlite-dialect.ts';
import { isMalformedJson } from './sqlite-errors.ts';
import { TABLES } from './tables.ts';
import { type ReportUnreadable, SHOWN_IDS } from './unreadable.ts';

/**
 * Runs queries over documents. SQLite fails a whole statement for one document that it cannot read; from the first such
 * failure on, queries leave those documents out, and they are reported by kind.
 */
export class SqliteQueries {
  readonly #report: ReportUnreadable;
  #areUnreadableKnown = false;

  constructor(report: ReportUnreadable) {
    this.#report = report;
  }

  rows<Row>(database: SqliteDatabase, compile: (dialect: SqlDialect) => Compiled): Row[] {
    if (!this.#areUnreadableKnown) {
      try {
        return database.rows<Row>(compile(SQLITE));
      } catch (error) {
        if (!isMalformedJson(error)) throw error;
        this.#areUnreadableKnown = true;
        this.#reportAll(database);
      }
    }
    return database.rows<Row>(compile(SQLITE_LENIENT));
  }

  #reportAll(database: SqliteDatabase): void {
    for (const kind of Object.keys(TABLES) as EntityKind[]) {
      const found = database.rows<{ id: string }>({
        sql: `select id from ${TABLES[kind].name} where not json_valid(doc) order by seq`,
        parameters: [],
      });
      const ids = found.slice(0, SHOWN_IDS).map(({ id }) => id);
      if (found.length > 0) this.#report({ kind, count: found.length, ids });
    }
  }
}
