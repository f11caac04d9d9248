import { layoutProblem } from '../content/folder-layout.ts';
import { relativePathProblem } from '../content/relative-path.ts';
import { dotGitProblem } from './address.ts';
import { GitContentRefused, GitTooLarge } from './errors.ts';
import type { ObjectDatabase, TreeEntry } from './object-database.ts';

/** One file of a commit. */
export interface TreeFile {
  /** Relative and `/`-separated; checked. */
  path: string;
  /** Id of its bytes. */
  oid: string;
}

export interface TreeFilesOptions {
  /** Entries of all folders together. */
  maxFiles: number;
  /** Refuses names that are the same on one file system or another; for what is laid out in a folder. */
  asFolder: boolean;
  signal?: AbortSignal | undefined;
}

const MAX_DEPTH = 100;

/**
 * The files below a tree, in order of path. All of them are checked before the first is answered.
 * @throws GitContentRefused for names that climb or clash, `.git`, links and submodules; GitTooLarge
 */
export async function treeFiles(
  objects: ObjectDatabase,
  tree: string,
  { maxFiles, asFolder, signal }: TreeFilesOptions,
): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  // A folder is counted as a file is: trees that hold each other many times over end here.
  let entries = 0;
  const seen = new Map<string, TreeEntry[]>();
  const walk = async (oid: string, prefix: string, depth: number): Promise<void> => {
    signal?.throwIfAborted();
    if (depth > MAX_DEPTH) throw new GitTooLarge('Folders inside each other', `${MAX_DEPTH}`);
    const tree = seen.get(oid) ?? (await objects.tree(oid));
    seen.set(oid, tree);
    for (const entry of tree) {
      entries += 1;
      if (entries > maxFiles) throw new GitTooLarge('The number of files in the repository', `${maxFiles}`);
      const path = `${prefix}${entry.name}`;
      checkEntry(path, entry.mode);
      if (entry.mode === '040000') await walk(entry.oid, `${path}/`, depth + 1);
      else files.push({ path, oid: entry.oid });
    }
  };
  await walk(tree, '', 0);
  const fault = asFolder && layoutProblem(files.map(({ path }) => ({ path, sizeBytes: 0 })));
  if (fault) throw new GitContentRefused(fault.problem, fault.file);
  checkUnique(files);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function checkEntry(path: string, mode: string): void {
  const problem = relativePathProblem(path) ?? dotGitProblem(path);
  if (problem !== undefined) throw new GitContentRefused(problem, path);
  if (path.includes('\ufffd')) throw new GitContentRefused('it has a name that is not UTF-8', path);
  if (mode === '120000') throw new GitContentRefused('it is a symbolic link', path);
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
