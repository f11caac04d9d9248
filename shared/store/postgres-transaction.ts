import { StoreClosed } from './errors.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { isConflict, isLost, isRefusal, Overtaken, takenIndex } from './postgres-errors.ts';

/** Turns what the server said of a taken name into what the caller is told; may ask the transaction, where it stands. */
export type Explain = (error: unknown, transaction?: PostgresTransaction) => Promise<unknown>;

/** How long a writer waits for another one that holds what it needs. */
const LOCK_TIMEOUT_MS = 10_000;
/** A holder that fell silent, as a frozen container does, is undone by the server after so long. */
const SILENCE_MS = { beside: 30_000, alone: 120_000 } as const;

/**
 * One transaction on one connection, from its begin to its end.
 *
 * Transactions are serializable: they end as if they had run one after the other, or one of them is undone. So what a
 * caller reads in its transaction holds until its end, as it does where there is one writer at a time.
 */
export class PostgresTransaction {
  readonly connection: PostgresConnection;
  /** True when no other writer runs beside it. */
  readonly isAlone: boolean;
  /** By which the server knows it after its end too. */
  readonly id: string;
  #isOpen = true;
  #hasPart = false;
  /** What undid it under its work. */
  #failure: { error: unknown } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(connection: PostgresConnection, isAlone: boolean, id: string) {
    this.connection = connection;
    this.isAlone = isAlone;
    this.id = id;
  }

  static async begin(connection: PostgresConnection, isAlone: boolean): Promise<PostgresTransaction> {
    try {
      // The gate comes before the first query: what a transaction sees is fixed by that one. Indexes are preferred, since
      // who reads a whole table is in the way of every writer of it.
      const { rows } = await connection.script(
        `begin isolation level serializable;
         set local lock_timeout = ${LOCK_TIMEOUT_MS};
         set local idle_in_transaction_session_timeout = ${isAlone ? SILENCE_MS.alone : SILENCE_MS.beside};
         set local enable_seqscan = off;
         set local jit = off;
         lock table write_gate in ${isAlone ? 'exclusive' : 'row share'} mode;
         select pg_current_xact_id()::text as id`,
      );
      const [{ id }] = rows as [{ id: string }];
      return new PostgresTransaction(connection, isAlone, id);
    } catch (error) {
      await rollback(connection);
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Runs one call's statements with no other call's between them. @throws what `work` throws; StoreClosed */
  async step<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      if (!this.#isOpen) throw new StoreClosed('This transaction has ended');
      if (this.#failure) throw this.#failure.error;
      return await work(this.connection);
    } finally {
      resolve();
    }
  }

  /** As `step`; a read that the server refuses undoes the transaction. */
  read<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return this.step(async (connection) => {
      try {
        return await work(connection);
      } catch (error) {
        throw this.undo(error);
      }
    });
  }

  /** As `step`, all of `work` or nothing: the rest of the transaction stands when `work` fails by itself, or meets a taken name. */
  part<T>(work: (transaction: PostgresTransaction) => Promise<T>, explain: Explain): Promise<T> {
    return this.step(async (connection) => {
      // Not waited for: it is on its way before what `work` sends.
      const marked = connection.script(this.#hasPart ? 'release part; savepoint part' : 'savepoint part');
      this.#hasPart = true;
      marked.catch(() => {});
      try {
        return await work(this);
      } catch (error) {
        const stands = takenIndex(error) !== undefined || !(isRefusal(error) || isLost(error));
        if (!stands) throw this.undo(error);
        await connection.script('rollback to part').catch((cause: unknown) => {
          throw this.undo(cause);
        });
        const explained = await explain(error, this);
        throw isConflict(explained) ? this.undo(explained) : explained;
      }
    });
  }

  /** Notes that the transaction cannot land any more; answers `error`. The first reason counts. */
  undo(error: unknown): unknown {
    this.#failure ??= { error };
    return error;
  }

  /** Ends what may still be called, and waits for calls that nobody waited for. @throws what undid it */
  async seal(): Promise<void> {
    this.#isOpen = false;
    await this.#last;
    if (this.#failure) throw this.#failure.error;
  }

  /** @throws what the server says */
  async commit(): Promise<void> {
    const { command } = await this.connection.script('commit');
    if (command !== 'COMMIT') throw new Overtaken('The server undid the transaction');
  }

  async rollback(): Promise<void> {
    this.#isOpen = false;
    await rollback(this.connection);
  }
}

/** A connection that cannot do this is not used again. */
async function rollback(connection: PostgresConnection): Promise<void> {
  await connection.script('rollback').catch(() => connection.close());
}
