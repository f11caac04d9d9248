import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { EntityKind, EntityKinds } from '../entities/kinds.ts';
import type { KeptLine, LogLine } from '../entities/log-line.ts';
import type { Query } from '../query/query.ts';
import type { EntityStore, OutboxEntry, Page, TransactionOptions, Versioned } from './entity-store.ts';
import { QueryTooSlow, StoreClosed } from './errors.ts';
import { readPostgresAddress } from './postgres-address.ts';
import { connectTo, type PostgresConnection, STATEMENT_TIMEOUT_MS } from './postgres-connection.ts';
import { migrate } from './postgres-database.ts';
import { POSTGRES } from './postgres-dialect.ts';
import {
  changeEntity,
  deleteEntities,
  explainTaken,
  readEntities,
  readEntity,
  readVersions,
  recountAnnotations,
  writeEntities,
} from './postgres-entities.ts';
import { isStatementTimeout, told } from './postgres-errors.ts';
import { readLogs, writeLogs } from './postgres-logs.ts';
import { dropEvents, oldestEvents, writeEvents } from './postgres-outbox.ts';
import { PostgresPool } from './postgres-pool.ts';
import { PostgresSession } from './postgres-session.ts';
import { fromPostgresText } from './postgres-text.ts';
import type { PostgresTransaction } from './postgres-transaction.ts';
import {
  pageOf,
  readPaging,
  type StoredRow,
  selectCount,
  selectIds,
  selectPage,
  totalTold,
} from './queries.ts';
import { type ReportUnreadable, readDocuments, reportOnce } from './unreadable.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`; its parameters are those of `readPostgresAddress`. */
  address: string;
  /** Told about stored documents that cannot be read. Default: nobody. */
  onUnreadable?: ReportUnreadable;
}

/** By address: what one caller does within a transaction belongs to it, by whichever handle. */
const sessions = new Map<string, PostgresSession>();

/**
 * Opens the shared store, connects, and brings its schema up to date. Opened twice in one process, both share their
 * connections.
 * @throws InvalidInput for the address; StoreUnavailable, StoreCorrupt, StoreTooNew
 */
export async function openPostgresStore({
  address,
  onUnreadable = () => {},
}: PostgresOptions): Promise<EntityStore> {
  const server = readPostgresAddress(address);
  const session = (sessions.get(address) ?? begin()).enter();
  try {
    await session.read(undefined, (connection) => migrate(connection));
    return new PostgresStore(session, reportOnce(onUnreadable));
  } catch (error) {
    await session.leave();
    throw told(error);
  }

  function begin(): PostgresSession {
    const pool = new PostgresPool(() => connectTo(server), server.poolSize);
    const begun = new PostgresSession(pool, () => sessions.delete(address));
    sessions.set(address, begun);
    return begun;
  }
}

/**
 * Entities in PostgreSQL, for any number of processes on any number of machines. With `transaction`, its calls land in
 * that one.
 */
class PostgresStore implements EntityStore {
  readonly kind = 'postgres';
  readonly #session: PostgresSession;
  readonly #report: ReportUnreadable;
  readonly #transaction: PostgresTransaction | undefined;
  #isClosed = false;

  constructor(session: PostgresSession, report: ReportUnreadable, transaction?: PostgresTransaction) {
    this.#session = session;
    this.#report = report;
    this.#transaction = transaction;
  }

  async now(): Promise<number> {
    const sql = 'select floor(extract(epoch from clock_timestamp()) * 1000)::text as now';
    const [row] = await this.#read((connection) => connection.rows<{ now: string }>({ sql, parameters: [] }));
    return Number(row!.now);
  }

  async get<K extends EntityKind>(kind: K, id: string): Promise<EntityKinds[K] | undefined> {
    return (await this.#read((connection) => readEntity(connection, kind, id)))?.entity;
  }

  async getMany<K extends EntityKind>(kind: K, ids: readonly string[]): Promise<Versioned<EntityKinds[K]>[]> {
    return this.#read((connection) => readEntities(connection, kind, ids));
  }

  async versions(kind: EntityKind, ids: readonly string[]): Promise<Map<string, number>> {
    return this.#read((connection) => readVersions(connection, kind, ids));
  }

  /** Other processes' writes are known to the server alone. */
  changeMark(): string | undefined {
    this.#assertOpen();
    return undefined;
  }

  async query<K extends EntityKind>(kind: K, query: Query): Promise<Page<EntityKinds[K]>> {
    const paging = readPaging(query);
    const compiled = selectPage(POSTGRES, kind, query);
    return this.#ask(async (connection) => {
      const rows = await connection.rows<StoredRow>(compiled);
      const items = readDocuments<EntityKinds[K]>(
        kind,
        rows,
        query.skipsUnreadable ? this.#report : undefined,
      );
      const total = totalTold(paging, rows.length) ?? (await countMatches(connection, kind, query));
      return pageOf(paging, items, total);
    });
  }

  async count(kind: EntityKind, query: Query): Promise<number> {
    return this.#ask((connection) => countMatches(connection, kind, query));
  }

  async ids(kind: EntityKind, query: Query): Promise<string[]> {
    const compiled = selectIds(POSTGRES, kind, query);
    const rows = await this.#ask((connection) => connection.rows<{ id: string }>(compiled));
    return rows.map(({ id }) => fromPostgresText(id));
  }

  async insert<K extends EntityKind>(kind: K, entities: readonly EntityKinds[K][]): Promise<void> {
    if (entities.length === 0) return;
    await this.#write(
      (connection) => writeEntities(connection, kind, entities, false),
      explainTaken(kind, entities),
    );
  }

  async upsert<K extends EntityKind>(kind: K, entities: readonly EntityKinds[K][]): Promise<void> {
    if (entities.length === 0) return;
    await this.#write(
      (connection) => writeEntities(connection, kind, entities, true),
      explainTaken(kind, entities),
    );
  }

  async update<K extends EntityKind>(
    kind: K,
    id: string,
    change: (current: EntityKinds[K]) => EntityKinds[K],
  ): Promise<EntityKinds[K]> {
    let next: EntityKinds[K] | undefined;
    const noted = (current: EntityKinds[K]): EntityKinds[K] => {
      next = change(current);
      return next;
    };
    return this.#write(
      (connection) => changeEntity(connection, kind, id, noted),
      (error, transaction) => explainTaken(kind, next ? [next] : [])(error, transaction),
    );
  }

  async delete(kind: EntityKind, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    return this.#write((connection) => deleteEntities(connection, kind, ids));
  }

  async refreshAnnotationCounts(itemIds: readonly string[]): Promise<void> {
    if (itemIds.length > 0) await this.#write((connection) => recountAnnotations(connection, itemIds));
  }

  async appendLogs(executionId: string, lines: readonly LogLine[], skipped = 0): Promise<void> {
    if (lines.length > 0)
      await this.#write((connection) => writeLogs(connection, executionId, lines, skipped));
  }

  async readLogs(executionId: string, range: { after: number; limit: number }): Promise<KeptLine[]> {
    return this.#read((connection) => readLogs(connection, executionId, range));
  }

  async appendEvents(events: readonly DatasetEvent[]): Promise<void> {
    if (events.length > 0) await this.#write((connection) => writeEvents(connection, events));
  }

  async readEvents(limit: number): Promise<OutboxEntry[]> {
    return this.#read((connection) => oldestEvents(connection, limit, this.#report));
  }

  async removeEvents(sequences: readonly number[]): Promise<void> {
    if (sequences.length > 0) await this.#write((connection) => dropEvents(connection, sequences));
  }

  async transaction<T>(
    work: (store: EntityStore) => Promise<T>,
    { alone = false }: TransactionOptions = {},
  ): Promise<T> {
    this.#assertOpen();
    if (this.#transaction) return work(this);
    return this.#session.transaction(
      (transaction) => work(new PostgresStore(this.#session, this.#report, transaction)),
      alone,
    );
  }

  async close(): Promise<void> {
    if (this.#transaction) throw new StoreClosed('A transaction cannot close its store');
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      await this.#session.leave();
    } catch (error) {
      this.#isClosed = false;
      throw error;
    }
  }

  /** Runs a query, which the server stops after its statement timeout. @throws QueryTooSlow */
  async #ask<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    try {
      return await this.#read(work);
    } catch (error) {
      throw isStatementTimeout(error) ? new QueryTooSlow(STATEMENT_TIMEOUT_MS, error) : error;
    }
  }

  async #read<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    this.#assertOpen();
    return this.#session.read(this.#transaction, work);
  }

  async #write<T>(
    work: (connection: PostgresConnection) => Promise<T>,
    explain?: ReturnType<typeof explainTaken>,
  ): Promise<T> {
    this.#assertOpen();
    return this.#session.write(this.#transaction, ({ connection }) => work(connection), explain);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreClosed('The store was closed');
  }
}

async function countMatches(connection: PostgresConnection, kind: EntityKind, query: Query): Promise<number> {
  const [row] = await connection.rows<{ n: string }>(selectCount(POSTGRES, kind, query));
  return Number(row!.n);
}
