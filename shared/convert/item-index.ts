import { allMatches } from '../catalog/all-matches.ts';
import { queryOf } from '../datasets/partition-data.ts';
import { systemMetadata } from '../entities/item.ts';
import type { FoundItem } from '../formats/format.ts';
import type { Platform } from '../platform.ts';
import { PathIndex } from './path-index.ts';

/** One item that annotations may belong to. `path` is relative to the folder that is imported into. */
export interface IndexedItem extends FoundItem {
  id: string;
}

/** Indexes the files below a folder of a dataset. `folder` ends without a slash; the root is empty. */
export async function indexItems(
  { store }: Pick<Platform, 'store'>,
  datasetId: string,
  folder: string,
): Promise<PathIndex<IndexedItem>> {
  const index = new PathIndex<IndexedItem>();
  for await (const page of allMatches(store, 'Item', queryOf({ datasetId, partition: 'all' })))
    for (const item of page) {
      if (!item.filename.startsWith(`${folder}/`)) continue;
      const { width, height } = systemMetadata(item);
      index.add({
        id: item.id,
        path: item.filename.slice(folder.length + 1),
        width: typeof width === 'number' ? width : undefined,
        height: typeof height === 'number' ? height : undefined,
      });
    }
  return index;
}
