import { chmod, copyFile, link, mkdir, readFile, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { chunksOf } from '../../content/byte-source.ts';
import type { ContentInfo } from '../../content/content-store.ts';
import { StorageUnavailable } from '../../content/errors.ts';
import { sha256Of } from '../../content/file-digest.ts';
import { commitFile, writeTemporary } from '../../content/temporary-file.ts';
import { isModelfnError, systemCode } from '../../errors.ts';
import { trimCache } from './cache-limit.ts';
import { HandedFolders } from './handed-folders.ts';
import { stamp, VerifiedFiles } from './verified-files.ts';

export interface AddOptions {
  /** Gets what came before it is kept; what it throws refuses it. */
  check?: (found: ContentInfo) => void;
  /** Also lay the file out here. */
  target?: string;
  /** Stop reading after so many bytes. @throws ContentTooLarge */
  maxBytes?: number;
  signal?: AbortSignal | undefined;
}

/** Errors of `link(2)` that say: this file system, or this file, has no further links. Then bytes are copied. */
const NO_LINKS = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * Files by content in a folder that several processes share, so that snapshots with a file in common keep it once.
 * Files are laid out in folders as hard links: taking one out of the cache never takes it from who uses it.
 * Every file that leaves the cache was hashed by this process at least once since it was last written.
 * @throws StorageUnavailable from every method when the disk is full or cannot be written
 */
export class FileCache {
  /** Folders laid out by this process. */
  readonly handed: HandedFolders;
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #verified = new VerifiedFiles();

  /** `maxBytes` bounds what is kept beside the files in use; 0 keeps only those. */
  constructor(options: { directory: string; maxBytes: number }) {
    this.#directory = options.directory;
    this.#maxBytes = options.maxBytes;
    this.handed = new HandedFolders(join(options.directory, 'handed'));
  }

  /** Lays a cached file out at `target`; false when it is not cached, or was damaged and therefore dropped. */
  async link(sha256: string, target: string, signal?: AbortSignal): Promise<boolean> {
    return this.#storage('Reading from', async () => {
      if (!(await linkOrCopy(this.#pathOf(sha256), target))) return false;
      if (await this.holds(target, sha256, signal)) {
        await stamp(target);
        return true;
      }
      await Promise.all([rm(target, { force: true }), rm(this.#pathOf(sha256), { force: true })]);
      return false;
    });
  }

  /** Whether a file laid out earlier still has its bytes. */
  holds(path: string, sha256: string, signal?: AbortSignal): Promise<boolean> {
    return this.#verified.check(path, sha256, signal);
  }

  /** Takes bytes in, hashed while they come. */
  async add(source: AsyncIterable<Uint8Array>, options: AddOptions = {}): Promise<ContentInfo> {
    return this.#storage('Writing to', async () => {
      const { check = () => {}, target, maxBytes = Number.POSITIVE_INFINITY, signal } = options;
      const temporary = join(this.#directory, 'tmp');
      const { path, sha256, sizeBytes } = await writeTemporary(temporary, source, {
        maxBytes,
        signal,
        durable: false,
      });
      try {
        check({ sha256, sizeBytes });
        // Shared by hard links: who writes into a folder of weights by mistake is stopped.
        await chmod(path, 0o444);
        await stamp(path);
        await this.#verified.remember(path, sha256);
        if (target !== undefined) await linkOrCopy(path, target);
        await commitFile({ path }, this.#pathOf(sha256), { durable: false });
      } finally {
        await rm(path, { force: true });
      }
      return { sha256, sizeBytes };
    });
  }

  /** The bytes of a small cached file; `undefined` when it is not cached, or was damaged and therefore dropped. */
  async bytes(sha256: string): Promise<Uint8Array | undefined> {
    return this.#storage('Reading from', async () => {
      const path = this.#pathOf(sha256);
      const bytes = await readFile(path).catch(absent);
      if (bytes === undefined) return undefined;
      if (sha256Of(bytes) !== sha256) {
        await rm(path, { force: true });
        return undefined;
      }
      await stamp(path).catch(absent);
      return new Uint8Array(bytes);
    });
  }

  /** What an object was found to be when it was last read, by any text that identifies its state. */
  async recall(state: string): Promise<ContentInfo | undefined> {
    const path = this.#statePath(state);
    const text = await readFile(path, 'utf8').catch(() => '');
    const found = /^([0-9a-f]{64}) (\d+)\n$/.exec(text);
    if (found === null) return undefined;
    const now = Date.now() / 1000;
    await utimes(path, now, now).catch(() => {});
    return { sha256: found[1]!, sizeBytes: Number(found[2]) };
  }

  /** Notes for `recall` what an object in this state is. */
  async note(state: string, { sha256, sizeBytes }: ContentInfo): Promise<void> {
    await this.#storage('Writing to', async () => {
      const line = Buffer.from(`${sha256} ${sizeBytes}\n`);
      const file = await writeTemporary(join(this.#directory, 'tmp'), chunksOf(line), { durable: false });
      await commitFile(file, this.#statePath(state), { durable: false });
    });
  }

  /** Drops what was used longest ago until the limit is kept. Files in a folder in use stay, and count. */
  async trim(): Promise<void> {
    await this.#storage('Trimming', () => trimCache(this.#directory, this.#maxBytes, this.handed));
  }

  #pathOf(sha256: string): string {
    return join(this.#directory, 'objects', sha256.slice(0, 2), sha256);
  }

  #statePath(state: string): string {
    return join(this.#directory, 'states', sha256Of(state));
  }

  async #storage<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isModelfnError(error) || systemCode(error) === undefined) throw error;
      throw new StorageUnavailable(`${doing} the cache of weights`, error);
    }
  }
}

/** False when there is no such file. */
async function linkOrCopy(path: string, target: string): Promise<boolean> {
  await mkdir(dirname(target), { recursive: true });
  try {
    await link(path, target);
    return true;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'ENOENT') return false;
    if (!NO_LINKS.includes(code)) throw error;
    return copyFile(path, target).then(() => true, absentAsFalse);
  }
}

function absent(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') throw error;
}

function absentAsFalse(error: unknown): false {
  absent(error);
  return false;
}
