import { AsyncLocalStorage } from 'node:async_hooks';
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { EntityKind } from '../entities/kinds.ts';
import { StoreClosed, StoreUnavailable } from './errors.ts';
import { SqliteDatabase } from './sqlite-database.ts';

/** A transaction of one caller, from its begin to its end. */
export interface OpenTransaction {
  isOpen: boolean;
  /** Settles when it ended. */
  readonly ended: Promise<void>;
}

/**
 * The one connection of this process to a file. What runs on it is synchronous; a transaction spans many such steps,
 * and while one is open, all other callers of the process wait.
 */
export class SqliteConnection {
  readonly #database: SqliteDatabase;
  readonly #ambient = new AsyncLocalStorage<OpenTransaction>();
  readonly #release: () => void;
  /** Writes of this process by kind, and transactions it undid: what SQLite's own count of changes leaves out. */
  readonly #writes = new Map<EntityKind, number>();
  #undone = 0;
  #transaction: OpenTransaction | undefined;
  #users = 0;

  /** `release` is called when the last user left. */
  constructor(database: SqliteDatabase, release: () => void) {
    this.#database = database;
    this.#release = release;
  }

  /**
   * Runs `work` when no other caller's transaction is open, or within `own`. A call made from inside a transaction's work
   * belongs to it even when it came by the store itself: waiting for its own end, it would wait for ever.
   */
  async run<T>(own: OpenTransaction | undefined, work: (database: SqliteDatabase) => T): Promise<T> {
    const transaction = own ?? this.#ambient.getStore();
    // No await may come between this check and the work: another caller would begin in between.
    while (this.#transaction && this.#transaction !== transaction) await this.#transaction.ended;
    if (own && !own.isOpen) throw new StoreClosed('This transaction has ended');
    if (this.#users === 0) throw new StoreClosed('The store was closed');
    if (this.#transaction && !this.#database.inTransaction) throw undone();
    return work(this.#database);
  }

  /** True for a call that belongs to an open transaction, and sees what that wrote. */
  isWithin(own: OpenTransaction | undefined): boolean {
    return (own ?? this.#ambient.getStore())?.isOpen === true;
  }

  /** As `run`, all of `work` or nothing. `kind`: of the entities it writes. */
  write<T>(
    own: OpenTransaction | undefined,
    kind: EntityKind | undefined,
    work: (database: SqliteDatabase) => T,
  ): Promise<T> {
    return this.run(own, (database) => {
      if (kind !== undefined) this.#writes.set(kind, (this.#writes.get(kind) ?? 0) + 1);
      return this.#transaction
        ? database.savepoint(() => work(database))
        : database.write(() => work(database));
    });
  }

  /** Other processes' commits by SQLite's count; this one's writes by ours, told apart by kind. */
  changeMark(kind: EntityKind): string {
    return `${this.#database.dataVersion} ${this.#writes.get(kind) ?? 0} ${this.#undone}`;
  }

  /** Runs `work` in a transaction of its own, or in the one it is called from. */
  async transaction<T>(work: (transaction: OpenTransaction) => Promise<T>): Promise<T> {
    const ambient = this.#ambient.getStore();
    if (ambient?.isOpen) return work(ambient);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const transaction: OpenTransaction = { isOpen: true, ended };
    await this.run(undefined, (database) => {
      database.begin();
      this.#transaction = transaction;
    });
    try {
      const result = await this.#ambient.run(transaction, () => work(transaction));
      if (!this.#database.inTransaction) throw undone();
      this.#database.commit();
      return result;
    } catch (error) {
      this.#database.rollback();
      // Who read inside the transaction saw what now never was.
      this.#undone += 1;
      throw error;
    } finally {
      transaction.isOpen = false;
      this.#transaction = undefined;
      end();
    }
  }

  enter(): this {
    this.#users += 1;
    return this;
  }

  /** Waits for the open transaction; the last one to leave closes the file. @throws StoreClosed from inside one */
  async leave(): Promise<void> {
    if (this.#ambient.getStore()?.isOpen) throw new StoreClosed('A transaction cannot close its store');
    while (this.#transaction) await this.#transaction.ended;
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#release();
    this.#database.close();
  }
}

/** By the file's real path: two connections of one process would block each other, and with them the process. */
const connections = new Map<string, SqliteConnection>();

/** The process's connection to a file; each call is to be met by one `leave`. @throws what SqliteDatabase throws */
export function connect(path: string): SqliteConnection {
  if (path === ':memory:') return new SqliteConnection(new SqliteDatabase(path), () => {}).enter();
  const file = realFile(path);
  const known = connections.get(file);
  if (known) return known.enter();
  const connection = new SqliteConnection(new SqliteDatabase(file), () => connections.delete(file));
  connections.set(file, connection);
  return connection.enter();
}

function realFile(path: string): string {
  const file = resolve(path);
  try {
    return join(realpathSync(dirname(file)), basename(file));
  } catch {
    // No such folder: opening the file says so.
    return file;
  }
}

function undone(): StoreUnavailable {
  return new StoreUnavailable(
    new Error('the transaction was undone by an earlier failure'),
    'Nothing of it was kept; repeat it.',
  );
}
