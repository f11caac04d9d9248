import { AsyncLocalStorage } from 'node:async_hooks';
import { StoreClosed, StoreUnavailable } from './errors.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { isConflict, isLost, told } from './postgres-errors.ts';
import type { PostgresPool } from './postgres-pool.ts';
import { type Explain, PostgresTransaction } from './postgres-transaction.ts';

/** A transaction that was undone by others so often runs alone: then nobody can undo it. */
const ATTEMPTS_BESIDE = 3;
const MAX_ATTEMPTS = 6;
const READ_ATTEMPTS = 3;
/** What took longer is not begun again: somebody waits for the answer. */
const PATIENCE_MS = 10_000;
const LONGEST_PAUSE_MS = 100;
/** How long the server may take to notice that the connection of a commit is gone. */
const SETTLE_MS = 5_000;

/** Another try may do what this one did not, and nothing of this one is left. */
class Undone extends Error {
  override readonly name = 'Undone';
}

/** What this process has open on one database. Handles of the same database share it, and its transactions. */
export class PostgresSession {
  readonly #pool: PostgresPool;
  readonly #release: () => void;
  readonly #ambient = new AsyncLocalStorage<PostgresTransaction>();
  readonly #running = new Set<Promise<unknown>>();
  #users = 0;

  /** `release` is called when the last user left. */
  constructor(pool: PostgresPool, release: () => void) {
    this.#pool = pool;
    this.#release = release;
  }

  /** Runs a read: in the caller's transaction, or by itself, once more when its connection was lost. */
  read<T>(
    own: PostgresTransaction | undefined,
    work: (connection: PostgresConnection) => Promise<T>,
  ): Promise<T> {
    return this.#translated(async () => {
      const transaction = this.#transactionOf(own);
      if (transaction) return transaction.read(work);
      const mayGoOn = patience(READ_ATTEMPTS);
      for (;;) {
        try {
          return await this.#pool.use(work);
        } catch (error) {
          if (!isLost(error) || !mayGoOn()) throw error;
        }
      }
    });
  }

  /** Runs a write, all of it or nothing: as a part of the caller's transaction, or in one of its own. */
  write<T>(
    own: PostgresTransaction | undefined,
    work: (transaction: PostgresTransaction) => Promise<T>,
    explain: Explain = async (error) => error,
  ): Promise<T> {
    return this.#translated(async () => {
      const transaction = this.#transactionOf(own);
      if (transaction) return transaction.part(work, explain);
      try {
        return await this.#land(work, false);
      } catch (error) {
        throw await explain(error);
      }
    });
  }

  /** Runs `work` in a transaction of its own, or in the one it is called from. `work` may be run again. */
  transaction<T>(work: (transaction: PostgresTransaction) => Promise<T>, alone: boolean): Promise<T> {
    return this.#translated(() => {
      const ambient = this.#ambient.getStore();
      if (ambient?.isOpen) {
        if (alone && !ambient.isAlone)
          throw new Error('A transaction that is to run alone was begun within one that does not.');
        return work(ambient);
      }
      return this.#land((transaction) => this.#ambient.run(transaction, () => work(transaction)), alone);
    });
  }

  enter(): this {
    this.#users += 1;
    return this;
  }

  /** Waits for what runs; the last one to leave closes the connections. @throws StoreClosed from inside a transaction */
  async leave(): Promise<void> {
    if (this.#ambient.getStore()?.isOpen) throw new StoreClosed('A transaction cannot close its store');
    await Promise.all(this.#running);
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#release();
    await this.#pool.close();
  }

  #transactionOf(own: PostgresTransaction | undefined): PostgresTransaction | undefined {
    if (own && !own.isOpen) throw new StoreClosed('This transaction has ended');
    const ambient = this.#ambient.getStore();
    return own ?? (ambient?.isOpen ? ambient : undefined);
  }

  async #translated<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#ambient.getStore()?.isOpen !== true) this.#running.add(promise);
    try {
      return await work();
    } catch (error) {
      throw told(error);
    } finally {
      this.#running.delete(promise);
      resolve();
    }
  }

  /** Until it lands, or fails for a reason of its own. */
  async #land<T>(work: (transaction: PostgresTransaction) => Promise<T>, alone: boolean): Promise<T> {
    const mayGoOn = patience(MAX_ATTEMPTS);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(work, alone || attempt > ATTEMPTS_BESIDE);
      } catch (error) {
        const again = isConflict(error) || error instanceof Undone;
        if (!again || !mayGoOn()) throw error instanceof Undone ? error.cause : error;
        await pause(attempt);
      }
    }
  }

  async #attempt<T>(work: (transaction: PostgresTransaction) => Promise<T>, alone: boolean): Promise<T> {
    let committing: PostgresTransaction | undefined;
    let result: T;
    try {
      return await this.#pool.use(async (connection) => {
        const transaction = await PostgresTransaction.begin(connection, alone);
        try {
          result = await work(transaction);
        } catch (error) {
          // What undid the transaction counts, whatever `work` made of it.
          const [undone] = await Promise.allSettled([transaction.seal()]);
          await transaction.rollback();
          throw undone.status === 'rejected' ? undone.reason : error;
        }
        try {
          await transaction.seal();
        } catch (error) {
          await transaction.rollback();
          throw error;
        }
        committing = transaction;
        await transaction.commit();
        committing = undefined;
        return result;
      });
    } catch (error) {
      if (!isLost(error)) throw error;
      if (committing && (await this.#landed(committing, error))) return result!;
      throw new Undone('the connection was lost before the commit', { cause: error });
    }
  }

  /** Asks the server what became of a commit whose answer was lost. @throws StoreUnavailable when nobody can tell */
  async #landed({ id }: PostgresTransaction, cause: unknown): Promise<boolean> {
    const sql = 'select pg_xact_status($1::xid8) as status';
    const ask = (connection: PostgresConnection) =>
      connection.rows<{ status: string | null }>({ sql, parameters: [id] });
    const deadline = performance.now() + SETTLE_MS;
    while (performance.now() < deadline) {
      // A server that starts anew is asked until it answers.
      const [row] = await this.#pool.use(ask).catch(() => [undefined]);
      if (row?.status === 'committed') return true;
      if (row?.status === 'aborted') return false;
      await pause(MAX_ATTEMPTS);
    }
    throw new StoreUnavailable(
      cause,
      'It is not known whether the last write landed: read it again before you repeat it.',
    );
  }
}

/** Tells, at most `attempts - 1` times and not for long, that it may be tried once more. */
function patience(attempts: number): () => boolean {
  const deadline = performance.now() + PATIENCE_MS;
  let left = attempts;
  return () => {
    left -= 1;
    return left > 0 && performance.now() < deadline;
  };
}

/** Random, so that two writers that met do not meet again. */
function pause(attempt: number): Promise<void> {
  const most = Math.min(LONGEST_PAUSE_MS, 5 * 2 ** attempt);
  return new Promise((resolve) => setTimeout(resolve, Math.random() * most));
}
