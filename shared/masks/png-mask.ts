import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { isMaskSize, maskOfPixels, pixelsOf, type RunMask } from './run-mask.ts';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** Bytes of a pixel by colour type: grey, RGB, grey with alpha, RGBA. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };
const PREFIX = 'data:image/png;base64,';
/** Alpha, or grey where there is none, above this is inside (contract of `binary` annotations). */
const INSIDE_ABOVE = 127;

/**
 * The mask of a `binary` annotation: a data URL, or an object that has one as `data`, of a PNG whose alpha says what is
 * inside. Read are PNGs with 8 bits a channel that are not interlaced, as the clients write them: no decoder of all
 * images has to be loaded for a mask. `undefined` when it is anything else.
 */
export function maskOfBinary(coordinates: unknown): RunMask | undefined {
  const url =
    typeof coordinates === 'object' && coordinates !== null && 'data' in coordinates
      ? coordinates.data
      : coordinates;
  if (typeof url !== 'string' || !url.startsWith(PREFIX)) return undefined;
  return maskOfPng(Buffer.from(url.slice(PREFIX.length), 'base64'));
}

/** The coordinates of a `binary` annotation: black, opaque inside and clear outside. */
export function binaryOfMask(mask: RunMask): string {
  return `${PREFIX}${pngOfMask(mask).toString('base64')}`;
}

function maskOfPng(png: Buffer): RunMask | undefined {
  if (png.length < 33 || !png.subarray(0, 8).equals(SIGNATURE)) return undefined;
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const channels = CHANNELS[png[25]!];
  if (!isMaskSize(width, height) || png[24] !== 8 || channels === undefined || png[28] !== 0)
    return undefined;
  const rowBytes = width * channels;
  const rows = inflated(png, (rowBytes + 1) * height);
  if (rows?.length !== (rowBytes + 1) * height) return undefined;
  if (!unfilter(rows, rowBytes, channels)) return undefined;
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      if (insideAt(rows, y * (rowBytes + 1) + 1 + x * channels, channels)) pixels[y * width + x] = 1;
  return maskOfPixels(pixels, width, height);
}

function insideAt(rows: Buffer, at: number, channels: number): boolean {
  if (channels === 2 || channels === 4) return rows[at + channels - 1]! > INSIDE_ABOVE;
  for (let channel = 0; channel < channels; channel += 1) if (rows[at + channel]! > INSIDE_ABOVE) return true;
  return false;
}

function inflated(png: Buffer, maxOutputLength: number): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 8; at + 12 <= png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  try {
    return inflateSync(Buffer.concat(parts), { maxOutputLength });
  } catch {
    return undefined;
  }
}

/** Undoes the filters of PNG (specification, section 9) in place; false when one is unknown. */
function unfilter(rows: Buffer, rowBytes: number, step: number): boolean {
  for (let start = 0; start < rows.length; start += rowBytes + 1) {
    const filter = rows[start]!;
    if (filter > 4) return false;
    for (let at = 1; at <= rowBytes; at += 1) {
      const left = at > step ? rows[start + at - step]! : 0;
      const up = start > 0 ? rows[start + at - rowBytes - 1]! : 0;
      const corner = start > 0 && at > step ? rows[start + at - rowBytes - 1 - step]! : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
      rows[start + at] = (rows[start + at]! + predicted) & 0xff;
    }
  }
  return true;
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function pngOfMask(mask: RunMask): Buffer {
  const { width, height } = mask;
  const pixels = pixelsOf(mask);
  const rows = Buffer.alloc((width * 4 + 1) * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      if (pixels[y * width + x] === 1) rows[y * (width * 4 + 1) + 1 + x * 4 + 3] = 255;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
