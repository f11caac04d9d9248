import { isBmp } from './bmp-header.ts';

/** Brands in the first box of an ISO base media file (ISO/IEC 23008-12, 10.2, and AVIF, 6). */
const BRANDS: Readonly<Record<string, string>> = {
  avif: 'image/avif',
  avis: 'image/avif',
  heic: 'image/heic',
  heix: 'image/heic',
  heim: 'image/heic',
  heis: 'image/heic',
  hevc: 'image/heic-sequence',
  hevx: 'image/heic-sequence',
};

/** First bytes of the other image formats that are known by their content. */
const SIGNATURES: readonly { mimetype: string; at: number; bytes: readonly number[] }[] = [
  { mimetype: 'image/png', at: 0, bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { mimetype: 'image/jpeg', at: 0, bytes: [0xff, 0xd8, 0xff] },
  { mimetype: 'image/gif', at: 0, bytes: [0x47, 0x49, 0x46, 0x38] },
  { mimetype: 'image/webp', at: 8, bytes: [0x57, 0x45, 0x42, 0x50] },
  // Little endian, big endian, and both with offsets of 64 bits.
  { mimetype: 'image/tiff', at: 0, bytes: [0x49, 0x49, 0x2a, 0x00] },
  { mimetype: 'image/tiff', at: 0, bytes: [0x4d, 0x4d, 0x00, 0x2a] },
  { mimetype: 'image/tiff', at: 0, bytes: [0x49, 0x49, 0x2b, 0x00] },
  { mimetype: 'image/tiff', at: 0, bytes: [0x4d, 0x4d, 0x00, 0x2b] },
];

/** Returns the type of an image by its first bytes; `undefined` for any other file. */
export function imageTypeOf(head: Uint8Array): string | undefined {
  const signature = SIGNATURES.find(({ at, bytes }) =>
    bytes.every((byte, index) => head[at + index] === byte),
  );
  if (signature) return signature.mimetype;
  if (isBmp(head)) return 'image/bmp';
  return textAt(head, 4, 8) === 'ftyp' ? BRANDS[textAt(head, 8, 12)] : undefined;
}

function textAt(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString('latin1');
}
