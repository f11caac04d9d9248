import type { EntityKind } from '../entities/kinds.ts';
import type { Compiled, SqlDialect } from './sql-dialect.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { type SqliteDialectOptions, sqliteDialect } from './sqlite-dialect.ts';
import { isMalformedJson } from './sqlite-errors.ts';
import type { SqliteReader } from './sqlite-reader.ts';
import { TABLES } from './tables.ts';
import { type ReportUnreadable, SHOWN_IDS } from './unreadable.ts';

/** Builds a statement in a dialect. */
export type Compile = (dialect: SqlDialect) => Compiled;

/**
 * Runs queries over documents. SQLite fails a whole statement for one document that it cannot read; from the first such
 * failure on, queries leave those documents out, and they are reported by kind.
 */
export class SqliteQueries {
  readonly #report: ReportUnreadable;
  #isLenient = false;

  constructor(report: ReportUnreadable) {
    this.#report = report;
  }

  /** `limitMs`: for a query that may take long; undefined for no limit. @throws QueryTooSlow */
  rows<Row>(database: SqliteDatabase, compile: Compile, limitMs: number | undefined): Row[] {
    const run = (options: SqliteDialectOptions): Row[] => {
      if (limitMs === undefined) return database.rows<Row>(compile(sqliteDialect(options)));
      return database.rowsWithin<Row>(compile(sqliteDialect({ ...options, isTimed: true })), limitMs);
    };
    if (this.#isLenient) return run({ isLenient: true });
    try {
      return run({});
    } catch (error) {
      if (!isMalformedJson(error)) throw error;
      this.becomeLenient(database);
      return run({ isLenient: true });
    }
  }

  /** As `rows`, in a thread; `undefined` when a document cannot be read. Call `becomeLenient` then, and repeat. @throws QueryTooSlow */
  async rowsOf<Row>(reader: SqliteReader, compile: Compile): Promise<Row[] | undefined> {
    try {
      return await reader.rows<Row>(compile(sqliteDialect({ isLenient: this.#isLenient, isTimed: true })));
    } catch (error) {
      if (this.#isLenient || !isMalformedJson(error)) throw error;
      return undefined;
    }
  }

  /** Reports the documents that cannot be read, and leaves them out from now on. */
  becomeLenient(database: SqliteDatabase): void {
    if (this.#isLenient) return;
    this.#isLenient = true;
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
