import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ContentCorrupt, StorageUnavailable } from '../content/errors.ts';
import { sha256Of } from '../content/file-digest.ts';
import { sweepTemporary } from '../content/temporary-file.ts';
import type { CodebaseSpec } from '../entities/codebase-spec.ts';
import { isModelfnError, systemCode } from '../errors.ts';
import { unpackArchive } from './archive.ts';
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
    const directory = join(this.#cacheDirectory, item.sha256);
    if (!(await isFolder(directory))) await this.#unpack(item, directory);
    return { directory, digest: item.sha256 };
  }

  async #unpack(item: ArchiveItem, directory: string): Promise<void> {
    const bytes = await item.bytes();
    const found = sha256Of(bytes);
    if (found !== item.sha256)
      throw new ContentCorrupt(
        { sha256: item.sha256, sizeBytes: bytes.byteLength },
        { sha256: found, sizeBytes: bytes.byteLength },
      );
    const parent = join(this.#cacheDirectory, 'tmp');
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
