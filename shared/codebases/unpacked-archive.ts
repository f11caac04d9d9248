import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ContentCorrupt, StorageUnavailable } from '../content/errors.ts';
import { sha256Of } from '../content/file-digest.ts';
import { sweepTemporary } from '../content/temporary-file.ts';
import { isModelfnError, systemCode } from '../errors.ts';
import { unpackArchive } from './archive.ts';
import type { Checkout } from './codebase.ts';

/** A zip by its digest. */
export interface Archive {
  sha256: string;
  /** The zip; asked for only when it is not unpacked on this machine yet. */
  bytes(): Promise<Uint8Array>;
}

/**
 * The folder `<cache>/<sha256>` with an archive's files, unpacked if it is not yet. Processes that do it at the same
 * time each unpack into a folder of their own; the first to rename it wins and the others use that.
 * @throws ContentCorrupt, ArchiveRefused, StorageUnavailable
 */
export async function checkoutArchive(cacheDirectory: string, archive: Archive): Promise<Checkout> {
  const directory = unpackedDirectory(cacheDirectory, archive.sha256);
  if (!(await isFolder(directory))) await unpack(cacheDirectory, archive, directory);
  return { directory, digest: archive.sha256 };
}

/** The checkout of an archive that this machine has unpacked earlier. */
export async function findCheckout(cacheDirectory: string, sha256: string): Promise<Checkout | undefined> {
  const directory = unpackedDirectory(cacheDirectory, sha256);
  return (await isFolder(directory)) ? { directory, digest: sha256 } : undefined;
}

function unpackedDirectory(cacheDirectory: string, sha256: string): string {
  return join(cacheDirectory, sha256);
}

async function unpack(cacheDirectory: string, archive: Archive, directory: string): Promise<void> {
  const bytes = await archive.bytes();
  const found = sha256Of(bytes);
  if (found !== archive.sha256)
    throw new ContentCorrupt(
      { sha256: archive.sha256, sizeBytes: bytes.byteLength },
      { sha256: found, sizeBytes: bytes.byteLength },
    );
  const parent = join(cacheDirectory, 'tmp');
  const temporary = join(parent, randomBytes(12).toString('hex'));
  try {
    await sweepTemporary(parent);
    await mkdir(temporary, { recursive: true });
    await unpackArchive(bytes, temporary);
    await renameUnlessThere(temporary, directory);
  } catch (error) {
    if (isModelfnError(error) || systemCode(error) === undefined) throw error;
    throw new StorageUnavailable('Unpacking the codebase', error);
  } finally {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
  }
}

async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const taken = ['EEXIST', 'ENOTEMPTY'].includes(systemCode(error) ?? '');
    if (!taken) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
