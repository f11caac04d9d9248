import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { GitContentRefused, GitTooLarge } from './errors.ts';
import type { GitLimits } from './limits.ts';

const [OFS_DELTA, REF_DELTA] = [6, 7];
const HEAD_BYTES = 12;
const TRAILER_BYTES = 20;
const PLAIN_TYPES = [1, 2, 3, 4];

/**
 * Looks a pack through before anything unpacks it: that it is whole, and that no object, also one made from another by
 * a delta, is larger than allowed; a small pack can else unpack to any size. Answers the number of objects.
 * Format: gitformat-pack(5).
 * @throws GitContentRefused, GitTooLarge
 */
export function scanPack(pack: Buffer, limits: GitLimits): number {
  if (pack.byteLength < HEAD_BYTES + TRAILER_BYTES || pack.toString('latin1', 0, 4) !== 'PACK')
    throw new GitContentRefused('it is no pack of objects');
  const end = pack.byteLength - TRAILER_BYTES;
  const sum = createHash('sha1').update(pack.subarray(0, end)).digest();
  if (!sum.equals(pack.subarray(end))) throw new GitContentRefused('the pack is cut or damaged');
  const count = pack.readUInt32BE(8);
  if (count > limits.objects) throw new GitTooLarge(`A pack of ${count} objects`, `${limits.objects}`);
  let at = HEAD_BYTES;
  let total = 0;
  for (let index = 0; index < count; index += 1) {
    const entry = scanEntry(pack, at, end, limits);
    total += entry.sizeBytes;
    if (total > limits.unpackedBytes)
      throw new GitTooLarge('What the repository unpacks to', `${limits.unpackedBytes} bytes`);
    at = entry.next;
  }
  if (at !== end) throw new GitContentRefused('the pack holds more than its objects');
  return count;
}

function scanEntry(
  pack: Buffer,
  start: number,
  end: number,
  limits: GitLimits,
): { sizeBytes: number; next: number } {
  const type = (byteAt(pack, start, end) >> 4) & 7;
  const { value: declared, next: afterSize } = readSize(pack, start, end);
  checkSize(declared, limits);
  let at = afterSize;
  if (type === OFS_DELTA) {
    while ((byteAt(pack, at, end) & 0x80) !== 0) at += 1;
    at += 1;
  } else if (type === REF_DELTA) at += 20;
  else if (!PLAIN_TYPES.includes(type)) throw new GitContentRefused('the pack has an object of unknown type');
  const { bytes, next } = inflateAt(pack, at, end, declared);
  if (PLAIN_TYPES.includes(type)) return { sizeBytes: declared, next };
  const base = readVariable(bytes, 0);
  const result = readVariable(bytes, base.next).value;
  checkSize(result, limits);
  return { sizeBytes: result, next };
}

function checkSize(sizeBytes: number, { fileBytes }: GitLimits): void {
  if (sizeBytes > fileBytes)
    throw new GitTooLarge(`A file of ${sizeBytes} bytes in the repository`, `${fileBytes} bytes a file`);
}

function inflateAt(pack: Buffer, at: number, end: number, declared: number): { bytes: Buffer; next: number } {
  try {
    // The types do not know `info`: with it Node also hands out the engine, which counts what it read.
    const { buffer, engine } = inflateSync(pack.subarray(at, end), {
      info: true,
      maxOutputLength: Math.max(declared, 1),
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    if (buffer.byteLength !== declared)
      throw new GitContentRefused('an object of the pack has another size than it says');
    return { bytes: buffer, next: at + engine.bytesWritten };
  } catch (error) {
    if (error instanceof GitContentRefused) throw error;
    throw new GitContentRefused('an object of the pack is damaged, or larger than it says', undefined, error);
  }
}

/** The size in an entry's head: 4 bits in its first byte, 7 in each that follows. */
function readSize(pack: Buffer, start: number, end: number): { value: number; next: number } {
  const first = byteAt(pack, start, end);
  if ((first & 0x80) === 0) return { value: first & 15, next: start + 1 };
  const { value, next } = readVariable(pack.subarray(0, end), start + 1);
  return { value: (first & 15) + value * 16, next };
}

/** Seven bits a byte, the lowest first. */
function readVariable(bytes: Buffer, start: number): { value: number; next: number } {
  let value = 0;
  for (let at = start, factor = 1; ; at += 1, factor *= 128) {
    const byte = byteAt(bytes, at, bytes.byteLength);
    value += (byte & 0x7f) * factor;
    if (!Number.isSafeInteger(value)) throw new GitContentRefused('the pack has an object of no size');
    if ((byte & 0x80) === 0) return { value, next: at + 1 };
  }
}

function byteAt(bytes: Buffer, at: number, end: number): number {
  const byte = at < end ? bytes[at] : undefined;
  if (byte === undefined) throw new GitContentRefused('the pack is cut or damaged');
  return byte;
}
