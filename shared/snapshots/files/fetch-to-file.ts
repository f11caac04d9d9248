import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  rmSync,
  writeSync,
  writevSync,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { ContentInfo } from '../../content/content-store.ts';
import { fillTemporary, temporaryPath } from '../../content/temporary-file.ts';
import { systemCode } from '../../errors.ts';
import { fetchParts, fetchWhole, type Line, type RemoteObject } from './fetch-parts.ts';
import { type FileState, stateOf } from './verified-files.ts';

/** Up to this size a file is fetched into memory and written in one go. */
const SMALL_BYTES = 1 << 20;
/** Shared by hard links: who writes into a folder of weights by mistake is stopped. */
const READ_ONLY = 0o400;

/** A whole object in a file that nobody knows of yet, read-only, its last write on a whole second (`VerifiedFiles`). */
export interface FetchedFile extends ContentInfo {
  path: string;
  state: FileState;
}

/** Brings an object into a new file of `folder`. When it fails there is no file. @throws as `fetchParts` */
export async function fetchToFile(
  folder: string,
  object: RemoteObject,
  line: Line,
  signal: AbortSignal,
): Promise<FetchedFile> {
  const { sizeBytes } = object;
  if (sizeBytes <= SMALL_BYTES) return writeWhole(folder, await fetchWhole(object, line, signal));
  const fill = async (handle: FileHandle, path: string): Promise<FetchedFile> => {
    const sha256 = await fetchParts(object, handle, line, signal);
    const now = Date.now() / 1000;
    await handle.utimes(now, Math.floor(now));
    return { path, sha256, sizeBytes, state: stateOf(await handle.stat({ bigint: true })) };
  };
  return fillTemporary(folder, fill, READ_ONLY);
}

/**
 * Writes a few bytes to a new file of `folder`, in place: by promises the same five calls take ten times as long, and
 * a snapshot may have thousands of small files.
 */
export function writeWhole(folder: string, chunks: readonly Uint8Array[]): FetchedFile {
  const path = temporaryPath(folder);
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  const sizeBytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const descriptor = openInFolder(folder, path);
  try {
    writeAll(descriptor, chunks, sizeBytes);
    const now = Date.now() / 1000;
    futimesSync(descriptor, now, Math.floor(now));
    const state = stateOf(fstatSync(descriptor, { bigint: true }));
    return { path, sha256: hash.digest('hex'), sizeBytes, state };
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function openInFolder(folder: string, path: string): number {
  try {
    return openSync(path, 'wx', READ_ONLY);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    mkdirSync(folder, { recursive: true });
    return openSync(path, 'wx', READ_ONLY);
  }
}

function writeAll(descriptor: number, chunks: readonly Uint8Array[], sizeBytes: number): void {
  let written = sizeBytes === 0 ? 0 : writevSync(descriptor, chunks);
  for (const rest = written < sizeBytes ? Buffer.concat(chunks) : undefined; written < sizeBytes; )
    written += writeSync(descriptor, rest!, written);
}
