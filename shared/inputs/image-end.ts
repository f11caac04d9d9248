import { imageTypeOf } from './image-type.ts';

const END_OF_JPEG = [0xff, 0xd9];

/**
 * True for an image whose last bytes are missing, as its own structure tells: marks of its end, and lengths that lead beyond the
 * file. False for all else, also for formats without such.
 */
export function isCutOff(bytes: Uint8Array): boolean {
  const check = CHECKS[imageTypeOf(bytes) ?? ''];
  try {
    return check?.(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)) ?? false;
  } catch (error) {
    // A length or an offset beyond the end.
    if (error instanceof RangeError) return true;
    throw error;
  }
}

/** The JPEG with the mark of its end, which tools leave out or cut off; `undefined` for all else. */
export function withEndOfJpeg(bytes: Uint8Array): Uint8Array | undefined {
  if (imageTypeOf(bytes) !== 'image/jpeg' || hasEndOfJpeg(bytes)) return undefined;
  return Buffer.concat([bytes, Uint8Array.from(END_OF_JPEG)]);
}

function hasEndOfJpeg(bytes: Uint8Array): boolean {
  return END_OF_JPEG.every((byte, at) => bytes[bytes.byteLength - 2 + at] === byte);
}

const CHECKS: Readonly<Record<string, (bytes: Uint8Array, view: DataView) => boolean>> = {
  'image/jpeg': (bytes) => !hasEndOfJpeg(bytes),
  'image/png': (bytes, view) => isPngCut(bytes, view),
  'image/gif': (bytes) => bytes.at(-1) !== 0x3b,
  // RIFF: the length of what follows the first 8 bytes.
  'image/webp': (bytes, view) => view.getUint32(4, true) + 8 > bytes.byteLength,
  'image/tiff': (bytes, view) => isTiffCut(bytes, view),
  'image/avif': (bytes, view) => isBoxesCut(bytes, view),
  'image/heic': (bytes, view) => isBoxesCut(bytes, view),
};

/** Chunks of a length, a type, the content and a checksum, of which IEND is the last (PNG specification, 5.3). */
function isPngCut(bytes: Uint8Array, view: DataView): boolean {
  for (let at = 8; ; at += view.getUint32(at) + 12) {
    if (at + 12 > bytes.byteLength) return true;
    if (Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1') === 'IEND') return false;
  }
}

/** Tags of the places and lengths of strips and of tiles (TIFF 6.0, 8). */
const PLACES: Readonly<Record<number, number>> = { 273: 279, 324: 325 };
const SHORT = 3;

/** The first directory and the last of its strips or tiles lie in the file. Files with offsets of 64 bits are not looked into. */
function isTiffCut(bytes: Uint8Array, view: DataView): boolean {
  const isLittle = bytes[0] === 0x49;
  if (view.getUint16(2, isLittle) !== 42) return false;
  const start = view.getUint32(4, isLittle);
  const tags = new Map<number, number>();
  for (let at = start + 2; at < start + 2 + 12 * view.getUint16(start, isLittle); at += 12)
    tags.set(view.getUint16(at, isLittle), at);
  const last = (tag: number): number => {
    const at = tags.get(tag)!;
    const isShort = view.getUint16(at + 2, isLittle) === SHORT;
    const [count, width] = [view.getUint32(at + 4, isLittle), isShort ? 2 : 4];
    const first = count * width <= 4 ? at + 8 : view.getUint32(at + 8, isLittle);
    const place = first + width * (count - 1);
    return isShort ? view.getUint16(place, isLittle) : view.getUint32(place, isLittle);
  };
  return Object.entries(PLACES).some(
    ([place, length]) =>
      tags.has(Number(place)) && tags.has(length) && last(Number(place)) + last(length) > bytes.byteLength,
  );
}

/** Boxes of a length and a type, one after the other (ISO/IEC 14496-12, 4.2). */
function isBoxesCut(bytes: Uint8Array, view: DataView): boolean {
  let at = 0;
  while (at < bytes.byteLength) {
    const length = view.getUint32(at);
    // 0 is up to the end; 1 has the length in the 8 bytes behind the type.
    if (length === 0) return false;
    at += length === 1 ? Number(view.getBigUint64(at + 8)) : Math.max(8, length);
  }
  return at > bytes.byteLength;
}
