import { allMatches } from '../catalog/all-matches.ts';
import { queryOf } from '../datasets/partition-data.ts';
import { systemMetadata } from '../entities/item.ts';
import { stemOf } from '../formats/paths.ts';
import type { Platform } from '../platform.ts';

/** One item that annotations may belong to. */
export interface IndexedItem {
  id: string;
  /** Relative to the folder that is converted to. */
  path: string;
  width: number | undefined;
  height: number | undefined;
}

/**
 * The files below a folder of a dataset by their names: by the whole path; else, as files from elsewhere often name
 * no folder, by the last part of it, where just one item has that. Memory: some 200 bytes an item.
 */
export class ItemIndex {
  readonly #byPath = new Map<string, IndexedItem | 'several'>();
  readonly #byStem = new Map<string, IndexedItem | 'several'>();
  readonly #byName = new Map<string, IndexedItem | 'several'>();
  readonly #byNameStem = new Map<string, IndexedItem | 'several'>();

  /** `folder` ends without a slash; the root is empty. */
  static async open(
    { store }: Pick<Platform, 'store'>,
    datasetId: string,
    folder: string,
  ): Promise<ItemIndex> {
    const index = new ItemIndex();
    for await (const page of allMatches(store, 'Item', queryOf({ datasetId, partition: 'all' })))
      for (const item of page) {
        if (!item.filename.startsWith(`${folder}/`)) continue;
        const { width, height } = systemMetadata(item);
        index.#add({
          id: item.id,
          path: item.filename.slice(folder.length + 1),
          width: typeof width === 'number' ? width : undefined,
          height: typeof height === 'number' ? height : undefined,
        });
      }
    return index;
  }

  find(path: string): IndexedItem | undefined {
    return one(this.#byPath.get(path)) ?? one(this.#byName.get(nameOf(path)));
  }

  /** By a path without its extension. */
  findStem(stem: string): IndexedItem | undefined {
    return one(this.#byStem.get(stem)) ?? one(this.#byNameStem.get(nameOf(stem)));
  }

  #add(item: IndexedItem): void {
    const keys: [Map<string, IndexedItem | 'several'>, string][] = [
      [this.#byPath, item.path],
      [this.#byStem, stemOf(item.path)],
      [this.#byName, nameOf(item.path)],
      [this.#byNameStem, nameOf(stemOf(item.path))],
    ];
    for (const [map, key] of keys) map.set(key, map.has(key) ? 'several' : item);
  }
}

function one(found: IndexedItem | 'several' | undefined): IndexedItem | undefined {
  return found === 'several' ? undefined : found;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
