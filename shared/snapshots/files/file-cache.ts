import { existsSync, linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { copyFile, readFile, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Bucket } from '../../buckets/bucket.ts';
import { chunksOf } from '../../content/byte-source.ts';
import type { ContentInfo } from '../../content/content-store.ts';
import { StorageUnavailable } from '../../content/errors.ts';
import { sha256Of } from '../../content/file-digest.ts';
import { commitFile, writeTemporary } from '../../content/temporary-file.ts';
import { hasCode, isModelfnError, systemCode } from '../../errors.ts';
import { trimCache } from './cache-limit.ts';
import { PackFetch } from './fetch-packed.ts';
import { type Line, openLine, type RemoteObject } from './fetch-parts.ts';
import { type FetchedFile, fetchToFile, writeWhole } from './fetch-to-file.ts';
import { HandedFolders } from './handed-folders.ts';
import type { PlacedFile } from './places.ts';
import { SharedFetches } from './shared-fetches.ts';
import { stamp, VerifiedFiles } from './verified-files.ts';

export interface FetchOptions {
  /** Says which bytes are meant; fetches of one name that overlap in this process are one. */
  name: string;
  /** Gets what came before it is kept; what it throws refuses it. */
  check?: (found: ContentInfo) => void;
  /** Also lay the file out here, in a folder that is there. */
  target?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** What is done with a file that came. */
interface Taking {
  check?: ((found: ContentInfo) => void) | undefined;
  targets?: readonly string[];
}

/** A file of a pack: where it is to be laid out, in folders that are there, and the checks of `fetch`. */
export interface PackedFetch extends PlacedFile, Taking {
  /** Makes the error to throw of what went wrong with it. */
  onFailure: (error: unknown) => unknown;
}

/** What a fetch brought, and how many bytes were moved for it: 0 for who waited for another's fetch. */
export type Fetched = ContentInfo & { movedBytes: number };

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
  readonly #line: Line;
  readonly #verified = new VerifiedFiles();
  readonly #fetches = new SharedFetches<{ file: FetchedFile; isWanted: boolean }>();
  #trimming: Promise<void> = Promise.resolve();
  #nextTrim: Promise<void> | undefined;

  /** `maxBytes` bounds what is kept beside the files in use; 0 keeps only those. */
  constructor(options: { directory: string; maxBytes: number; line?: Partial<Line> }) {
    this.#directory = options.directory;
    this.#maxBytes = options.maxBytes;
    this.#line = openLine(options.line);
    this.handed = new HandedFolders(join(options.directory, 'handed'));
  }

  /** Lays a cached file out at `target`, in a folder that is there; false when it is not cached, or was damaged and therefore dropped. */
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

  /**
   * Brings an object in, hashed while it comes. Several who want it at once share one fetch, each with its own check;
   * it goes on until the last of them is aborted, and stays out of reach of `trim` until the last has its file.
   * @throws ContentCut, ContentTooLarge, the bucket's codes; nothing is kept then
   */
  async fetch(object: RemoteObject, { name, check, target, signal }: FetchOptions): Promise<Fetched> {
    const taking = { check, targets: target === undefined ? [] : [target] };
    return this.#storage('Writing to', () =>
      this.#share(name, taking, signal, (stop) => fetchToFile(this.#temporary, object, this.#line, stop)),
    );
  }

  /**
   * Brings in files of one pack, no two of one digest; answers how many bytes were moved for it. Each file is as if it
   * was fetched alone: one that somebody fetches already is waited for, and who waits for it here is not alone with it.
   * When one cannot be had the rest is given up, as far as nobody else waits for it.
   * @throws what `onFailure` makes of the first failure; else as `fetch`
   */
  async fetchPacked(bucket: Bucket, files: readonly PackedFetch[], signal: AbortSignal): Promise<number> {
    const given = new AbortController();
    const either = AbortSignal.any([signal, given.signal]);
    const together = new PackFetch(bucket, this.#line);
    let movedBytes = 0;
    const takes = files.map(async (file) => {
      try {
        // Bytes that changed on the way are right the second time; those that lie there wrong are not.
        await this.#takeFrom(together, file, either).catch(async (error: unknown) => {
          if (!hasCode(error, 'WeightsCorrupt')) throw error;
          const alone = new PackFetch(bucket, this.#line);
          const again = this.#takeFrom(alone, file, either);
          void alone.run();
          await again;
          movedBytes += alone.movedBytes;
        });
      } catch (error) {
        given.abort(error);
        throw file.onFailure(error);
      }
    });
    void together.run();
    await this.#storage('Writing to', () => firstFailure(takes));
    return movedBytes + together.movedBytes;
  }

  /** Whether a fetch of that name is under way. */
  isFetching(name: string): boolean {
    return this.#fetches.has(name);
  }

  /** Whether there is a file of that name in the cache; whether it is sound, `link` finds out. */
  has(sha256: string): boolean {
    return existsSync(this.#pathOf(sha256));
  }

  /** Takes in a few bytes that are in memory. */
  async put(bytes: Uint8Array): Promise<void> {
    await this.#storage('Writing to', async () => {
      const file = writeWhole(this.#temporary, [bytes]);
      this.#verified.remember(file.state, file.sha256);
      this.#keep(file);
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
      const file = await writeTemporary(this.#temporary, chunksOf(line), { durable: false });
      await commitFile(file, this.#statePath(state), { durable: false });
    });
  }

  /**
   * Drops what was used longest ago until the limit is kept. Files in a folder in use stay, and count. Who asks while
   * it is at work gets the next round, one for all.
   */
  trim(): Promise<void> {
    this.#nextTrim ??= this.#trimming.then(() => {
      this.#nextTrim = undefined;
      const trimming = this.#storage('Trimming', () =>
        trimCache(this.#directory, this.#maxBytes, this.handed),
      );
      this.#trimming = trimming.catch(() => undefined);
      return trimming;
    });
    return this.#nextTrim;
  }

  get #temporary(): string {
    return join(this.#directory, 'tmp');
  }

  /** In the same turn as it is called the file is awaited of the pack, unless somebody fetches it already. */
  async #takeFrom(pack: PackFetch, file: PackedFetch, signal: AbortSignal): Promise<void> {
    await this.#share(file.sha256, file, signal, async (stop) =>
      writeWhole(this.#temporary, await pack.await(file, stop)),
    );
  }

  #share(
    name: string,
    { check, targets = [] }: Taking,
    signal: AbortSignal | undefined,
    begin: (stop: AbortSignal) => Promise<FetchedFile>,
  ): Promise<Fetched> {
    return this.#fetches.run(name, {
      begin: async (stop) => {
        const file = await begin(stop);
        this.#verified.remember(file.state, file.sha256);
        return { file, isWanted: false };
      },
      use: async (made, isFirst) => {
        const { path, sha256, sizeBytes } = made.file;
        check?.({ sha256, sizeBytes });
        made.isWanted = true;
        for (const target of targets) await linkOrCopy(path, target);
        return { sha256, sizeBytes, movedBytes: isFirst ? sizeBytes : 0 };
      },
      end: ({ file, isWanted }) => (isWanted ? this.#keep(file) : rmSync(file.path, { force: true })),
      signal,
    });
  }

  /** Gives a file its place in the cache, in one step that nothing of this process comes between. */
  #keep({ path, sha256 }: FetchedFile): void {
    try {
      moveSync(path, this.#pathOf(sha256));
    } catch {
      // Who wanted it has it. The next load fetches it again, and is told when the disk takes nothing.
      rmSync(path, { force: true });
    }
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

/** False when there is no such file. A link made in place takes a tenth of one by a promise, and loads make thousands. */
async function linkOrCopy(path: string, target: string): Promise<boolean> {
  // Asked first: a cold load misses all, and a failure costs ten times the question.
  if (!existsSync(path)) return false;
  try {
    linkSync(path, target);
    return true;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'ENOENT') return false;
    if (!NO_LINKS.includes(code)) throw error;
    return copyFile(path, target).then(() => true, absentAsFalse);
  }
}

/** Waits for all, then throws what went wrong first. */
async function firstFailure(works: readonly Promise<void>[]): Promise<void> {
  let failure: { error: unknown } | undefined;
  const noted = works.map((work) =>
    work.catch((error: unknown) => {
      failure ??= { error };
    }),
  );
  await Promise.all(noted);
  if (failure) throw failure.error;
}

function moveSync(path: string, target: string): void {
  try {
    renameSync(path, target);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    mkdirSync(dirname(target), { recursive: true });
    renameSync(path, target);
  }
}

function absent(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') throw error;
}

function absentAsFalse(error: unknown): false {
  absent(error);
  return false;
}
