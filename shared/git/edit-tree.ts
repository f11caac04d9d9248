import type { ObjectDatabase, TreeEntry } from './object-database.ts';

/** Paths to the id of a file's new bytes; `undefined` removes the file. */
export type TreeChanges = ReadonlyMap<string, string | undefined>;

const FOLDER = '040000';
const FILE = '100644';

/**
 * Writes the trees of a tree with changes and answers the new root and the trees it had to make, or nothing for a
 * folder that lost its last file. A path with a slash makes its folders; the caller saw to it that no file is in their place.
 */
export async function editTree(
  objects: ObjectDatabase,
  tree: string | undefined,
  changes: TreeChanges,
): Promise<{ tree: string; made: string[] } | undefined> {
  const entries = new Map<string, TreeEntry>();
  for (const entry of tree === undefined ? [] : await objects.tree(tree)) entries.set(entry.name, entry);
  const made: string[] = [];
  for (const [name, below] of byFolder(changes)) {
    if (below instanceof Map) {
      const old = entries.get(name);
      const edited = await editTree(objects, old?.mode === FOLDER ? old.oid : undefined, below);
      if (edited) entries.set(name, { mode: FOLDER, name, oid: edited.tree });
      else entries.delete(name);
      made.push(...(edited?.made ?? []));
    } else if (below === undefined) entries.delete(name);
    else
      entries.set(name, { mode: entries.get(name)?.mode === '100755' ? '100755' : FILE, name, oid: below });
  }
  if (entries.size === 0) return undefined;
  const oid = await objects.add({ type: 'tree', bytes: encodeTree([...entries.values()]) });
  return { tree: oid, made: [...made, oid] };
}

/** In git's order: by the bytes of the names, folders as if a slash stood behind them. */
export function encodeTree(entries: readonly TreeEntry[]): Buffer {
  const keyed = entries.map((entry) => ({
    entry,
    key: Buffer.from(entry.mode === FOLDER ? `${entry.name}/` : entry.name),
  }));
  keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  return Buffer.concat(
    keyed.flatMap(({ entry: { mode, name, oid } }) => [
      Buffer.from(`${mode.replace(/^0/, '')} ${name}\0`),
      Buffer.from(oid, 'hex'),
    ]),
  );
}

function byFolder(changes: TreeChanges): Map<string, string | undefined | Map<string, string | undefined>> {
  const found = new Map<string, string | undefined | Map<string, string | undefined>>();
  for (const [path, oid] of changes) {
    const slash = path.indexOf('/');
    if (slash === -1) {
      if (!(found.get(path) instanceof Map)) found.set(path, oid);
      continue;
    }
    const name = path.slice(0, slash);
    const below = found.get(name);
    const folder = below instanceof Map ? below : new Map<string, string | undefined>();
    folder.set(path.slice(slash + 1), oid);
    found.set(name, folder);
  }
  return found;
}
