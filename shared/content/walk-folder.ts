import type { BigIntStats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { isWithin } from './contained-path.ts';
import { FileRefused } from './errors.ts';

/** One plain file below a folder. */
export interface FolderEntry {
  /** `/`-separated, relative to the folder. */
  path: string;
  absolutePath: string;
  sizeBytes: number;
  /** Changes when the file is replaced or written to. */
  version: string;
  /** Time of the last write, ISO-8601. */
  updatedAt: string;
  /** See `changeTimeMs`. */
  changedAtMs: number;
}

export interface WalkOptions {
  /** Leaves out a file, or a folder with all below it (`isFolder`); `path` as in `FolderEntry`. */
  skip?: (path: string, isFolder: boolean) => boolean;
  /** Leaves out what has this path, without a system call for it. */
  ignore?: (path: string) => boolean;
}

type Found = FolderEntry & { isFolder: boolean; realPath: string };

/**
 * The files below a folder in order of path. Links are followed as long as they stay inside; a folder that links to
 * one above itself is not entered again. A file that goes away meanwhile is left out.
 * @throws FileRefused for a link that leaves the folder or leads nowhere, and for sockets, pipes and devices
 */
export async function* walkFolder(
  directory: string,
  { skip = () => false, ignore = () => false }: WalkOptions = {},
): AsyncGenerator<FolderEntry> {
  const root = await realpath(directory);
  yield* walk(root, root, '', [root], { skip, ignore });
}

/** Tells one state of a file from the next: inode, size and time of the last write. */
export function fileVersion(stats: BigIntStats): string {
  return `${stats.ino.toString(16)}-${stats.size.toString(16)}-${stats.mtimeNs.toString(16)}`;
}

/** Time of the last change of a file's bytes or attributes, milliseconds since 1970. No program can set it back. */
export function changeTimeMs({ ctimeNs }: BigIntStats): number {
  return Number(ctimeNs) / 1e6;
}

async function* walk(
  root: string,
  folder: string,
  prefix: string,
  above: readonly string[],
  options: Required<WalkOptions>,
): AsyncGenerator<FolderEntry> {
  const found: Found[] = [];
  for (const name of await readdir(folder)) {
    if (options.ignore(prefix + name)) continue;
    const entry = await look(root, join(folder, name), prefix + name);
    if (entry && !options.skip(entry.path, entry.isFolder)) found.push(entry);
  }
  found.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  for (const { isFolder, realPath, ...entry } of found) {
    if (!isFolder) yield entry;
    else if (!above.includes(realPath))
      yield* walk(root, realPath, `${entry.path}/`, [...above, realPath], options);
  }
}

/** A folder sorts as its files do: `a.txt` comes before `a/b`. */
function sortKey(entry: Found): string {
  return entry.isFolder ? `${entry.path}/` : entry.path;
}

async function look(root: string, absolutePath: string, path: string): Promise<Found | undefined> {
  try {
    // The folder was resolved already: only a link can lead elsewhere.
    const own = await lstat(absolutePath, { bigint: true });
    const isLink = own.isSymbolicLink();
    const realPath = isLink ? await realpath(absolutePath) : absolutePath;
    if (!isWithin(root, realPath))
      throw new FileRefused(path, 'it is a symbolic link that leaves its folder');
    const stats = isLink ? await stat(realPath, { bigint: true }) : own;
    if (!stats.isFile() && !stats.isDirectory())
      throw new FileRefused(path, 'it is neither a file nor a folder');
    return {
      path,
      absolutePath,
      realPath,
      isFolder: stats.isDirectory(),
      sizeBytes: Number(stats.size),
      version: fileVersion(stats),
      updatedAt: stats.mtime.toISOString(),
      changedAtMs: changeTimeMs(stats),
    };
  } catch (error) {
    if (systemCode(error) === 'ELOOP')
      throw new FileRefused(path, 'it is a symbolic link in a circle', error);
    if (systemCode(error) !== 'ENOENT') throw error;
    if (!(await isDanglingLink(absolutePath))) return undefined;
    throw new FileRefused(path, 'it is a symbolic link that leads nowhere', error);
  }
}

function isDanglingLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
}
