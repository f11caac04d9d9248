import type { Item } from '../entities/item.ts';
import { isProtocolKey } from '../snapshots/files/manifest.ts';
import { foldersAbove } from './item-path.ts';

/**
 * The matches of a deletion without saved revisions of weights: who empties an item bucket, by whatever filter, deletes
 * the files that are visible in it, and earlier revisions can still be restored. They go with the bucket's own folder, when
 * that is among the matches, and by `gc`. `below` lists what lies below a folder.
 */
export async function withoutHistory(
  matches: readonly Item[],
  below: (folder: Item) => Promise<readonly Item[]>,
): Promise<Item[]> {
  const named = new Set(matches.filter(({ type }) => type === 'dir').map(({ filename }) => filename));
  const isKept = (item: Item): boolean => {
    const bucket = bucketOfHistory(item);
    if (bucket === undefined) return false;
    return ![bucket, ...foldersAbove(bucket)].some((folder) => named.has(folder));
  };
  const keptFolders = new Set<string>();
  const expanded = new Map<string, Item>();
  for (const match of matches) {
    const inner = match.type === 'dir' && isHistoryFolder(match) ? await below(match) : [];
    for (const item of [match, ...inner])
      if (isKept(item)) for (const folder of foldersAbove(item.filename)) keptFolders.add(folder);
      else expanded.set(item.id, item);
  }
  return [...expanded.values()].filter(({ type, filename }) => type !== 'dir' || !keptFolders.has(filename));
}

/** Path of the bucket's folder that a hidden file of history lies in; `undefined` for other items. */
function bucketOfHistory({ type, hidden, filename }: Item): string | undefined {
  if (type !== 'file' || !hidden) return undefined;
  const [, bucket, key] =
    /^(.*?)\/((?:checkpoints\/[^/]+\/)?(?:objects|manifests)\/[^/]+)$/.exec(filename) ?? [];
  return bucket !== undefined && isProtocolKey(key!) ? bucket : undefined;
}

/** A folder that saved revisions lie in; a client's own files may lie there too. */
function isHistoryFolder({ filename }: Item): boolean {
  return /\/(objects|manifests|checkpoints|checkpoints\/[^/]+)$/.test(filename);
}
