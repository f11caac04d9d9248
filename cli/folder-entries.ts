import { constants, createReadStream } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImportEntry } from '../shared/catalog/item-import.ts';
import { isWithin } from '../shared/content/contained-path.ts';
import type { Partition } from '../shared/entities/item.ts';
import { InvalidInput, messageOf, systemCode } from '../shared/errors.ts';
import { PathUnusable } from './errors.ts';

/** A file of the folder, with its path relative to it, `/`-separated. */
export interface FoundFile {
  path: string;
  absolutePath: string;
}

/** A file that is not taken, and why. */
export interface LeftOutFile {
  path: string;
  reason: string;
}

export interface FoundFiles {
  files: FoundFile[];
  leftOut: LeftOutFile[];
}

/**
 * The files below a folder, in order of path. Names with a leading dot are passed over. Links that leave the folder, and
 * what cannot be read, are left out with a reason; links to folders are not entered.
 * @throws PathUnusable when there is no such folder
 */
export async function findFiles(directory: string): Promise<FoundFiles> {
  const root = await openFolder(directory);
  const found: FoundFiles = { files: [], leftOut: [] };
  await walk(root, root, '', found);
  return found;
}

/** What a folder's files become in a dataset. */
export interface EntryOptions {
  /** Folder of the dataset that gets them, e.g. `/photos`. */
  to: string;
  /** The topmost folder of a file becomes its label. */
  labelsFromFolders?: boolean | undefined;
  partition?: Partition | undefined;
}

/** Files as entries of an import, each opened when it is its turn. */
export function* folderEntries(
  files: readonly FoundFile[],
  { to, labelsFromFolders, partition }: EntryOptions,
): Generator<ImportEntry> {
  for (const { path, absolutePath } of files) {
    const label = labelsFromFolders ? labelOf(path) : undefined;
    yield {
      path: `${to.replace(/\/+$/, '')}/${path}`,
      source: read(path, absolutePath),
      ...(label !== undefined && { label }),
      ...(partition !== undefined && { partition }),
    };
  }
}

/** `cats` of `cats/young/1.png`; a file at the top has none. */
export function labelOf(path: string): string | undefined {
  const slash = path.indexOf('/');
  return slash > 0 ? path.slice(0, slash) : undefined;
}

async function openFolder(directory: string): Promise<string> {
  try {
    const root = await realpath(directory);
    if ((await stat(root)).isDirectory()) return root;
  } catch (error) {
    const problem =
      systemCode(error) === 'ENOENT' ? 'is not there' : `cannot be opened (${messageOf(error)})`;
    throw new PathUnusable(
      directory,
      problem,
      'Give the path of a folder with files, or of a .csv file.',
      error,
    );
  }
  throw new PathUnusable(
    directory,
    'is no folder',
    'Give the path of a folder with files, or of a .csv file.',
  );
}

async function walk(root: string, folder: string, prefix: string, found: FoundFiles): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    found.leftOut.push({ path: prefix, reason: `the folder cannot be read (${systemCode(error)})` });
    return [];
  });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    const path = `${prefix}${entry.name}`;
    const absolutePath = join(folder, entry.name);
    if (entry.isDirectory()) await walk(root, absolutePath, `${path}/`, found);
    else {
      const reason = await problemOf(root, absolutePath);
      if (reason === undefined) found.files.push({ path, absolutePath });
      else found.leftOut.push({ path, reason });
    }
  }
}

/** Why a file cannot be taken; links are followed. */
async function problemOf(root: string, path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    if (!isWithin(root, real)) return 'it is a link that leaves the folder';
    const stats = await stat(real);
    if (stats.isDirectory()) return 'it is a link to a folder';
    if (!stats.isFile()) return 'it is neither a file nor a folder';
    await access(real, constants.R_OK);
    return undefined;
  } catch (error) {
    return systemCode(error) === 'ENOENT'
      ? 'it is a link to nothing'
      : `it cannot be read (${systemCode(error)})`;
  }
}

async function* read(path: string, absolutePath: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(absolutePath) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new InvalidInput(
      'file',
      [{ field: path, problem: `it cannot be read (${messageOf(error)})` }],
      error,
    );
  }
}
