import { layoutProblem } from '../content/folder-layout.ts';
import { relativePathProblem } from '../content/relative-path.ts';
import { dotGitProblem } from './address.ts';
import { GitContentRefused, GitTooLarge } from './errors.ts';
import { LinkFollower } from './follow-link.ts';
import type { ObjectDatabase, TreeEntry } from './object-database.ts';

/** One file of a commit. */
export interface TreeFile {
  /** Relative and `/`-separated; checked. */
  path: string;
  /** Id of its bytes. */
  oid: string;
  /** A symbolic link is on its path. */
  isLinked: boolean;
}

export interface TreeFilesOptions {
  /** Tree of the whole commit: links may lead anywhere in it. */
  root: string;
  /** Path of the tree below `root`; missing when it is the root itself. */
  folder?: string | undefined;
  /** Entries of all folders together. */
  maxFiles: number;
  /** Refuses names that are the same on one file system or another; for what is laid out in a folder. */
  asFolder: boolean;
  signal?: AbortSignal | undefined;
}

const MAX_DEPTH = 100;

/**
 * The files below a tree, in order of path. A symbolic link that stays inside the repository is the file, or the folder, that it
 * leads to. All of them are checked before the first is answered.
 * @throws GitContentRefused for names that climb or clash, `.git`, submodules, and links that leave the repository, lead nowhere or in
 * a circle; GitTooLarge
 */
export async function treeFiles(
  objects: ObjectDatabase,
  tree: string,
  { root, folder, maxFiles, asFolder, signal }: TreeFilesOptions,
): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  // A folder is counted as a file is: trees, or links, that contain each other many times over end here.
  let entries = 0;
  const seen = new Map<string, TreeEntry[]>();
  const treeOf = async (oid: string): Promise<TreeEntry[]> => {
    const tree = seen.get(oid) ?? (await objects.tree(oid));
    seen.set(oid, tree);
    return tree;
  };
  const links = new LinkFollower(objects, root, treeOf);
  /** Folders that the walk is in, by their path in the repository. */
  const open = new Set<string>();
  const walk = async (
    oid: string,
    at: readonly string[],
    prefix: string,
    isLinked: boolean,
  ): Promise<void> => {
    signal?.throwIfAborted();
    const here = at.join('/');
    if (open.has(here))
      throw new GitContentRefused('it is a symbolic link that leads in a circle', prefix.slice(0, -1));
    if (open.size > MAX_DEPTH) throw new GitTooLarge('Folders inside each other', `${MAX_DEPTH}`);
    open.add(here);
    for (const entry of await treeOf(oid)) {
      entries += 1;
      if (entries > maxFiles) throw new GitTooLarge('The number of files in the repository', `${maxFiles}`);
      const path = `${prefix}${entry.name}`;
      checkEntry(path, entry.mode);
      if (entry.mode === '040000') await walk(entry.oid, [...at, entry.name], `${path}/`, isLinked);
      else if (entry.mode === '120000') {
        const target = await links.follow(entry.oid, at, path);
        if (target.kind === 'folder') await walk(target.oid, target.folder, `${path}/`, true);
        else files.push({ path, oid: target.oid, isLinked: true });
      } else files.push({ path, oid: entry.oid, isLinked });
    }
    open.delete(here);
  };
  await walk(tree, folder === undefined ? [] : folder.split('/'), '', false);
  const fault = asFolder && layoutProblem(files.map(({ path }) => ({ path, sizeBytes: 0 })));
  if (fault) throw new GitContentRefused(fault.problem, fault.file);
  checkUnique(files);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function checkEntry(path: string, mode: string): void {
  const problem = relativePathProblem(path) ?? dotGitProblem(path);
  if (problem !== undefined) throw new GitContentRefused(problem, path);
  if (path.includes('\ufffd')) throw new GitContentRefused('it has a name that is not UTF-8', path);
  if (mode === '160000')
    throw new GitContentRefused('it is a submodule; put its files into the repository itself', path);
}

function checkUnique(files: readonly TreeFile[]): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(path)) throw new GitContentRefused('it is listed twice', path);
    seen.add(path);
  }
}
