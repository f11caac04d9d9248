import { isoTime } from '../clock.ts';
import type { Annotation } from '../entities/annotation.ts';
import { type Item, systemMetadata } from '../entities/item.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { listMatches } from './all-matches.ts';
import { annotationEvents, type EventOrigin, itemEvents } from './events.ts';

/** What the bytes of a file tell; kept where the rest of the metadata is not wanted. */
const CONTENT_KEYS = ['originalname', 'mimetype', 'encoding', 'size', 'width', 'height'] as const;

export interface CopyOptions {
  withItemsAnnotations: boolean;
  withMetadata: boolean;
}

/** An item to copy and the path of its copy. */
export interface ItemCopy {
  item: Item;
  path: { filename: string; name: string; dir: string };
  metadata?: JsonObject;
}

/**
 * Inserts copies of files into the origin's dataset within a transaction that is open; the folders above must be
 * there. Bytes are shared, they never change. Answers the copies in order.
 */
export async function copyItems(
  origin: EventOrigin & { platform: Platform },
  store: EntityStore,
  copies: readonly ItemCopy[],
  options: CopyOptions,
): Promise<Item[]> {
  const made = copies.map((copy) => copyOf(origin, copy, options));
  await store.insert('Item', made);
  await store.appendEvents(itemEvents(origin, 'Created', made));
  if (options.withItemsAnnotations) {
    const ids = new Map(copies.map(({ item }, index) => [item.id, made[index]!.id]));
    await copyAnnotations(origin, store, ids);
    const annotated = made.filter((_, index) => copies[index]!.item.annotated);
    return annotated.length > 0 ? readAgain(store, made) : made;
  }
  return made;
}

function copyOf(
  { platform, actor, dataset }: EventOrigin & { platform: Platform },
  { item, path, metadata }: ItemCopy,
  { withMetadata }: CopyOptions,
): Item {
  const kept = withMetadata ? item.metadata : { system: contentKeys(item) };
  return {
    ...item,
    ...path,
    id: platform.ids.objectId(),
    datasetId: dataset.id,
    annotated: false,
    annotationsCount: 0,
    metadata: { ...kept, ...metadata, system: systemMetadata({ metadata: kept }) },
    creator: actor.email,
    createdAt: isoTime(platform.clock),
  };
}

function contentKeys(item: Item): JsonObject {
  const system = systemMetadata(item);
  return Object.fromEntries(
    CONTENT_KEYS.flatMap((key) => (system[key] === undefined ? [] : [[key, system[key]]])),
  );
}

/** New ids throughout; a parent that is copied too is pointed at by its new id. */
async function copyAnnotations(
  origin: EventOrigin & { platform: Platform },
  store: EntityStore,
  itemIds: ReadonlyMap<string, string>,
): Promise<void> {
  const sources = await listMatches(store, 'Annotation', {
    filter: { itemId: { $in: [...itemIds.keys()] } },
  });
  if (sources.length === 0) return;
  const ids = new Map(sources.map(({ id }) => [id, origin.platform.ids.objectId()]));
  const copies = sources.map(
    (source): Annotation => ({
      ...source,
      id: ids.get(source.id)!,
      itemId: itemIds.get(source.itemId)!,
      datasetId: origin.dataset.id,
      metadata: withNewParent(source.metadata, ids),
    }),
  );
  await store.insert('Annotation', copies);
  await store.refreshAnnotationCounts([...itemIds.values()]);
  await store.appendEvents(annotationEvents(origin, 'Created', copies));
}

function withNewParent(metadata: JsonObject, ids: ReadonlyMap<string, string>): JsonObject {
  const system = systemMetadata({ metadata });
  const parentId = typeof system.parentId === 'string' ? ids.get(system.parentId) : undefined;
  return parentId === undefined ? metadata : { ...metadata, system: { ...system, parentId } };
}

async function readAgain(store: EntityStore, items: readonly Item[]): Promise<Item[]> {
  const found = await store.getMany(
    'Item',
    items.map(({ id }) => id),
  );
  return found.map(({ entity }) => entity);
}
