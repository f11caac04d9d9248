import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import * as z from 'zod/mini';

/** A typed array a block file can hold. */
export type Block = Float32Array | Float64Array | Int32Array;

export interface BlockFile {
  /** Free facts, kept as JSON. */
  readonly facts: unknown;
  readonly blocks: readonly Block[];
}

/** What kind of file it is: eight ASCII characters and a version. */
export interface BlockFormat {
  readonly magic: string;
  readonly version: number;
}

/** Raised by `decodeBlocks`; the caller turns it into the error of its own format. */
export class BlockFileFault extends Error {}

/**
 * A small binary container, the base of model files and of saved training states:
 *
 *     0   8 bytes   magic
 *     8   u32       version
 *     12  u32       header length in bytes, a multiple of 8
 *     16  32 bytes  sha256 of all that follows
 *     48            header: JSON { facts, blocks: [{ type, length }] }, padded with spaces
 *                   blocks in that order, each padded with zeros to a multiple of 8
 *
 * All numbers are little-endian. Equal content gives equal bytes.
 */
export function encodeBlocks(format: BlockFormat, file: BlockFile): Uint8Array {
  const shapes = file.blocks.map((block) => ({ type: typeOf(block), length: block.length }));
  const header = padded(JSON.stringify({ facts: file.facts, blocks: shapes }));
  const sizes = file.blocks.map((block) => roundUp(block.byteLength));
  const bytes = Buffer.alloc(sizes.reduce((sum, size) => sum + size, PREFIX_BYTES + header.length));
  header.copy(bytes, PREFIX_BYTES);
  let at = PREFIX_BYTES + header.length;
  file.blocks.forEach((block, index) => {
    copyOut(block, bytes, at);
    at += sizes[index]!;
  });
  bytes.write(format.magic, 0, 'latin1');
  bytes.writeUInt32LE(format.version, 8);
  bytes.writeUInt32LE(header.length, 12);
  digestOf(bytes).copy(bytes, DIGEST_AT);
  return bytes;
}

/**
 * Reads what `encodeBlocks` wrote. The bytes may come from anyone: nothing is allocated before the sizes agree
 * with the length of the file.
 * @throws BlockFileFault saying what is wrong.
 */
export function decodeBlocks(format: BlockFormat, input: Uint8Array): BlockFile {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const headerLength = checkPrefix(format, bytes);
  const header = readHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerLength));
  const bodyBytes = header.blocks.reduce((sum, block) => sum + sizeOf(block), 0);
  const expected = PREFIX_BYTES + headerLength + bodyBytes;
  if (bytes.length !== expected) fail(`it has ${bytes.length} bytes where its header needs ${expected}`);
  if (!digestOf(bytes).equals(bytes.subarray(DIGEST_AT, PREFIX_BYTES)))
    fail('its checksum does not fit its content');
  let at = PREFIX_BYTES + headerLength;
  const blocks = header.blocks.map((block) => {
    const copy = copyIn(block, bytes, at);
    at += sizeOf(block);
    return copy;
  });
  return { facts: header.facts, blocks };
}

const DIGEST_AT = 16;
const PREFIX_BYTES = 48;
/** A header holds sizes and parameters; a longer one is not ours. */
const MAX_HEADER_BYTES = 1 << 20;

const blockShape = z.object({
  type: z.enum(['f32', 'f64', 'i32']),
  length: z.int().check(z.minimum(0), z.maximum(2 ** 32)),
});
const headerSchema = z.object({ facts: z.unknown(), blocks: z.array(blockShape).check(z.maxLength(64)) });
type BlockShape = z.infer<typeof blockShape>;

const CONSTRUCTORS = { f32: Float32Array, f64: Float64Array, i32: Int32Array } as const;

function checkPrefix({ magic, version }: BlockFormat, bytes: Buffer): number {
  if (bytes.length < PREFIX_BYTES) fail(`it ends after ${bytes.length} bytes`);
  if (bytes.toString('latin1', 0, 8) !== magic) fail(`it does not begin with "${magic.trimEnd()}"`);
  const found = bytes.readUInt32LE(8);
  if (found !== version) fail(`it has format version ${found}, this release reads ${version}`);
  const headerLength = bytes.readUInt32LE(12);
  if (headerLength > MAX_HEADER_BYTES)
    fail(`its header claims ${headerLength} bytes, ${MAX_HEADER_BYTES} is the most`);
  if (headerLength % 8 !== 0) fail(`its header length ${headerLength} is not a multiple of 8`);
  if (PREFIX_BYTES + headerLength > bytes.length) fail('it ends inside its header');
  return headerLength;
}

function readHeader(bytes: Buffer): z.infer<typeof headerSchema> {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    fail('its header is not JSON');
  }
  const header = z.safeParse(headerSchema, json);
  if (!header.success) fail('its header does not list its blocks');
  return header.data;
}

function typeOf(block: Block): BlockShape['type'] {
  if (block instanceof Float64Array) return 'f64';
  return block instanceof Float32Array ? 'f32' : 'i32';
}

function sizeOf({ type, length }: BlockShape): number {
  return roundUp(length * CONSTRUCTORS[type].BYTES_PER_ELEMENT);
}

function roundUp(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 8) * 8;
}

function padded(json: string): Buffer {
  const length = Buffer.byteLength(json);
  return Buffer.from(json + ' '.repeat(roundUp(length) - length));
}

function copyOut(block: Block, bytes: Buffer, at: number): void {
  const target = bytes.subarray(at, at + block.byteLength);
  target.set(new Uint8Array(block.buffer, block.byteOffset, block.byteLength));
  toLittleEndian(target, block.BYTES_PER_ELEMENT);
}

function copyIn({ type, length }: BlockShape, bytes: Buffer, at: number): Block {
  const block = new CONSTRUCTORS[type](length);
  const target = Buffer.from(block.buffer);
  bytes.copy(target, 0, at, at + block.byteLength);
  toLittleEndian(target, block.BYTES_PER_ELEMENT);
  return block;
}

/** Swaps in place where the processor is big-endian; its own inverse. */
function toLittleEndian(bytes: Buffer, elementBytes: number): void {
  if (endianness() === 'LE') return;
  if (elementBytes === 8) bytes.swap64();
  else bytes.swap32();
}

function digestOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes.subarray(PREFIX_BYTES)).digest();
}

function fail(problem: string): never {
  throw new BlockFileFault(problem);
}
