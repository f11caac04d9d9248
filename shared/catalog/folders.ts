import type { Actor } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import type { Dataset } from '../entities/dataset.ts';
import type { Item } from '../entities/item.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { assertWritable, datasetFor } from './access.ts';
import { chunksOf, listMatches } from './all-matches.ts';
import { PathTaken } from './errors.ts';
import { foldersAbove, readFolderPath, splitPath } from './item-path.ts';

/** Where new items go, and who puts them there. */
export interface Destination {
  platform: Pick<Platform, 'ids' | 'clock'>;
  actor: Actor;
  dataset: Pick<Dataset, 'id'>;
}

/**
 * Makes a folder with those above it; one that is there is answered as it is.
 * @throws EntityNotFound, DatasetReadonly, InvalidItemPath; PathTaken where a file is in the way.
 */
export async function makeDir(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  path: string,
): Promise<Item> {
  const { filename } = readFolderPath(path);
  return platform.store.transaction(async (store) => {
    const dataset = await datasetFor(store, actor, datasetId);
    assertWritable(dataset);
    await ensureFolders({ platform, actor, dataset }, store, [...foldersAbove(filename), filename]);
    return (await itemsAt(store, dataset.id, [filename])).get(filename)!;
  });
}

/** The folders above each of the paths, those that are missing made. @throws PathTaken where a file is in the way. */
export function ensureFoldersAbove(
  destination: Destination,
  store: EntityStore,
  filenames: readonly string[],
): Promise<void> {
  return ensureFolders(destination, store, filenames.flatMap(foldersAbove));
}

async function ensureFolders(
  { platform, actor, dataset }: Destination,
  store: EntityStore,
  wanted: readonly string[],
): Promise<void> {
  const folders = [...new Set(wanted)];
  const existing = await itemsAt(store, dataset.id, folders);
  for (const item of existing.values()) if (item.type === 'file') throw new PathTaken(item.filename, 'file');
  const missing = folders.filter((folder) => !existing.has(folder));
  const createdAt = isoTime(platform.clock);
  if (missing.length > 0)
    await store.insert(
      'Item',
      missing.map((folder) => ({
        ...splitPath(folder),
        id: platform.ids.objectId(),
        datasetId: dataset.id,
        type: 'dir' as const,
        hidden: false,
        annotated: false,
        annotationsCount: 0,
        metadata: { system: {} },
        creator: actor.email,
        createdAt,
      })),
    );
}

/** The items at these exact paths, by path. */
export async function itemsAt(
  store: EntityStore,
  datasetId: string,
  filenames: readonly string[],
): Promise<Map<string, Item>> {
  const found = new Map<string, Item>();
  for (const chunk of chunksOf(filenames)) {
    const items = await listMatches(store, 'Item', {
      filter: { filename: { $in: chunk } },
      scope: { datasetId },
    });
    for (const item of items) found.set(item.filename, item);
  }
  return found;
}
