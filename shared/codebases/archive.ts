import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32, inflateRawSync } from 'node:zlib';
import { type Zippable, zipSync } from 'fflate';
import { layoutProblem } from '../content/folder-layout.ts';
import { PRIVATE_FILE } from '../content/private-file.ts';
import { relativePathProblem } from '../content/relative-path.ts';
import { codeFiles } from './code-folder.ts';
import { ArchiveRefused, CodebaseNotFound } from './errors.ts';
import { readZipDirectory, type ZipEntry } from './zip-directory.ts';

/** What an archive may be at most. Sizes in bytes. */
export interface ArchiveLimits {
  archiveBytes: number;
  unpackedBytes: number;
  files: number;
  /** Unpacked to packed size of the whole, looked at from `ratioFreeBytes` unpacked bytes on. */
  ratio: number;
  ratioFreeBytes: number;
}

/** The client's own limit of 100 MB a codebase (docs/WIRE.md, Codebases), and room for any honest one inside it. */
export const ARCHIVE_LIMITS: Readonly<ArchiveLimits> = Object.freeze({
  archiveBytes: 100 * 2 ** 20,
  unpackedBytes: 500 * 2 ** 20,
  files: 20_000,
  ratio: 100,
  ratioFreeBytes: 16 * 2 ** 20,
});

/** The earliest time a zip can hold; one fixed time makes equal folders equal archives. */
const FIXED_TIME = new Date(1980, 0, 1);
const FILE_MODE = 0o100644;
const [TYPE_MASK, REGULAR, FOLDER] = [0o170000, 0o100000, 0o040000];

/**
 * The code of a folder as a zip. Equal code gives equal bytes, whatever its times, modes and order on disk.
 * @throws ArchiveRefused when it is too large or empty, FileRefused for a link that leaves the folder
 */
export async function packFolder(directory: string, limits = ARCHIVE_LIMITS): Promise<Uint8Array> {
  const entries: Zippable = Object.create(null) as Zippable;
  let unpackedBytes = 0;
  let count = 0;
  for await (const { path, absolutePath } of codeFiles(directory)) {
    const bytes = await readFile(absolutePath);
    unpackedBytes += bytes.byteLength;
    count += 1;
    if (unpackedBytes > limits.unpackedBytes || count > limits.files)
      throw new ArchiveRefused(
        `the folder has more than ${limits.unpackedBytes} bytes or ${limits.files} files`,
      );
    entries[path] = [bytes, { mtime: FIXED_TIME, os: 3, attrs: FILE_MODE << 16, level: 6 }];
  }
  if (count === 0) throw new CodebaseNotFound('the folder has no file', 'Give the folder of the adapter.');
  const archive = zipSync(entries);
  checkArchiveSize(archive, limits);
  return archive;
}

/**
 * Unpacks a zip from anyone into an empty folder. All of it is checked before the first file is written, and every
 * file against its size and checksum.
 * @throws ArchiveRefused for paths that climb, links, names that clash, bombs, damage
 */
export async function unpackArchive(
  archive: Uint8Array,
  directory: string,
  limits = ARCHIVE_LIMITS,
): Promise<void> {
  const files = checkedFiles(archive, limits);
  for (const file of files) {
    const path = join(directory, file.name);
    const bytes = inflate(archive, file);
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, 'wx', PRIVATE_FILE);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function checkedFiles(archive: Uint8Array, limits: ArchiveLimits): ZipEntry[] {
  checkArchiveSize(archive, limits);
  const entries = readZipDirectory(archive, limits.files);
  for (const entry of entries) checkEntry(entry);
  const files = entries.filter(({ name }) => !name.endsWith('/'));
  const fault = layoutProblem(files.map(({ name, sizeBytes }) => ({ path: name, sizeBytes })));
  if (fault) throw new ArchiveRefused(fault.problem, fault.file);
  if (files.length === 0) throw new ArchiveRefused('it has no file');
  checkUnpackedSize(archive, files, limits);
  checkOverlap(files);
  return files;
}

function checkEntry({ name, mode, method }: ZipEntry): void {
  const problem = relativePathProblem(name.endsWith('/') ? name.slice(0, -1) : name);
  if (problem !== undefined) throw new ArchiveRefused(problem, name);
  const type = mode & TYPE_MASK;
  if (type !== 0 && type !== REGULAR && type !== FOLDER)
    throw new ArchiveRefused('it holds a link, a pipe or a device', name);
  if (method !== 0 && method !== 8) throw new ArchiveRefused(`compression method ${method} is unknown`, name);
}

function checkArchiveSize(archive: Uint8Array, { archiveBytes }: ArchiveLimits): void {
  if (archive.byteLength > archiveBytes)
    throw new ArchiveRefused(`it has ${archive.byteLength} bytes, ${archiveBytes} are allowed`);
}

function checkUnpackedSize(archive: Uint8Array, files: readonly ZipEntry[], limits: ArchiveLimits): void {
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > limits.unpackedBytes)
    throw new ArchiveRefused(`it unpacks to ${total} bytes, ${limits.unpackedBytes} are allowed`);
  if (total > limits.ratioFreeBytes && total > archive.byteLength * limits.ratio)
    throw new ArchiveRefused(`it unpacks to more than ${limits.ratio} times its size`);
}

/** Entries that share compressed bytes are how small archives unpack to huge ones. */
function checkOverlap(files: readonly ZipEntry[]): void {
  let end = 0;
  for (const { name, start, compressedBytes } of [...files].sort((a, b) => a.start - b.start)) {
    if (start < end) throw new ArchiveRefused('entries share their bytes', name);
    end = start + compressedBytes;
  }
}

function inflate(
  archive: Uint8Array,
  { name, method, start, compressedBytes, ...entry }: ZipEntry,
): Uint8Array {
  const packed = archive.subarray(start, start + compressedBytes);
  let bytes: Uint8Array;
  try {
    // One byte more than promised is enough to see a lie, and all that is ever kept of it.
    bytes = method === 0 ? packed : inflateRawSync(packed, { maxOutputLength: entry.sizeBytes + 1 });
  } catch (cause) {
    throw new ArchiveRefused('an entry is damaged, or larger than it says', name, cause);
  }
  if (bytes.byteLength !== entry.sizeBytes || crc32(bytes) !== entry.crc32)
    throw new ArchiveRefused('an entry has another size or checksum than it says', name);
  return bytes;
}
