import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { EntityKind, EntityKinds } from '../entities/kinds.ts';
import type { KeptLine, LogLine } from '../entities/log-line.ts';
import type { Query } from '../query/query.ts';

/** One page of an answer, in the wire's own names (docs/WIRE.md, Pages). */
export interface Page<E> {
  items: E[];
  totalItemsCount: number;
  totalPagesCount: number;
  hasNextPage: boolean;
}

/** An entity with its row's version: the version goes up by one at every change. */
export interface Versioned<E> {
  entity: E;
  version: number;
}

/**
 * A change waiting to be told to subscribers. `sequence` grows; events are read in its order. An event may come to light
 * after one with a greater sequence: a reader goes by what it removed, not by the last number it saw.
 */
export interface OutboxEntry {
  sequence: number;
  event: DatasetEvent;
  createdAt: string;
}

export interface TransactionOptions {
  /**
   * True: no other writer, of any process, runs from its begin to its end. For work that does something elsewhere which
   * must not meet a write.
   */
  alone?: boolean;
}

/**
 * Where entities are kept. One per process; safe to use from many processes at once.
 *
 * - Reads see every write that was acknowledged before, by any process.
 * - Entities handed out are the caller's own copies; changing one changes nothing in the store.
 * - Order, where none is asked for, is order of insertion.
 * - A write that meets a taken unique name throws `DuplicateEntity` and changes nothing.
 * - Disk full, unwritable or locked for too long: `StoreUnavailable`, retryable, nothing half-written.
 */
export interface EntityStore {
  readonly kind: string;

  /**
   * The store's own time, ms since 1970. Leases are measured by it: containers whose clocks differ agree on when one
   * ended.
   */
  now(): Promise<number>;

  /** `undefined` when there is none by that id. */
  get<K extends EntityKind>(kind: K, id: string): Promise<EntityKinds[K] | undefined>;

  /** The entities found, in the order of `ids`; unknown ids are left out, repeated ids come once. Any number of ids. */
  getMany<K extends EntityKind>(kind: K, ids: readonly string[]): Promise<Versioned<EntityKinds[K]>[]>;

  /** Row versions of the ids found: the cheap way to learn whether a cached entity is still current. */
  versions(kind: EntityKind, ids: readonly string[]): Promise<Map<string, number>>;

  /**
   * A text that stays the same as long as no entity of the kind can have changed, by any process; it may change without
   * one. Costs no query. `undefined` from a store that cannot tell: then `versions` is to be asked.
   */
  changeMark(kind: EntityKind): string | undefined;

  /** Filter, join, sort and page. A page past the end is empty. */
  query<K extends EntityKind>(kind: K, query: Query): Promise<Page<EntityKinds[K]>>;

  /** Number of matches; sort and paging are ignored. */
  count(kind: EntityKind, query: Query): Promise<number>;

  /** Ids of all matches, paging ignored, in the query's order. */
  ids(kind: EntityKind, query: Query): Promise<string[]>;

  /** Inserts all or none. @throws DuplicateEntity for a taken id or unique name. */
  insert<K extends EntityKind>(kind: K, entities: readonly EntityKinds[K][]): Promise<void>;

  /** Inserts; an entity whose id is already there is replaced. All or none. */
  upsert<K extends EntityKind>(kind: K, entities: readonly EntityKinds[K][]): Promise<void>;

  /**
   * Reads, changes and writes one entity with nobody between. `change` gets the current entity and returns the next
   * one; what it throws leaves the entity as it was. It may be run again, so it has no side effects.
   * @throws EntityNotFound
   */
  update<K extends EntityKind>(
    kind: K,
    id: string,
    change: (current: EntityKinds[K]) => EntityKinds[K],
  ): Promise<EntityKinds[K]>;

  /** Deletes what is there of `ids`; answers how many were. */
  delete(kind: EntityKind, ids: readonly string[]): Promise<number>;

  /** Sets `annotated` and `annotationsCount` of the items from the annotations there are now. */
  refreshAnnotationCounts(itemIds: readonly string[]): Promise<void>;

  /**
   * Adds lines to an execution's log, of which the newest are kept (`LOG_LIMITS`); `skipped` lines were dropped before
   * them. They go with the execution when it is deleted.
   */
  appendLogs(executionId: string, lines: readonly LogLine[], skipped?: number): Promise<void>;

  /** Lines of an execution's log after number `after`, at most `limit`, the oldest first. */
  readLogs(executionId: string, range: { after: number; limit: number }): Promise<KeptLine[]>;

  /**
   * Puts events into the outbox; inside `transaction` they leave with the change they tell of, or not at all. Of two
   * transactions, the one that saw what the other wrote has the greater sequences; where neither saw the other, either may.
   */
  appendEvents(events: readonly DatasetEvent[]): Promise<void>;

  /** The oldest events of the outbox. */
  readEvents(limit: number): Promise<OutboxEntry[]>;

  /** Takes delivered events out of the outbox. */
  removeEvents(sequences: readonly number[]): Promise<void>;

  /**
   * Runs `work` with a store whose writes all land or none do. Transactions end as if they had run one after the other:
   * what one reads holds until its end. `work` may be run again when others were in its way, so what it does beside the
   * store can be done twice. Not nested: inside, `transaction` runs `work` in the one already open. Keep the work short
   * and free of network calls.
   */
  transaction<T>(work: (store: EntityStore) => Promise<T>, options?: TransactionOptions): Promise<T>;

  /** Closes the connection; the store cannot be used after. May be called twice. */
  close(): Promise<void>;
}
