import type { Actor } from '../auth/actor.ts';
import type { Item } from '../entities/item.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { datasetFor } from './access.ts';
import { listMatches } from './all-matches.ts';
import { ROOT } from './item-path.ts';

/** One folder and those in it (docs/WIRE.md, Datasets). The root has the dataset's id: no item stands for it. */
export interface DirectoryNode {
  value: { id: string; name: string; dir: string; filename: string; metadata: JsonObject };
  children: DirectoryNode[];
}

/** The folders of a dataset, each level by name. @throws EntityNotFound */
export async function directoryTree(
  platform: Platform,
  actor: Actor,
  datasetId: string,
): Promise<DirectoryNode> {
  const { id } = await datasetFor(platform.store, actor, datasetId);
  const folders = await listMatches(platform.store, 'Item', {
    filter: { type: 'dir', hidden: false },
    scope: { datasetId: id },
  });
  const root: DirectoryNode = {
    value: { id, name: ROOT, dir: ROOT, filename: ROOT, metadata: { system: {} } },
    children: [],
  };
  const nodes = new Map([[ROOT, root]]);
  for (const folder of folders.sort(byFilename)) {
    const node = toNode(folder);
    nodes.set(folder.filename, node);
    (nodes.get(folder.dir) ?? root).children.push(node);
  }
  return root;
}

function toNode({ id, name, dir, filename, metadata }: Item): DirectoryNode {
  return { value: { id, name, dir, filename, metadata }, children: [] };
}

/** Parents before children: a path sorts after each of its prefixes. */
function byFilename(a: Item, b: Item): number {
  return a.filename < b.filename ? -1 : a.filename > b.filename ? 1 : 0;
}
