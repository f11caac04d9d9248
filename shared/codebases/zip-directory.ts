import { ArchiveRefused } from './errors.ts';

/** One entry of a zip's central directory. Layout: APPNOTE.TXT 6.3.10, section 4.3.12. */
export interface ZipEntry {
  /** As written in the archive; not yet checked. */
  name: string;
  /** 0 stored, 8 deflated. */
  method: number;
  crc32: number;
  compressedBytes: number;
  sizeBytes: number;
  /** Unix mode, 0 when the archive was made where there is none. */
  mode: number;
  /** Where its compressed bytes lie in the archive. */
  start: number;
}

const END_SIGNATURE = 0x06054b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_COMMENT_BYTES = 0xffff;
const ENCRYPTED = 1;
const STREAMED = 8;

/**
 * Reads the list of entries without unpacking any. fflate's own reader keeps neither modes (so links cannot be told)
 * nor entries of equal name, which is why it is read here.
 * @throws ArchiveRefused for a file that is not a zip, or is cut, split, encrypted, in the 64-bit form, or whose heads disagree with the
 * list of entries
 */
export function readZipDirectory(archive: Uint8Array, maxEntries: number): ZipEntry[] {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  try {
    return readEntries(view, maxEntries);
  } catch (error) {
    if (error instanceof RangeError) throw new ArchiveRefused('it is cut or damaged', undefined, error);
    throw error;
  }
}

function readEntries(view: DataView, maxEntries: number): ZipEntry[] {
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  const directoryStart = view.getUint32(end + 16, true);
  if (view.getUint16(end + 4, true) !== 0 || count !== view.getUint16(end + 8, true))
    throw new ArchiveRefused('it is split over several files');
  if (count === 0xffff || directoryStart === 0xffffffff)
    throw new ArchiveRefused('it is in the 64-bit form of zip');
  if (count > maxEntries) throw new ArchiveRefused(`it has ${count} entries, ${maxEntries} are allowed`);
  const entries: ZipEntry[] = [];
  let at = directoryStart;
  for (let index = 0; index < count; index += 1) {
    const { entry, next } = readEntry(view, at, directoryStart);
    entries.push(entry);
    at = next;
  }
  if (at > end) throw new ArchiveRefused('its list of entries runs over its end');
  return entries;
}

function findEnd(view: DataView): number {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at -= 1) {
    const isEnd = view.getUint32(at, true) === END_SIGNATURE;
    if (isEnd && at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength) return at;
  }
  throw new ArchiveRefused('it is no zip file');
}

function readEntry(view: DataView, at: number, directoryStart: number): { entry: ZipEntry; next: number } {
  if (view.getUint32(at, true) !== CENTRAL_SIGNATURE)
    throw new ArchiveRefused('its list of entries is damaged');
  const nameBytes = view.getUint16(at + 28, true);
  const next = at + CENTRAL_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  const name = decodeName(new Uint8Array(view.buffer, view.byteOffset + at + CENTRAL_BYTES, nameBytes));
  if ((view.getUint16(at + 8, true) & ENCRYPTED) !== 0)
    throw new ArchiveRefused('an entry is encrypted', name);
  const compressedBytes = view.getUint32(at + 20, true);
  const start = dataStart(view, at, name);
  if (start + compressedBytes > directoryStart) throw new ArchiveRefused('an entry runs over its end', name);
  const entry = {
    name,
    method: view.getUint16(at + 10, true),
    crc32: view.getUint32(at + 16, true),
    compressedBytes,
    sizeBytes: view.getUint32(at + 24, true),
    mode: view.getUint32(at + 38, true) >>> 16,
    start,
  };
  return { entry, next };
}

/**
 * Start of an entry's bytes, behind its own head. Some programs go by the heads and others by the list of entries: where the two
 * disagree, one that checks an archive sees other files than one that unpacks it. `listed`: where the list has the entry.
 */
function dataStart(view: DataView, listed: number, name: string): number {
  const at = view.getUint32(listed + 42, true);
  if (view.getUint32(at, true) !== LOCAL_SIGNATURE) throw new ArchiveRefused('an entry has no head', name);
  const nameBytes = view.getUint16(at + 26, true);
  const problem = disagreement(view, { head: at, listed, nameBytes });
  if (problem !== undefined)
    throw new ArchiveRefused(`the head of an entry has another ${problem} than the list of entries`, name);
  return at + LOCAL_BYTES + nameBytes + view.getUint16(at + 28, true);
}

/** Field in which an entry's local header and the central directory differ. */
function disagreement(
  view: DataView,
  { head, listed, nameBytes }: { head: number; listed: number; nameBytes: number },
): string | undefined {
  const namesDiffer =
    nameBytes !== view.getUint16(listed + 28, true) ||
    !areEqual(bytesAt(view, head + LOCAL_BYTES, nameBytes), bytesAt(view, listed + CENTRAL_BYTES, nameBytes));
  if (namesDiffer) return 'name';
  if (view.getUint16(head + 8, true) !== view.getUint16(listed + 10, true)) return 'compression';
  if (((view.getUint16(head + 6, true) ^ view.getUint16(listed + 8, true)) & ENCRYPTED) !== 0)
    return 'encryption';
  // An archive that was written as a stream has zeros in its heads, and the numbers behind the bytes.
  const isStreamed = (view.getUint16(head + 6, true) & STREAMED) !== 0;
  const numbers = [
    ['checksum', 14, 16],
    ['compressed size', 18, 20],
    ['size', 22, 24],
  ] as const;
  for (const [what, inHead, inList] of numbers) {
    const own = view.getUint32(head + inHead, true);
    if (own !== view.getUint32(listed + inList, true) && !(isStreamed && own === 0)) return what;
  }
  return undefined;
}

function bytesAt(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, index) => byte === b[index]);
}

function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ArchiveRefused('the name of an entry is not UTF-8', undefined, cause);
  }
}
