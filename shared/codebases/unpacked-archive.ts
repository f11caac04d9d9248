import { join } from 'node:path';
import { ContentCorrupt } from '../content/errors.ts';
import { sha256Of } from '../content/file-digest.ts';
import { unpackArchive } from './archive.ts';
import { checkoutFolder, hasCheckout } from './checkout-folder.ts';
import type { Checkout } from './codebase.ts';

/** A zip by its digest. */
export interface Archive {
  sha256: string;
  /** The zip; asked for only when it is not unpacked on this machine yet. */
  bytes(): Promise<Uint8Array>;
}

/**
 * The folder `<cache>/<sha256>` with an archive's files, unpacked if it is not yet.
 * @throws ContentCorrupt, ArchiveRefused, StorageUnavailable
 */
export async function checkoutArchive(cacheDirectory: string, archive: Archive): Promise<Checkout> {
  const known = await findCheckout(cacheDirectory, archive.sha256);
  if (known) return known;
  const bytes = await soundBytes(archive);
  const fill = (folder: string) => unpackArchive(bytes, folder);
  return { directory: await checkoutFolder(cacheDirectory, archive.sha256, fill), digest: archive.sha256 };
}

/** The checkout of an archive that this machine has unpacked earlier. */
export async function findCheckout(cacheDirectory: string, sha256: string): Promise<Checkout | undefined> {
  if (!(await hasCheckout(cacheDirectory, sha256))) return undefined;
  return { directory: join(cacheDirectory, sha256), digest: sha256 };
}

async function soundBytes({ sha256, bytes: read }: Archive): Promise<Uint8Array> {
  const bytes = await read();
  const found = sha256Of(bytes);
  if (found === sha256) return bytes;
  throw new ContentCorrupt(
    { sha256, sizeBytes: bytes.byteLength },
    { sha256: found, sizeBytes: bytes.byteLength },
  );
}
