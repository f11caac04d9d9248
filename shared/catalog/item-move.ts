import type { Item } from '../entities/item.ts';
import { InvalidInput } from '../errors.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { PathTaken } from './errors.ts';
import { type EventOrigin, itemEvents } from './events.ts';
import { ensureFoldersAbove, itemsAt } from './folders.ts';
import { readFolderPath, readItemPath, splitPath } from './item-path.ts';
import { itemsBelow } from './item-removal.ts';

/**
 * Makes room for an item at another path of its dataset: folders above are made, and what lies below a folder is
 * moved along. Answers the item as it then is; the caller writes it.
 * @throws InvalidItemPath, PathTaken; InvalidInput for a folder that would go into itself.
 */
export async function relocate(
  origin: EventOrigin & { platform: Platform },
  store: EntityStore,
  item: Item,
  path: string,
): Promise<Item> {
  const target = item.type === 'dir' ? readFolderPath(path) : readItemPath(path);
  if (item.type === 'dir' && target.filename.startsWith(`${item.filename}/`))
    throw new InvalidInput('update of an item', [
      { field: 'filename', problem: `the folder ${JSON.stringify(item.filename)} cannot go into itself` },
    ]);
  const holder = (await itemsAt(store, item.datasetId, [target.filename])).get(target.filename);
  if (holder && holder.id !== item.id) throw new PathTaken(target.filename, holder.type);
  await ensureFoldersAbove(origin, store, [target.filename]);
  if (item.type === 'dir') await moveBelow(origin, store, item, target.filename);
  return { ...item, ...target };
}

async function moveBelow(origin: EventOrigin, store: EntityStore, folder: Item, to: string): Promise<void> {
  const moved = (await itemsBelow(store, folder)).map((inner) => ({
    ...inner,
    // Read again: a long folder name may push a path below it over the limit.
    ...splitPath(readItemPath(to + inner.filename.slice(folder.filename.length)).filename),
  }));
  if (moved.length === 0) return;
  await store.upsert('Item', moved);
  await store.appendEvents(itemEvents(origin, 'Updated', moved));
}
