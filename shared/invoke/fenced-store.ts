import type { DatasetEvent } from '../entities/dataset-event.ts';
import type { EntityKind, EntityKinds } from '../entities/kinds.ts';
import type { KeptLine, LogLine } from '../entities/log-line.ts';
import type { Query } from '../query/query.ts';
import type { EntityStore, OutboxEntry, Page, TransactionOptions, Versioned } from '../store/entity-store.ts';
import { LeaseLost } from './errors.ts';
import { assertHeld } from './executions.ts';

/**
 * The store as one run may use it: every write lands in one transaction with the proof that the run still holds its
 * execution. A holder whose lease ran out (its container was frozen, its clock is wrong, its network was away) may go on
 * for as long as it likes: once another one claimed the run, nothing it writes is kept.
 * @throws LeaseLost from every write once another holder has the run
 */
export class FencedStore implements EntityStore {
  readonly #store: EntityStore;
  readonly #executionId: string;
  readonly #holder: string;

  constructor(store: EntityStore, executionId: string, holder: string) {
    this.#store = store;
    this.#executionId = executionId;
    this.#holder = holder;
  }

  get kind(): string {
    return this.#store.kind;
  }

  now(): Promise<number> {
    return this.#store.now();
  }

  get<K extends EntityKind>(kind: K, id: string): Promise<EntityKinds[K] | undefined> {
    return this.#store.get(kind, id);
  }

  getMany<K extends EntityKind>(kind: K, ids: readonly string[]): Promise<Versioned<EntityKinds[K]>[]> {
    return this.#store.getMany(kind, ids);
  }

  versions(kind: EntityKind, ids: readonly string[]): Promise<Map<string, number>> {
    return this.#store.versions(kind, ids);
  }

  changeMark(kind: EntityKind): string | undefined {
    return this.#store.changeMark(kind);
  }

  query<K extends EntityKind>(kind: K, query: Query): Promise<Page<EntityKinds[K]>> {
    return this.#store.query(kind, query);
  }

  count(kind: EntityKind, query: Query): Promise<number> {
    return this.#store.count(kind, query);
  }

  ids(kind: EntityKind, query: Query): Promise<string[]> {
    return this.#store.ids(kind, query);
  }

  readEvents(limit: number): Promise<OutboxEntry[]> {
    return this.#store.readEvents(limit);
  }

  readLogs(executionId: string, range: { after: number; limit: number }): Promise<KeptLine[]> {
    return this.#store.readLogs(executionId, range);
  }

  insert<K extends EntityKind>(kind: K, entities: readonly EntityKinds[K][]): Promise<void> {
    return this.transaction((open) => open.insert(kind, entities));
  }

  upsert<K extends EntityKind>(kind: K, entities: readonly EntityKinds[K][]): Promise<void> {
    return this.transaction((open) => open.upsert(kind, entities));
  }

  update<K extends EntityKind>(
    kind: K,
    id: string,
    change: (current: EntityKinds[K]) => EntityKinds[K],
  ): Promise<EntityKinds[K]> {
    return this.transaction((open) => open.update(kind, id, change));
  }

  delete(kind: EntityKind, ids: readonly string[]): Promise<number> {
    return this.transaction((open) => open.delete(kind, ids));
  }

  refreshAnnotationCounts(itemIds: readonly string[]): Promise<void> {
    return this.transaction((open) => open.refreshAnnotationCounts(itemIds));
  }

  appendLogs(executionId: string, lines: readonly LogLine[], skipped?: number): Promise<void> {
    return this.transaction((open) => open.appendLogs(executionId, lines, skipped));
  }

  appendEvents(events: readonly DatasetEvent[]): Promise<void> {
    return this.transaction((open) => open.appendEvents(events));
  }

  removeEvents(sequences: readonly number[]): Promise<void> {
    return this.transaction((open) => open.removeEvents(sequences));
  }

  transaction<T>(work: (store: EntityStore) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#store.transaction(async (open) => {
      const execution = await open.get('Execution', this.#executionId);
      if (!execution) throw new LeaseLost(this.#executionId);
      assertHeld(execution, this.#holder);
      return work(open);
    }, options);
  }

  /** A run has the store on loan. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
