import type { EntityKind, EntityKinds } from '../entities/kinds.ts';
import type { Query } from '../query/query.ts';
import type { EntityStore } from '../store/entity-store.ts';

const PAGE_SIZE = 2_000;
/** Ids in one condition. */
export const CHUNK_SIZE = 500;

/** Every match of a query, page by page; the query's own paging is ignored. Not for writes to what is matched. */
export async function* allMatches<K extends EntityKind>(
  store: EntityStore,
  kind: K,
  query: Query,
): AsyncGenerator<EntityKinds[K][]> {
  for (let page = 0; ; page += 1) {
    const answer = await store.query(kind, { ...query, page, pageSize: PAGE_SIZE });
    if (answer.items.length > 0) yield answer.items;
    if (!answer.hasNextPage) return;
  }
}

/** Every match of a query that is known to be small. */
export async function listMatches<K extends EntityKind>(
  store: EntityStore,
  kind: K,
  query: Query,
): Promise<EntityKinds[K][]> {
  const found: EntityKinds[K][] = [];
  for await (const page of allMatches(store, kind, query)) for (const entity of page) found.push(entity);
  return found;
}

/** A list in parts of at most `size`. */
export function chunksOf<T>(list: readonly T[], size: number = CHUNK_SIZE): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
