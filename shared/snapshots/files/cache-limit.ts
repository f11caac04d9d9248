import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sweepTemporary } from '../../content/temporary-file.ts';
import type { HandedFolders } from './handed-folders.ts';

const DAY_MS = 24 * 3600 * 1000;
/** A note of what a bare object was is dropped when nobody asked for it in this time. */
const STATE_MS = 30 * DAY_MS;

type CachedFile = { path: string; ino: number; sizeBytes: number; usedMs: number; links: number };

/**
 * Keeps a cache folder at `maxBytes`: first folders of dead processes and folders of this one without a user go, then
 * objects that no folder holds, longest unused first. What a folder in use holds would free nothing; it stays.
 */
export async function trimCache(directory: string, maxBytes: number, handed: HandedFolders): Promise<void> {
  await handed.sweepDead();
  await sweepTemporary(join(directory, 'tmp'), DAY_MS);
  await sweepTemporary(join(directory, 'states'), STATE_MS);
  const objects = join(directory, 'objects');
  while ((await cachedBytes(directory)) > maxBytes) {
    if (await handed.dropOne()) continue;
    await dropObjects(objects, (await cachedBytes(directory)) - maxBytes);
    return;
  }
}

/** Bytes a cache folder takes on disk: a file with several links counts once. */
export async function cachedBytes(directory: string): Promise<number> {
  const folders = [join(directory, 'objects'), join(directory, 'handed')];
  const sizes = new Map<number, number>();
  for (const folder of folders) {
    for (const { ino, sizeBytes } of await filesBelow(folder)) sizes.set(ino, sizeBytes);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

async function dropObjects(folder: string, excessBytes: number): Promise<void> {
  const unused = (await filesBelow(folder)).filter(({ links }) => links === 1);
  unused.sort((a, b) => a.usedMs - b.usedMs);
  let left = excessBytes;
  for (const { path, sizeBytes } of unused) {
    if (left <= 0) return;
    await rm(path, { force: true });
    left -= sizeBytes;
  }
}

/** Other processes add and remove meanwhile: what is gone when looked at does not count. */
async function filesBelow(folder: string): Promise<CachedFile[]> {
  const files: CachedFile[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    files.push({ path, ino: found.ino, sizeBytes: found.size, usedMs: found.atimeMs, links: found.nlink });
  }
  return files;
}
