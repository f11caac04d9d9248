import { GitContentRefused } from './errors.ts';
import type { ObjectDatabase, TreeEntry } from './object-database.ts';

/** Paths to the id of a file's new bytes; `undefined` removes the file. */
export type TreeChanges = ReadonlyMap<string, string | undefined>;

const FOLDER = '040000';
const FILE = '100644';
const EXECUTABLE = '100755';

/**
 * Writes the trees of a tree with changes and answers the new root and the trees it had to make, or nothing for a
 * folder that lost its last file. A path with a slash makes its folders.
 * @throws GitContentRefused where a file would take the place of a folder, or a folder that of a file
 */
export async function editTree(
  objects: ObjectDatabase,
  tree: string | undefined,
  changes: TreeChanges,
): Promise<{ tree: string; made: string[] } | undefined> {
  const entries = new Map<string, TreeEntry>();
  for (const entry of tree === undefined ? [] : await objects.tree(tree)) entries.set(entry.name, entry);
  const { files, folders } = split(changes);
  const made: string[] = [];
  for (const [name, below] of folders) {
    const old = entries.get(name);
    const isFile = old !== undefined && old.mode !== FOLDER;
    const isRemoved = files.has(name) && files.get(name) === undefined;
    const edited = await editTree(objects, isFile ? undefined : old?.oid, below);
    if (edited && isFile && !isRemoved)
      throw new GitContentRefused('a file is where a folder is to be', name);
    if (edited) entries.set(name, { mode: FOLDER, name, oid: edited.tree });
    else if (!isFile) entries.delete(name);
    made.push(...(edited?.made ?? []));
  }
  for (const [name, oid] of files) {
    const old = entries.get(name);
    if (oid === undefined) {
      if (old?.mode !== FOLDER) entries.delete(name);
    } else if (old?.mode === FOLDER) throw new GitContentRefused('a folder is where a file is to be', name);
    else entries.set(name, { mode: old?.mode === EXECUTABLE ? EXECUTABLE : FILE, name, oid });
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

function split(changes: TreeChanges): {
  files: Map<string, string | undefined>;
  folders: Map<string, Map<string, string | undefined>>;
} {
  const files = new Map<string, string | undefined>();
  const folders = new Map<string, Map<string, string | undefined>>();
  for (const [path, oid] of changes) {
    const slash = path.indexOf('/');
    if (slash === -1) files.set(path, oid);
    else {
      const name = path.slice(0, slash);
      folders.set(name, (folders.get(name) ?? new Map()).set(path.slice(slash + 1), oid));
    }
  }
  return { files, folders };
}
