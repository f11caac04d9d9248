import type { EntityStore } from '../store/entity-store.ts';
import { chunksOf } from './all-matches.ts';
import { datasetEvents, type EventOrigin } from './events.ts';

/**
 * Takes a dataset out of the store with its items and annotations; call it inside a transaction. One event tells
 * of it, not one an item. Recipe and ontology stay: clones and snapshots may point at them.
 */
export async function removeDataset(origin: EventOrigin, store: EntityStore): Promise<void> {
  const scope = { datasetId: origin.dataset.id };
  for (const kind of ['Annotation', 'Item'] as const)
    for (const chunk of chunksOf(await store.ids(kind, { scope }))) await store.delete(kind, chunk);
  await store.delete('Dataset', [origin.dataset.id]);
  await store.appendEvents(datasetEvents(origin, 'Deleted'));
}
