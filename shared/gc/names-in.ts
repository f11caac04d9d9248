import { readdir } from 'node:fs/promises';
import { StorageUnavailable } from '../content/errors.ts';
import { systemCode } from '../errors.ts';

/** Names in a folder; none when there is no such folder. @throws StorageUnavailable when it cannot be listed */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new StorageUnavailable('Listing a folder for garbage collection', error);
  }
}
