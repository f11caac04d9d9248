import type { BigIntStats } from 'node:fs';
import { rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ByteSource, chunksOf } from '../content/byte-source.ts';
import { isWithin, realPathOf } from '../content/contained-path.ts';
import { FileRefused } from '../content/errors.ts';
import { readFileChunks } from '../content/file-digest.ts';
import { PRIVATE_FILE } from '../content/private-file.ts';
import { commitFile, findAbandoned, sweepTemporary, writeTemporary } from '../content/temporary-file.ts';
import { fileVersion, walkFolder } from '../content/walk-folder.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import { systemCode } from '../errors.ts';
import type {
  Bucket,
  BucketCapabilities,
  ListOptions,
  ObjectInfo,
  ReadOptions,
  WriteOptions,
} from './bucket.ts';
import { BucketNotFound, InvalidKey, ObjectNotFound, PreconditionFailed } from './errors.ts';

/** Where writes grow before they get their name; hidden from everyone. */
const TEMPORARY = '.modelfn-tmp';

/**
 * A folder as a bucket: keys are the paths of its files. The folder is made by the first write; until then the
 * bucket is empty. Links are followed as long as they stay inside. A file and a folder cannot have the same name, so
 * `a` cannot be written while `a/b` is there (`InvalidKey`).
 */
export class LocalBucket implements Bucket {
  readonly spec: BucketSpec;
  readonly capabilities: BucketCapabilities = {
    canWrite: true,
    canReadRanges: true,
    hasPreconditions: true,
    provesWrites: false,
    hasDigestEtags: false,
    prefersFewObjects: false,
  };
  readonly #root: string;
  /** A folder that was named is shared as its owner likes; one of the state folder is private. */
  readonly #mode: number;
  #swept = false;

  /** `root` is absolute and was found to be allowed. */
  constructor(spec: BucketSpec, root: string) {
    this.spec = spec;
    this.#root = root;
    this.#mode = spec.type === 'local' && spec.localPath ? 0o666 : PRIVATE_FILE;
  }

  async *list(prefix = '', { skip: ignore }: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    if (!(await this.#exists())) return;
    const skip = (path: string, isFolder: boolean): boolean =>
      path === TEMPORARY || !canStart(isFolder ? `${path}/` : path, prefix, isFolder);
    for await (const file of walkFolder(this.#root, { skip, ...(ignore && { ignore }) })) {
      const { path, sizeBytes, version, updatedAt, changedAtMs } = file;
      yield { key: path, sizeBytes, etag: version, updatedAt, changedAtMs };
    }
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    const stats = await this.#statFile(await this.#locate(key), key);
    return (
      stats && {
        key,
        sizeBytes: Number(stats.size),
        etag: fileVersion(stats),
        updatedAt: stats.mtime.toISOString(),
      }
    );
  }

  async *read(key: string, { start = 0, end, signal }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const path = await this.#locate(key);
    if ((await this.#statFile(path, key)) === undefined) throw new ObjectNotFound(this.spec.type, key);
    try {
      yield* readFileChunks(path, signal, start, end);
    } catch (error) {
      throw systemCode(error) === 'ENOENT' ? new ObjectNotFound(this.spec.type, key, error) : error;
    }
  }

  async write(
    key: string,
    source: ByteSource,
    { ifAbsent = false, signal }: WriteOptions = {},
  ): Promise<ObjectInfo> {
    const path = await this.#locate(key);
    if (ifAbsent && (await this.stat(key))) throw new PreconditionFailed(this.spec.type, key);
    await this.#sweepOnce();
    const temporary = join(this.#root, TEMPORARY);
    const file = await writeTemporary(temporary, chunksOf(source), { signal, mode: this.#mode });
    try {
      await commitFile(file, path, { exclusive: ifAbsent });
    } catch (error) {
      throw await this.#refusal(key, path, error);
    }
    return { key, sizeBytes: file.sizeBytes, etag: file.version, updatedAt: file.updatedAt };
  }

  async delete(key: string): Promise<void> {
    const path = await this.#locate(key);
    if ((await this.#statFile(path, key)) === undefined) return;
    await unlink(path).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
    await this.#pruneEmptyFolders(dirname(path));
  }

  async unfinished({
    before,
    remove,
  }: {
    before: number;
    remove: boolean;
  }): Promise<{ count: number; sizeBytes: number }> {
    const found = await findAbandoned(join(this.#root, TEMPORARY), 0, before);
    if (remove) for (const { path } of found) await rm(path, { recursive: true, force: true });
    return { count: found.length, sizeBytes: found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }

  /** The path of a key's file. @throws FileRefused when a link on the way leaves the bucket */
  async #locate(key: string): Promise<string> {
    if (key === TEMPORARY || key.startsWith(`${TEMPORARY}/`))
      throw new InvalidKey(key, `"${TEMPORARY}" is reserved for unfinished writes`);
    const path = join(this.#root, key);
    const [root, real] = await Promise.all([realPathOf(this.#root), realPathOf(path)]);
    if (!isWithin(root, real)) throw new FileRefused(key, 'it is a symbolic link that leaves the bucket');
    return path;
  }

  /** `undefined` for what is absent and for folders, which are no objects. */
  async #statFile(path: string, key: string): Promise<BigIntStats | undefined> {
    try {
      const stats = await stat(path, { bigint: true });
      if (stats.isDirectory()) return undefined;
      if (!stats.isFile()) throw new FileRefused(key, 'it is neither a file nor a folder');
      return stats;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  async #exists(): Promise<boolean> {
    try {
      if ((await stat(this.#root)).isDirectory()) return true;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      if (systemCode(error) !== 'ENOTDIR') throw error;
    }
    throw new BucketNotFound('its localPath is a file', 'Give a folder.');
  }

  async #refusal(key: string, path: string, error: unknown): Promise<unknown> {
    const code = systemCode(error) ?? '';
    const isFolder = await stat(path).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    const isTaken = code === 'EEXIST' && (error as NodeJS.ErrnoException).syscall === 'link' && !isFolder;
    if (isTaken) return new PreconditionFailed(this.spec.type, key);
    if (['EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY'].includes(code))
      return new InvalidKey(key, 'a folder of that name, or a file named like one of its folders, is there');
    return error;
  }

  /** Folders exist by their files alone; one that lost its last file goes too. */
  async #pruneEmptyFolders(folder: string): Promise<void> {
    for (let at = folder; at !== this.#root && isWithin(this.#root, at); at = dirname(at)) {
      const removed = await rmdir(at).then(
        () => true,
        () => false,
      );
      if (!removed) return;
    }
  }

  async #sweepOnce(): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    await sweepTemporary(join(this.#root, TEMPORARY));
  }
}

/** Whether a path, or something below it when it is a folder, can start with the prefix. */
function canStart(path: string, prefix: string, isFolder: boolean): boolean {
  return path.startsWith(prefix) || (isFolder && prefix.startsWith(path));
}

function isAbsence(error: unknown): boolean {
  return systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR';
}
