import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { ensurePrivateFile, takeRightsOfOthers } from '../content/private-file.ts';
import { compileWildcard, type Matcher } from '../query/wildcard.ts';
import { QueryTooSlow, StoreCorrupt, StoreTooNew } from './errors.ts';
import type { Compiled } from './sql-dialect.ts';
import { guarded, isBusy } from './sqlite-errors.ts';
import { MIGRATIONS, type Migration } from './sqlite-schema.ts';

const BUSY_TIMEOUT_MS = 10_000;
const RETRY_MS = 5;
const MAX_STATEMENTS = 200;
const MAX_PATTERNS = 100;
const CALLS_PER_CHECK = 16;
const DATA_VERSION: Compiled = { sql: 'pragma data_version', parameters: [] };

export interface DatabaseOptions {
  /** How long a call waits for the writer of another process, blocking this one. */
  busyTimeoutMs?: number;
  migrations?: readonly Migration[];
}

/**
 * One connection: prepared statements kept, transactions, errors in our words. Everything runs synchronously, so that
 * nothing of the same process comes between two statements that are not awaited in between.
 */
export class SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #deadline: { at: number; limitMs: number; calls: number } | undefined;

  /** Opens or makes the file and brings its schema up to date. @throws StoreUnavailable, StoreCorrupt, StoreTooNew */
  constructor(
    path: string,
    { busyTimeoutMs = BUSY_TIMEOUT_MS, migrations = MIGRATIONS }: DatabaseOptions = {},
  ) {
    guarded(() => keepFromOthers(path));
    this.#database = guarded(() => new DatabaseSync(path, { timeout: busyTimeoutMs }));
    try {
      this.#assertReadable(migrations.length);
      guarded(() => this.#enableWriteAheadLog(Date.now() + busyTimeoutMs));
      guarded(() => this.#prepareConnection());
      this.#migrate(migrations);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  rows<Row>(query: Compiled): Row[] {
    return guarded(() => this.#statement(query.sql).all(...valuesOf(query)) as Row[]);
  }

  /** As `rows`, for a query of a timed dialect. @throws QueryTooSlow once the time is up */
  rowsWithin<Row>(query: Compiled, limitMs: number): Row[] {
    this.#deadline = { at: performance.now() + limitMs, limitMs, calls: 0 };
    try {
      return this.rows<Row>(query);
    } finally {
      this.#deadline = undefined;
    }
  }

  row<Row>(query: Compiled): Row | undefined {
    return guarded(() => this.#statement(query.sql).get(...valuesOf(query)) as Row | undefined);
  }

  /** Answers the number of rows changed. */
  run(query: Compiled): number {
    return guarded(() => Number(this.#statement(query.sql).run(...valuesOf(query)).changes));
  }

  /** All of `work` or nothing; writers of other processes wait. */
  write<T>(work: () => T): T {
    this.begin();
    try {
      const result = work();
      this.commit();
      return result;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** Within an open transaction: all of `work` or nothing, whatever becomes of the transaction. */
  savepoint<T>(work: () => T): T {
    guarded(() => this.#database.exec('savepoint part'));
    try {
      const result = work();
      guarded(() => this.#database.exec('release part'));
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('rollback to part; release part');
      throw error;
    }
  }

  begin(): void {
    // Immediate: a transaction that reads first and writes later could fail half-way when another one wrote in between.
    guarded(() => this.#database.exec('begin immediate'));
  }

  commit(): void {
    guarded(() => this.#database.exec('commit'));
  }

  /** Does nothing when SQLite rolled back by itself, as it does when the disk is full. */
  rollback(): void {
    if (this.#database.isTransaction) this.#database.exec('rollback');
  }

  /** False again once SQLite rolled back by itself. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Changes when another connection, of this process or another, committed; not by this one's own commits. */
  get dataVersion(): number {
    return this.row<{ data_version: number }>(DATA_VERSION)!.data_version;
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  /** SQLite does not wait for others while it changes the kind of journal: it answers "locked" at once. */
  #enableWriteAheadLog(deadline: number): void {
    for (;;) {
      try {
        this.#database.exec('pragma journal_mode = wal');
        return;
      } catch (error) {
        if (!isBusy(error) || Date.now() >= deadline) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      }
    }
  }

  #prepareConnection(): void {
    this.#database.exec('pragma synchronous = normal');
    this.#database.function('modelfn_in_time', () => this.#assertInTime());
    const matchers = new Map<string, Matcher>();
    this.#database.function('modelfn_fits', { deterministic: true }, (text, pattern, pathAware) =>
      typeof text === 'string' && matcherOf(matchers, String(pattern), pathAware === 1)(text) ? 1 : 0,
    );
  }

  /** Called for each row of a timed query. The clock is read at every 16th: most rows take some microseconds. */
  #assertInTime(): 1 {
    const deadline = this.#deadline;
    if (!deadline) return 1;
    deadline.calls += 1;
    if (deadline.calls % CALLS_PER_CHECK === 0 && performance.now() > deadline.at)
      throw new QueryTooSlow(deadline.limitMs);
    return 1;
  }

  #migrate(migrations: readonly Migration[]): void {
    if (this.#version() === migrations.length) return;
    this.write(() => {
      // Read again: another process may have migrated while this one waited.
      const version = this.#assertReadable(migrations.length);
      for (const statements of migrations.slice(version))
        for (const statement of statements) guarded(() => this.#database.exec(statement));
      guarded(() => this.#database.exec(`pragma user_version = ${migrations.length}`));
    });
  }

  /** The schema's version, once it is known that the file is a store this modelfn can read. */
  #assertReadable(known: number): number {
    // Tables before version: another process may be making both at once, and then the version is there with the tables.
    const tables = this.row<{ n: number }>({
      sql: 'select count(*) as n from sqlite_master',
      parameters: [],
    })!;
    const version = this.#version();
    if (version > known) throw new StoreTooNew(version, known);
    if (version === 0 && tables.n > 0)
      throw new StoreCorrupt(new Error('the file is a database of another program'));
    return version;
  }

  #version(): number {
    return this.row<{ user_version: number }>({ sql: 'pragma user_version', parameters: [] })!.user_version;
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function matcherOf(matchers: Map<string, Matcher>, pattern: string, pathAware: boolean): Matcher {
  const key = `${pathAware}:${pattern}`;
  const known = matchers.get(key);
  if (known) return known;
  if (matchers.size >= MAX_PATTERNS) matchers.clear();
  const matcher = compileWildcard(pattern, { pathAware });
  matchers.set(key, matcher);
  return matcher;
}

function valuesOf({ parameters }: Compiled): SQLInputValue[] {
  return parameters as SQLInputValue[];
}

/** SQLite gives the files it makes beside the database the rights of the database. Other kinds of path are in memory. */
function keepFromOthers(path: string): void {
  if (path === '' || path.startsWith(':') || path.startsWith('file:')) return;
  try {
    ensurePrivateFile(path);
  } catch {
    // SQLite reports what is wrong with the path when it opens it.
    return;
  }
  for (const suffix of ['-wal', '-shm']) takeRightsOfOthers(`${path}${suffix}`);
}
