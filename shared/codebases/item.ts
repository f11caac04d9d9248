import { join } from 'node:path';
import { ContentCorrupt } from '../content/errors.ts';
import { sha256Of } from '../content/file-digest.ts';
import type { CodebaseSpec } from '../entities/codebase-spec.ts';
import { unpackArchive } from './archive.ts';
import { checkoutFolder, hasCheckout } from './checkout-folder.ts';
import type { Checkout, Codebase } from './codebase.ts';

/** A zip item as the catalog hands it over. */
export interface ArchiveItem {
  name: string;
  /** Digest of the bytes; the codebase's digest too. */
  sha256: string;
  /** The zip; asked for only when it is not unpacked on this machine yet. */
  bytes(): Promise<Uint8Array>;
}

/**
 * A zip item, unpacked once a machine into `<cache>/<sha256>`. Processes that do it at the same time each unpack into
 * a folder of their own; the first to rename it wins and the others use that.
 */
export class ItemCodebase implements Codebase {
  readonly spec: CodebaseSpec;
  readonly #cacheDirectory: string;
  readonly #readItem: () => Promise<ArchiveItem>;

  constructor(spec: CodebaseSpec, cacheDirectory: string, readItem: () => Promise<ArchiveItem>) {
    this.spec = spec;
    this.#cacheDirectory = cacheDirectory;
    this.#readItem = readItem;
  }

  async checkout(signal?: AbortSignal): Promise<Checkout> {
    const item = await this.#readItem();
    signal?.throwIfAborted();
    const { sha256 } = item;
    if (await hasCheckout(this.#cacheDirectory, sha256))
      return { directory: join(this.#cacheDirectory, sha256), digest: sha256 };
    const bytes = await soundBytes(item);
    const directory = await checkoutFolder(this.#cacheDirectory, sha256, (folder) =>
      unpackArchive(bytes, folder),
    );
    return { directory, digest: sha256 };
  }
}

async function soundBytes(item: ArchiveItem): Promise<Uint8Array> {
  const bytes = await item.bytes();
  const found = sha256Of(bytes);
  if (found === item.sha256) return bytes;
  throw new ContentCorrupt(
    { sha256: item.sha256, sizeBytes: bytes.byteLength },
    { sha256: found, sizeBytes: bytes.byteLength },
  );
}
