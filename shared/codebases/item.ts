import type { CodebaseSpec } from '../entities/codebase-spec.ts';
import type { Checkout, Codebase } from './codebase.ts';
import { checkoutArchive } from './unpacked-archive.ts';

/** A zip item as the catalog hands it over. */
export interface ArchiveItem {
  name: string;
  /** Digest of the bytes; the codebase's digest too. */
  sha256: string;
  /** The zip; asked for only when it is not unpacked on this machine yet. */
  bytes(): Promise<Uint8Array>;
}

/** A zip item, unpacked once a machine. */
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
    return checkoutArchive(this.#cacheDirectory, item);
  }
}
