import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { messageOf } from '../errors.ts';
import { compileWildcard, type Matcher } from '../query/wildcard.ts';
import { StoreCorrupt, StoreTooNew, StoreUnavailable } from './errors.ts';
import { MIGRATIONS } from './sqlite-schema.ts';

const BUSY_TIMEOUT_MS = 10_000;
const MAX_STATEMENTS = 200;
const MAX_PATTERNS = 100;

/** A statement with its parameters, as Kysely compiles it. */
export interface Compiled {
  sql: string;
  parameters: readonly unknown[];
}

/** SQLite's own result codes: https://www.sqlite.org/rescode.html */
const RESULT = {
  busy: 5,
  locked: 6,
  readonly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  constraint: 19,
  notADatabase: 26,
};

/**
 * One connection: prepared statements kept, transactions, errors in our words. Everything runs synchronously, so that
 * nothing of the same process comes between two statements that are not awaited in between.
 */
export class SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens or makes the file and brings its schema up to date. @throws StoreUnavailable, StoreCorrupt, StoreTooNew */
  constructor(path: string) {
    this.#database = guarded(() => new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS }));
    try {
      guarded(() => this.#prepareConnection());
      this.#migrate();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  rows<Row>(query: Compiled): Row[] {
    return guarded(() => this.#statement(query.sql).all(...valuesOf(query)) as Row[]);
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

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #prepareConnection(): void {
    this.#database.exec('pragma journal_mode = wal');
    this.#database.exec('pragma synchronous = normal');
    const matchers = new Map<string, Matcher>();
    this.#database.function('modelfn_fits', { deterministic: true }, (text, pattern, pathAware) =>
      typeof text === 'string' && matcherOf(matchers, String(pattern), pathAware === 1)(text) ? 1 : 0,
    );
  }

  #migrate(): void {
    if (this.#version() === MIGRATIONS.length) return;
    this.write(() => {
      // Read again: another process may have migrated while this one waited.
      const version = this.#version();
      if (version > MIGRATIONS.length) throw new StoreTooNew(version, MIGRATIONS.length);
      for (const statements of MIGRATIONS.slice(version))
        for (const statement of statements) guarded(() => this.#database.exec(statement));
      guarded(() => this.#database.exec(`pragma user_version = ${MIGRATIONS.length}`));
    });
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

/** The columns of a violated uniqueness, e.g. `dataset_id, filename`; `undefined` for any other error. */
export function takenColumns(error: unknown): string | undefined {
  if ((resultOf(error) & 0xff) !== RESULT.constraint) return undefined;
  const [, columns] = /UNIQUE constraint failed: (.+)$/.exec(messageOf(error)) ?? [];
  return columns?.replaceAll(/\w+\./g, '');
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translated(error);
  }
}

function translated(error: unknown): unknown {
  const advice: Partial<Record<number, string>> = {
    [RESULT.busy]: 'Another process holds it; try again.',
    [RESULT.locked]: 'Another process holds it; try again.',
    [RESULT.readonly]: 'Make the state folder and the files in it writable.',
    [RESULT.ioError]: 'Check the disk and the state folder.',
    [RESULT.full]: 'The disk is full: make room, then try again. Nothing was half-written.',
    [RESULT.cantOpen]: 'Check that the state folder is there and writable.',
  };
  const result = resultOf(error) & 0xff;
  if (result === RESULT.corrupt || result === RESULT.notADatabase) return new StoreCorrupt(error);
  const known = advice[result];
  return known === undefined ? error : new StoreUnavailable(error, known);
}

function resultOf(error: unknown): number {
  const code: unknown =
    typeof error === 'object' && error !== null ? (error as { errcode?: unknown }).errcode : 0;
  return typeof code === 'number' ? code : 0;
}
