import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageUnavailable } from './errors.ts';

/** One block of usual file systems: an empty file may fit on a full disk. */
const PROBE_BYTES = 4096;

/** Writes a block into the state folder and removes it. @throws StorageUnavailable, with the system's code */
export async function probeStateFolder(home: string): Promise<void> {
  const path = join(home, `.probe-${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(new Uint8Array(PROBE_BYTES));
      // Some file systems find out that they are full when they write, not when they are given the bytes.
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new StorageUnavailable('Writing to the state folder', cause);
  } finally {
    await rm(path, { force: true }).catch(() => {});
  }
}
