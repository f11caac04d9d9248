import type { Item } from '../entities/item.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { chunksOf, listMatches } from './all-matches.ts';
import { type EventOrigin, itemEvents } from './events.ts';
import { belowFolder } from './item-path.ts';

/**
 * Takes items out of the store, folders with all that is below them, within a transaction that is open. Their
 * annotations go too. Answers how many items went.
 */
export async function removeItems(
  origin: EventOrigin,
  store: EntityStore,
  items: readonly Item[],
): Promise<number> {
  const all = await withContents(store, items);
  for (const chunk of chunksOf(all)) {
    const ids = chunk.map(({ id }) => id);
    await removeAnnotationsOf(store, chunk);
    await store.delete('Item', ids);
    const events = itemEvents(origin, 'Deleted', chunk);
    if (events.length > 0) await store.appendEvents(events);
  }
  return all.length;
}

/** All that lies below a folder, at any depth. */
export function itemsBelow(
  store: EntityStore,
  folder: Pick<Item, 'datasetId' | 'filename'>,
): Promise<Item[]> {
  return listMatches(store, 'Item', {
    filter: belowFolder(folder.filename),
    scope: { datasetId: folder.datasetId },
  });
}

async function withContents(store: EntityStore, items: readonly Item[]): Promise<Item[]> {
  const all = new Map(items.map((item) => [item.id, item]));
  for (const folder of items.filter(({ type }) => type === 'dir'))
    for (const inner of await itemsBelow(store, folder)) all.set(inner.id, inner);
  return [...all.values()];
}

async function removeAnnotationsOf(store: EntityStore, items: readonly Item[]): Promise<void> {
  const itemIds = items.filter(({ type }) => type === 'file').map(({ id }) => id);
  if (itemIds.length === 0) return;
  const scope = { datasetId: items[0]!.datasetId };
  const ids = await store.ids('Annotation', { filter: { itemId: { $in: itemIds } }, scope });
  for (const chunk of chunksOf(ids)) await store.delete('Annotation', chunk);
}
