import { isBmp } from './bmp-header.ts';

/** Pixels row by row from the top; with an alpha channel where the file has one. */
export interface BmpPixels {
  width: number;
  height: number;
  channels: 3 | 4;
  data: Uint8Array;
}

/** Values of the header's field of that name (Windows SDK, wingdi.h). */
const COMPRESSION = { none: 0, rle8: 1, rle4: 2, masks: 3, alphaMasks: 6 } as const;
const DEPTHS = [1, 2, 4, 8, 16, 24, 32];
const FILE_HEADER_BYTES = 14;
const OLD_HEADER_BYTES = 12;
const PLAIN_HEADER_BYTES = 40;

/** Offsets within a bitmap file. */
export interface BmpHeader {
  width: number;
  height: number;
  channels: 3 | 4;
  /** Rows run from the bottom, as in most files. */
  isBottomUp: boolean;
  /** Bits per pixel. */
  depth: number;
  compression: number;
  /** First byte of the pixels. */
  offset: number;
  /** Red, green, blue, alpha: the bits of a pixel that hold it; 0 for none. */
  masks: readonly [number, number, number, number];
  /** First byte and entries of the colour table. */
  palette: { at: number; entryBytes: number; count: number };
}

/** @throws Error in words for people, for a bitmap of a kind that is not read */
export function readBmpHeader(bytes: Uint8Array): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isBmp(bytes) || bytes.byteLength < FILE_HEADER_BYTES + view.getUint32(14, true)) throw cutOff();
  const headerBytes = view.getUint32(14, true);
  const isOld = headerBytes === OLD_HEADER_BYTES;
  const u32 = (at: number) => (at + 4 <= FILE_HEADER_BYTES + headerBytes ? view.getUint32(at, true) : 0);
  const height = isOld ? view.getUint16(20, true) : view.getInt32(22, true);
  const depth = view.getUint16(isOld ? 24 : 28, true);
  const compression = isOld ? COMPRESSION.none : u32(30);
  if (!DEPTHS.includes(depth))
    throw new Error(`it is a bitmap of ${depth} bits per pixel, which is not read`);
  assertCompression(compression, depth, headerBytes);
  const masksBytes = masksBehind(headerBytes, compression);
  if (FILE_HEADER_BYTES + headerBytes + masksBytes > bytes.byteLength) throw cutOff();
  const masks = masksOf(view, { headerBytes, compression, depth });
  const offset = view.getUint32(10, true);
  const at = FILE_HEADER_BYTES + headerBytes + masksBytes;
  const entryBytes = isOld ? 3 : 4;
  const most = depth > 8 ? 0 : 1 << depth;
  const room = Math.max(0, Math.floor((Math.min(offset, bytes.byteLength) - at) / entryBytes));
  const count = Math.min(most, room, (isOld ? 0 : u32(46)) || most);
  return {
    width: isOld ? view.getUint16(18, true) : view.getInt32(18, true),
    height: Math.abs(height),
    channels: masks[3] === 0 ? 3 : 4,
    isBottomUp: height > 0,
    depth,
    compression,
    offset,
    masks,
    palette: { at, entryBytes, count },
  };
}

/**
 * Decodes a bitmap of Windows or OS/2: colour tables, 16, 24 and 32 bits, bit masks, run lengths. The caller has checked that its
 * pixels fit into memory.
 * @throws Error in words for people, for a bitmap that is cut off or damaged
 */
export function decodeBmp(bytes: Uint8Array, header: BmpHeader = readBmpHeader(bytes)): BmpPixels {
  const { width, height, channels } = header;
  const data = new Uint8Array(width * height * channels);
  if (header.depth <= 8) fillFromPalette(bytes, header, data);
  else fillFromSamples(bytes, header, data);
  if (channels === 4) makeOpaque(data);
  return { width, height, channels, data };
}

function assertCompression(compression: number, depth: number, headerBytes: number): void {
  const { none, rle8, rle4, masks, alphaMasks } = COMPRESSION;
  const isRead =
    compression === none ||
    (compression === rle8 && depth === 8) ||
    (compression === rle4 && depth === 4) ||
    ((compression === masks || compression === alphaMasks) &&
      depth >= 16 &&
      depth !== 24 &&
      headerBytes !== 64);
  if (!isRead) throw new Error(`it is a bitmap with compression ${compression}, which is not read`);
}

/** Masks follow a plain header; longer ones contain them. */
function masksBehind(headerBytes: number, compression: number): number {
  if (headerBytes !== PLAIN_HEADER_BYTES) return 0;
  return compression === COMPRESSION.masks ? 12 : compression === COMPRESSION.alphaMasks ? 16 : 0;
}

function masksOf(
  view: DataView,
  { headerBytes, compression, depth }: { headerBytes: number; compression: number; depth: number },
): BmpHeader['masks'] {
  if (compression !== COMPRESSION.masks && compression !== COMPRESSION.alphaMasks)
    return depth === 16 ? [0x7c00, 0x03e0, 0x001f, 0] : [0xff0000, 0x00ff00, 0x0000ff, 0];
  const at = FILE_HEADER_BYTES + PLAIN_HEADER_BYTES;
  const hasAlpha = headerBytes >= 56 || compression === COMPRESSION.alphaMasks;
  const mask = (index: number) => view.getUint32(at + 4 * index, true);
  return [mask(0), mask(1), mask(2), hasAlpha ? mask(3) : 0];
}

/** The first byte of each row from the top. @throws Error when the last pixel is beyond the end */
function rowStarts(bytes: Uint8Array, { width, height, depth, offset, isBottomUp }: BmpHeader): number[] {
  const rowBytes = Math.ceil((width * depth) / 32) * 4;
  const end = offset + rowBytes * (height - 1) + Math.ceil((width * depth) / 8);
  if (end > bytes.byteLength) throw cutOff();
  return Array.from({ length: height }, (_, y) => offset + rowBytes * (isBottomUp ? height - 1 - y : y));
}

function fillFromSamples(bytes: Uint8Array, header: BmpHeader, data: Uint8Array): void {
  const { width, depth, channels } = header;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = header.masks.slice(0, channels).map(sampleOf);
  const step = depth / 8;
  let to = 0;
  for (const start of rowStarts(bytes, header))
    for (let at = start; at < start + width * step; at += step) {
      const pixel =
        depth === 16
          ? view.getUint16(at, true)
          : depth === 32
            ? view.getUint32(at, true)
            : bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
      for (const { mask, shift, most } of samples) {
        data[to] =
          most === 255 ? (pixel & mask) >>> shift : Math.round((((pixel & mask) >>> shift) * 255) / most);
        to += 1;
      }
    }
}

/** A mask, where its bits begin, and the value with all of them set; a mask without bits gives 0. */
function sampleOf(mask: number): { mask: number; shift: number; most: number } {
  const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
  return { mask, shift, most: Math.max(1, mask >>> shift) };
}

function fillFromPalette(bytes: Uint8Array, header: BmpHeader, data: Uint8Array): void {
  const { at, entryBytes, count } = header.palette;
  const isCoded = header.compression !== COMPRESSION.none;
  const indices = isCoded ? decodeRuns(bytes, header) : packedIndices(bytes, header);
  let to = 0;
  for (const index of indices) {
    if (index >= count) throw new Error('it is damaged: a pixel has a colour that its colour table lacks');
    const entry = at + index * entryBytes;
    data[to] = bytes[entry + 2]!;
    data[to + 1] = bytes[entry + 1]!;
    data[to + 2] = bytes[entry]!;
    to += 3;
  }
}

function packedIndices(bytes: Uint8Array, header: BmpHeader): Uint8Array {
  const { width, height, depth } = header;
  const indices = new Uint8Array(width * height);
  const mask = (1 << depth) - 1;
  let to = 0;
  for (const start of rowStarts(bytes, header))
    for (let x = 0; x < width; x += 1) {
      const bit = x * depth;
      indices[to] = (bytes[start + (bit >> 3)]! >> (8 - depth - (bit & 7))) & mask;
      to += 1;
    }
  return indices;
}

/** Run lengths of 8 or 4 bits; pixels that no run sets have the first colour. */
function decodeRuns(bytes: Uint8Array, { width, height, depth, offset, isBottomUp }: BmpHeader): Uint8Array {
  const indices = new Uint8Array(width * height);
  let [at, x, y] = [offset, 0, 0];
  const next = () => {
    if (at >= bytes.byteLength) throw cutOff();
    at += 1;
    return bytes[at - 1]!;
  };
  const set = (index: number) => {
    if (x < width && y < height) indices[(isBottomUp ? height - 1 - y : y) * width + x] = index;
    x += 1;
  };
  const nibble = (byte: number, index: number) => (index % 2 === 0 ? byte >> 4 : byte & 15);
  while (y < height) {
    const [count, code] = [next(), next()];
    if (count > 0)
      for (let index = 0; index < count; index += 1) set(depth === 8 ? code : nibble(code, index));
    else if (code === 0) [x, y] = [0, y + 1];
    else if (code === 1) break;
    else if (code === 2) [x, y] = [x + next(), y + next()];
    else {
      let byte = 0;
      for (let index = 0; index < code; index += 1) {
        if (depth === 8 || index % 2 === 0) byte = next();
        set(depth === 8 ? byte : nibble(byte, index));
      }
      // Runs of single pixels end at an even byte.
      if ((depth === 8 ? code : Math.ceil(code / 2)) % 2 === 1) next();
    }
  }
  return indices;
}

/** Many programs leave alpha 0 everywhere and mean a picture without it. */
function makeOpaque(data: Uint8Array): void {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 0) return;
  for (let at = 3; at < data.length; at += 4) data[at] = 255;
}

function cutOff(): Error {
  return new Error('the BMP file is cut off: its last part is missing');
}
