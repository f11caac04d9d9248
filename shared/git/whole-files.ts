import { randomBytes } from 'node:crypto';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import type { PromiseFsClient } from 'isomorphic-git';

/**
 * Node's file system for isomorphic-git, with files that appear whole: it writes objects in place, and a process
 * killed meanwhile would leave half of one under its name for good.
 */
export const WHOLE_FILES: PromiseFsClient = {
  promises: {
    readFile,
    writeFile: writeWhole,
    mkdir,
    rmdir,
    unlink,
    stat,
    lstat,
    readdir,
    readlink,
    symlink,
  },
};

async function writeWhole(path: string, data: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, data, { flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
