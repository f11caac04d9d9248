import type { Item } from '../entities/item.ts';
import { canonicalJson, type JsonObject } from '../json.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { chunksOf } from './all-matches.ts';
import { type EventOrigin, itemEvents } from './events.ts';
import { nextMetadata } from './next-metadata.ts';

/**
 * Merges `metadata` into each item's, within a transaction that is open; those it changes nothing about are not
 * written and have no event. Answers how many changed.
 */
export async function patchItems(
  origin: EventOrigin,
  store: EntityStore,
  items: readonly Item[],
  metadata: JsonObject,
  options: { system: boolean },
): Promise<number> {
  const changed = items.flatMap((item): Item[] => {
    const next = nextMetadata(item.metadata, metadata, options.system);
    return canonicalJson(next) === canonicalJson(item.metadata) ? [] : [{ ...item, metadata: next }];
  });
  for (const chunk of chunksOf(changed)) {
    await store.upsert('Item', chunk);
    await store.appendEvents(itemEvents(origin, 'Updated', chunk));
  }
  return changed.length;
}
