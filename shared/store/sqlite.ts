import { resolve } from 'node:path';
import { type Clock, isoTime, systemClock } from '../clock.ts';
import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { EntityKind, EntityKinds } from '../entities/kinds.ts';
import type { KeptLine, LogLine } from '../entities/log-line.ts';
import type { Query } from '../query/query.ts';
import type { EntityStore, OutboxEntry, Page, Versioned } from './entity-store.ts';
import { StoreClosed } from './errors.ts';
import {
  pageOf,
  readPaging,
  type StoredRow,
  selectCount,
  selectIds,
  selectPage,
  totalTold,
} from './queries.ts';
import { isCostly } from './query-cost.ts';
import { connect, type OpenTransaction, type SqliteConnection } from './sqlite-connection.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import {
  changeEntity,
  IDS,
  readEntities,
  readEntity,
  recountAnnotations,
  writeEntities,
} from './sqlite-entities.ts';
import { readLogs, writeLogs } from './sqlite-logs.ts';
import { dropEvents, oldestEvents, writeEvents } from './sqlite-outbox.ts';
import { type Compile, SqliteQueries } from './sqlite-queries.ts';
import { SqliteReader } from './sqlite-reader.ts';
import { TABLES } from './tables.ts';
import { type ReportUnreadable, readDocuments, reportOnce } from './unreadable.ts';

export interface SqliteOptions {
  /** The store's file; made when it is missing. `:memory:` for one that ends with the process. */
  path: string;
  clock?: Clock;
  /** Told about stored documents that cannot be read. Default: nobody. */
  onUnreadable?: ReportUnreadable;
  /**
   * For a process that answers many callers: queries that may take long run in threads of their own and end with QueryTooSlow after
   * this time. Default: they run in place, without a limit.
   */
  queryLimitMs?: number | undefined;
}

/**
 * Opens the embedded store. Opened twice in one process, both share one connection.
 * @throws StoreUnavailable, StoreCorrupt, StoreTooNew
 */
export async function openSqliteStore({
  path,
  clock = systemClock,
  onUnreadable = () => {},
  queryLimitMs: limitMs,
}: SqliteOptions): Promise<EntityStore> {
  const report = reportOnce(onUnreadable);
  const connection = connect(path);
  const hasThreads = limitMs !== undefined && path !== ':memory:';
  const reader = hasThreads ? new SqliteReader({ path: resolve(path), limitMs }) : undefined;
  return new SqliteStore(connection, { clock, report, queries: new SqliteQueries(report), limitMs, reader });
}

/** Shared by a store and its transactions. */
interface Parts {
  clock: Clock;
  report: ReportUnreadable;
  queries: SqliteQueries;
  /** Time of one query that may take long; undefined for no limit. */
  limitMs: number | undefined;
  /** Missing without a limit, and for a store in memory. */
  reader: SqliteReader | undefined;
}

/**
 * Entities in SQLite, in the process itself: a call runs at once and synchronously, unless it waits until a
 * transaction of another caller of this process ended. With `transaction`, its calls land in that one.
 */
class SqliteStore implements EntityStore {
  readonly kind = 'sqlite';
  readonly #connection: SqliteConnection;
  readonly #parts: Parts;
  readonly #transaction: OpenTransaction | undefined;
  #isClosed = false;

  constructor(connection: SqliteConnection, parts: Parts, transaction?: OpenTransaction) {
    this.#connection = connection;
    this.#parts = parts;
    this.#transaction = transaction;
  }

  async now(): Promise<number> {
    this.#assertOpen();
    return this.#parts.clock.now();
  }

  async get<K extends EntityKind>(kind: K, id: string): Promise<EntityKinds[K] | undefined> {
    return this.#read((database) => readEntity(database, kind, id)?.entity);
  }

  async getMany<K extends EntityKind>(kind: K, ids: readonly string[]): Promise<Versioned<EntityKinds[K]>[]> {
    return this.#read((database) => readEntities(database, kind, ids));
  }

  async versions(kind: EntityKind, ids: readonly string[]): Promise<Map<string, number>> {
    return this.#read((database) => {
      const rows = database.rows<{ id: string; version: number }>({
        sql: `select id, version from ${TABLES[kind].name} where id in ${IDS}`,
        parameters: [JSON.stringify(ids)],
      });
      return new Map(rows.map(({ id, version }) => [id, version]));
    });
  }

  changeMark(kind: EntityKind): string | undefined {
    this.#assertOpen();
    return this.#connection.changeMark(kind);
  }

  async query<K extends EntityKind>(kind: K, query: Query): Promise<Page<EntityKinds[K]>> {
    const paging = readPaging(query);
    const rows = await this.#select<StoredRow>(kind, query, (dialect) => selectPage(dialect, kind, query));
    const report = query.skipsUnreadable ? this.#parts.report : undefined;
    const items = readDocuments<EntityKinds[K]>(kind, rows, report);
    return pageOf(paging, items, totalTold(paging, rows.length) ?? (await this.count(kind, query)));
  }

  async count(kind: EntityKind, query: Query): Promise<number> {
    const rows = await this.#select<{ n: number }>(kind, query, (dialect) =>
      selectCount(dialect, kind, query),
    );
    return rows[0]!.n;
  }

  async ids(kind: EntityKind, query: Query): Promise<string[]> {
    const rows = await this.#select<{ id: string }>(kind, query, (dialect) =>
      selectIds(dialect, kind, query),
    );
    return rows.map(({ id }) => id);
  }

  async insert<K extends EntityKind>(kind: K, entities: readonly EntityKinds[K][]): Promise<void> {
    if (entities.length > 0)
      await this.#write(kind, (database) => writeEntities(database, kind, entities, false));
  }

  async upsert<K extends EntityKind>(kind: K, entities: readonly EntityKinds[K][]): Promise<void> {
    if (entities.length > 0)
      await this.#write(kind, (database) => writeEntities(database, kind, entities, true));
  }

  async update<K extends EntityKind>(
    kind: K,
    id: string,
    change: (current: EntityKinds[K]) => EntityKinds[K],
  ): Promise<EntityKinds[K]> {
    return this.#write(kind, (database) => changeEntity(database, kind, id, change));
  }

  async delete(kind: EntityKind, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    const sql = `delete from ${TABLES[kind].name} where id in ${IDS}`;
    return this.#write(kind, (database) => database.run({ sql, parameters: [JSON.stringify(ids)] }));
  }

  async refreshAnnotationCounts(itemIds: readonly string[]): Promise<void> {
    if (itemIds.length > 0) await this.#write('Item', (database) => recountAnnotations(database, itemIds));
  }

  async appendLogs(executionId: string, lines: readonly LogLine[], skipped = 0): Promise<void> {
    if (lines.length > 0)
      await this.#write(undefined, (database) => writeLogs(database, executionId, lines, skipped));
  }

  async readLogs(executionId: string, range: { after: number; limit: number }): Promise<KeptLine[]> {
    return this.#read((database) => readLogs(database, executionId, range));
  }

  async appendEvents(events: readonly DatasetEvent[]): Promise<void> {
    if (events.length > 0)
      await this.#write(undefined, (database) => writeEvents(database, events, isoTime(this.#parts.clock)));
  }

  async readEvents(limit: number): Promise<OutboxEntry[]> {
    return this.#read((database) => oldestEvents(database, limit, this.#parts.report));
  }

  async removeEvents(sequences: readonly number[]): Promise<void> {
    if (sequences.length > 0) await this.#write(undefined, (database) => dropEvents(database, sequences));
  }

  async transaction<T>(work: (store: EntityStore) => Promise<T>): Promise<T> {
    this.#assertOpen();
    if (this.#transaction) return work(this);
    return this.#connection.transaction((transaction) =>
      work(new SqliteStore(this.#connection, this.#parts, transaction)),
    );
  }

  async close(): Promise<void> {
    if (this.#transaction) throw new StoreClosed('A transaction cannot close its store');
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      await this.#connection.leave();
      await this.#parts.reader?.close();
    } catch (error) {
      this.#isClosed = false;
      throw error;
    }
  }

  /** A query that may take long runs in a thread, where there is one; within a transaction it is bounded in time. */
  async #select<Row>(kind: EntityKind, query: Query, compile: Compile): Promise<Row[]> {
    const { queries, reader, limitMs } = this.#parts;
    const isLong = limitMs !== undefined && isCostly(kind, query);
    if (isLong && reader && !this.#connection.isWithin(this.#transaction)) {
      this.#assertOpen();
      const rows = await queries.rowsOf<Row>(reader, compile);
      if (rows) return rows;
      await this.#read((database) => queries.becomeLenient(database));
      return this.#select(kind, query, compile);
    }
    return this.#read((database) => queries.rows<Row>(database, compile, isLong ? limitMs : undefined));
  }

  async #read<T>(work: (database: SqliteDatabase) => T): Promise<T> {
    this.#assertOpen();
    return this.#connection.run(this.#transaction, work);
  }

  /** `kind`: of the entities that are written; none for the outbox. */
  async #write<T>(kind: EntityKind | undefined, work: (database: SqliteDatabase) => T): Promise<T> {
    this.#assertOpen();
    return this.#connection.write(this.#transaction, kind, work);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreClosed('The store was closed');
  }
}
