import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StorageUnavailable } from '../content/errors.ts';
import { inParallel } from '../content/in-parallel.ts';
import { commitFile, writeTemporary } from '../content/temporary-file.ts';
import { isModelfnError, ModelfnError, systemCode } from '../errors.ts';
import type { SaveProgress } from './files/commit-files.ts';
import { openStored } from './files/copy-files.ts';
import { type Manifest, type WeightFile, weightFiles } from './files/manifest.ts';
import { type ReadManifestOptions, readManifest } from './files/read-manifest.ts';

/** Files written at once. */
const PARALLEL = 4;

/** A folder that was to be filled has something in it, or is none. */
export class FolderNotEmpty extends ModelfnError {
  override readonly name = 'FolderNotEmpty';
  readonly code = 'FolderNotEmpty';
  readonly statusCode = 409;
  constructor(directory: string, cause?: unknown) {
    super(
      `${JSON.stringify(directory)} is not empty, or is no folder; nothing in it was touched. Name a folder that is empty or not there yet.`,
      { details: { directory }, cause },
    );
  }
}

export interface RestoreFilesOptions extends ReadManifestOptions {
  /** Absolute. Empty or absent; the folder above it is made. */
  directory: string;
  onProgress?: SaveProgress;
}

/**
 * Writes a revision's files into a folder, every one verified and flushed. They grow in a sibling that takes the
 * folder's name in one step at the end: there is all of it or nothing. Answers the files.
 * @throws FolderNotEmpty, WeightsMissing, WeightsCorrupt, StorageUnavailable, the bucket's codes
 */
export async function restoreFiles(options: RestoreFilesOptions): Promise<WeightFile[]> {
  const { directory } = options;
  await assertFree(directory);
  const { manifest } = await readManifest(options);
  const sibling = join(
    dirname(directory),
    `.${basename(directory).slice(0, 200)}.${randomBytes(6).toString('hex')}`,
  );
  try {
    await mkdir(join(sibling, 'files'), { recursive: true });
    await fill(sibling, manifest, options);
    await rename(join(sibling, 'files'), directory);
  } catch (error) {
    if (isTaken(error)) throw new FolderNotEmpty(directory, error);
    if (isModelfnError(error) || systemCode(error) === undefined) throw error;
    throw new StorageUnavailable(`Writing to ${directory}`, error);
  } finally {
    await rm(sibling, { recursive: true, force: true }).catch(() => {});
  }
  return weightFiles(manifest);
}

async function fill(sibling: string, manifest: Manifest, options: RestoreFilesOptions): Promise<void> {
  const { bucket, snapshotId, signal, onProgress } = options;
  const { files } = manifest;
  const open = openStored(bucket, manifest, snapshotId, signal);
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let doneBytes = 0;
  await inParallel(files, PARALLEL, async (file: WeightFile) => {
    const temporary = await writeTemporary(join(sibling, 'tmp'), open(file), { signal, mode: 0o666 });
    await commitFile(temporary, join(sibling, 'files', file.path));
    doneBytes += file.sizeBytes;
    onProgress?.({ doneBytes, totalBytes });
  });
}

async function assertFree(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    if (systemCode(error) === 'ENOTDIR') throw new FolderNotEmpty(directory, error);
    throw new StorageUnavailable(`Looking at ${directory}`, error);
  });
  if (names.length > 0) throw new FolderNotEmpty(directory);
}

function isTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemCode(error) ?? '');
}
