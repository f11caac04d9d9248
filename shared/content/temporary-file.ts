import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../errors.ts';
import type { ContentInfo } from './content-store.ts';
import { ContentTooLarge } from './errors.ts';
import { PRIVATE_FILE } from './private-file.ts';
import { fileVersion } from './walk-folder.ts';

/** Whole bytes in a file nobody else knows of yet, flushed to the disk. */
export interface TemporaryFile extends ContentInfo {
  path: string;
  /** Changes with the bytes; the same before and after `commitFile`. */
  version: string;
  /** Time of the last write, ISO-8601; the same before and after `commitFile`. */
  updatedAt: string;
}

export interface TemporaryOptions {
  maxBytes?: number;
  signal?: AbortSignal | undefined;
  /** False leaves flushing to the system: for caches, whose files are hashed again before they are used. */
  durable?: boolean;
  /** Permission bits, before the process's umask: the owner's alone by default. */
  mode?: number;
}

/** Temporary files of a killed process are swept when older than this. */
const ABANDONED_MS = 24 * 3600 * 1000;

/**
 * Writes a source to a new file in `folder`, hashed on the way and flushed. When anything fails the file is gone.
 * `folder` lies on the file system of the later target.
 * @throws ContentTooLarge after `maxBytes`
 */
export async function writeTemporary(
  folder: string,
  source: AsyncIterable<Uint8Array>,
  options: TemporaryOptions = {},
): Promise<TemporaryFile> {
  const fill = async (handle: FileHandle, path: string) => {
    const content = await pour(source, handle, options);
    if (options.durable ?? true) await handle.sync();
    const stats = await handle.stat({ bigint: true });
    return { ...content, path, version: fileVersion(stats), updatedAt: stats.mtime.toISOString() };
  };
  return fillTemporary(folder, fill, options.mode);
}

/** Has a new file in `folder` filled in any order, and closes it; when that fails the file is gone. */
export async function fillTemporary<T>(
  folder: string,
  fill: (handle: FileHandle, path: string) => Promise<T>,
  mode: number = PRIVATE_FILE,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const path = temporaryPath(folder);
  const handle = await open(path, 'wx+', mode);
  try {
    const made = await fill(handle, path);
    await handle.close();
    return made;
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(path, { force: true }).catch(() => {});
    throw error;
  }
}

/**
 * Gives a temporary file its name in one step, and durably unless told otherwise; the folders above are made.
 * `exclusive` refuses with the system's `EEXIST` when the name is taken, also by another process at the same
 * instant. The temporary file is gone afterwards, whatever happens.
 */
export async function commitFile(
  temporary: Pick<TemporaryFile, 'path'>,
  target: string,
  { exclusive = false, durable = true } = {},
): Promise<void> {
  try {
    const made = await retryWithoutFolder(dirname(target), () =>
      exclusive ? link(temporary.path, target) : rename(temporary.path, target),
    );
    if (!durable) return;
    await syncFolder(dirname(target));
    if (made !== undefined) await syncFoldersUpTo(dirname(target), dirname(made));
  } finally {
    await rm(temporary.path, { force: true }).catch(() => {});
  }
}

/** What lies in a folder of temporary files longer than its process can still live. */
export interface AbandonedFile {
  path: string;
  /** Of a folder, with all that is below it. */
  sizeBytes: number;
}

/** What lies in a folder longer than `maxAgeMs`: by default what killed processes left a day ago. */
export async function findAbandoned(
  folder: string,
  maxAgeMs: number = ABANDONED_MS,
  now: number = Date.now(),
): Promise<AbandonedFile[]> {
  const abandoned: AbandonedFile[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || now - found.mtimeMs <= maxAgeMs) continue;
    abandoned.push({ path, sizeBytes: found.isDirectory() ? await bytesBelow(path) : found.size });
  }
  return abandoned;
}

/** Removes what `findAbandoned` finds, as far as it can; returns what is gone. */
export async function sweepTemporary(
  folder: string,
  maxAgeMs: number = ABANDONED_MS,
  now: number = Date.now(),
): Promise<AbandonedFile[]> {
  const removed: AbandonedFile[] = [];
  for (const file of await findAbandoned(folder, maxAgeMs, now)) {
    const isGone = await rm(file.path, { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (isGone) removed.push(file);
  }
  return removed;
}

/** Bytes of the files below a folder; what goes away meanwhile does not count. */
export async function bytesBelow(folder: string): Promise<number> {
  let sizeBytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])) {
    if (!entry.isFile()) continue;
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    sizeBytes += found?.size ?? 0;
  }
  return sizeBytes;
}

/** A name nobody else takes. */
export function temporaryPath(folder: string): string {
  return join(folder, randomBytes(12).toString('hex'));
}

async function pour(
  source: AsyncIterable<Uint8Array>,
  handle: FileHandle,
  { maxBytes = Number.POSITIVE_INFINITY, signal }: TemporaryOptions,
): Promise<ContentInfo> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  signal?.throwIfAborted();
  for await (const chunk of source) {
    signal?.throwIfAborted();
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) throw new ContentTooLarge(maxBytes);
    hash.update(chunk);
    for (let written = 0; written < chunk.byteLength; ) {
      written += (await handle.write(chunk, written)).bytesWritten;
    }
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

/** A folder may be swept away as empty between making and using it. Answers the topmost folder that had to be made. */
async function retryWithoutFolder(folder: string, work: () => Promise<void>): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      // Swept in the middle of it, even this says that the folder is not there.
      const made = await mkdir(folder, { recursive: true });
      await work();
      return made;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || attempt === 5) throw error;
    }
  }
}

async function syncFoldersUpTo(folder: string, top: string): Promise<void> {
  for (let at = folder; at.length > top.length; at = dirname(at)) await syncFolder(dirname(at));
}

/** Makes new names in a folder survive a power failure. Best effort: some file systems cannot. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
