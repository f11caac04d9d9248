import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageUnavailable } from '../content/errors.ts';
import { sweepTemporary } from '../content/temporary-file.ts';
import { isModelfnError, systemCode } from '../errors.ts';

/**
 * The folder `<cache>/<name>`, filled once a machine. Processes that do it at the same time each fill a folder of
 * their own; the first to rename it wins and the others use that. What fails or is killed leaves nothing under the name.
 * @throws StorageUnavailable, and what `fill` throws
 */
export async function checkoutFolder(
  cacheDirectory: string,
  name: string,
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  const directory = join(cacheDirectory, name);
  if (await hasCheckout(cacheDirectory, name)) return directory;
  const parent = join(cacheDirectory, 'tmp');
  const temporary = join(parent, randomBytes(12).toString('hex'));
  try {
    await sweepTemporary(parent);
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    await renameUnlessThere(temporary, directory);
    return directory;
  } catch (error) {
    if (isModelfnError(error) || systemCode(error) === undefined) throw error;
    throw new StorageUnavailable('Unpacking the codebase', error);
  } finally {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
  }
}

/** True when `checkoutFolder` has nothing to do. */
export function hasCheckout(cacheDirectory: string, name: string): Promise<boolean> {
  return stat(join(cacheDirectory, name)).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const taken = ['EEXIST', 'ENOTEMPTY'].includes(systemCode(error) ?? '');
    if (!taken) throw error;
  }
}
