import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { systemCode } from '../errors.ts';

/** Permission bits of modelfn's own files: read and written by their owner alone. */
export const PRIVATE_FILE = 0o600;
/** Permission bits of the state folder. */
export const PRIVATE_FOLDER = 0o700;

const OTHERS = 0o077;

/**
 * Creates an empty file with `PRIVATE_FILE` unless the path exists, and takes the rights of other users from one that
 * does. The file is never opened when it exists: closing a second descriptor would drop SQLite's locks on it.
 * Returns false when other users keep their rights: the file belongs to another user, or the path is a folder.
 */
export function ensurePrivateFile(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', PRIVATE_FILE));
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    return statSync(path).isFile() && takeRightsOfOthers(path);
  }
}

/**
 * Removes all rights of group and others from a file or folder. Returns false when that is not possible: the file
 * belongs to another user, or its file system has no permission bits. A missing file counts as done.
 */
export function takeRightsOfOthers(path: string): boolean {
  try {
    const { mode } = statSync(path);
    if ((mode & OTHERS) === 0) return true;
    chmodSync(path, mode & ~OTHERS & 0o7777);
    return (statSync(path).mode & OTHERS) === 0;
  } catch (error) {
    return systemCode(error) === 'ENOENT';
  }
}
