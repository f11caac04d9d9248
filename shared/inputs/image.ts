import type { Metadata, Sharp } from 'sharp';
import type { ImageOptions, ImagePixels } from '../../adapters/model-adapter.ts';
import { decodeBmp, readBmpHeader } from './bmp.ts';
import { assertAffordable, ImageTooLarge, isSmallAnswer, plainPngSize } from './image-cost.ts';
import { isCutOff, withEndOfJpeg } from './image-end.ts';
import { imageTypeOf } from './image-type.ts';

/** 16,384 x 16,384: what takes longer to go through is an attack or a mistake, however little memory it takes. */
const MAX_PIXELS = 2 ** 28;

type FailOn = 'error' | 'warning';

/**
 * Decodes an image and turns it upright. sharp (libvips) is imported with the first image: functions that meet none do
 * not pay for it. Without a size nothing is resampled: grey levels of an 8-bit PNG come out as they went in.
 * An image whose pixels would take more than `maxBytes` is refused by its header, which decoders keep to.
 * A JPEG that lacks nothing but the mark of its end is read.
 * @throws Error in words for people; what the decoder reported is its cause
 */
export async function decodeImage(
  bytes: Uint8Array,
  maxBytes: number,
  options: ImageOptions = {},
): Promise<ImagePixels> {
  const type = imageTypeOf(bytes);
  if (type?.startsWith('image/heic')) throw new Error(HEIC);
  if (type === 'image/bmp') return decodeBitmap(bytes, maxBytes, options);
  try {
    return await decodeWithSharp(bytes, maxBytes, options, 'error');
  } catch (error) {
    if (error instanceof ImageTooLarge) throw error;
    const ended = withEndOfJpeg(bytes);
    // Missing pixels are a mere warning once the mark is there.
    const repaired =
      ended && (await decodeWithSharp(ended, maxBytes, options, 'warning').catch(() => undefined));
    if (repaired) return repaired;
    throw new Error(problemOf(bytes, type), { cause: error });
  }
}

const HEIC = 'it is HEIC, whose HEVC coding is not read here: save it as JPEG, PNG, WebP or AVIF';
const READ_FORMATS = 'JPEG, PNG, WebP, GIF, TIFF, AVIF, BMP or SVG';

function problemOf(bytes: Uint8Array, type: string | undefined): string {
  if (type === undefined) return `its bytes are not those of a sound ${READ_FORMATS}`;
  const name = type.slice('image/'.length).toUpperCase();
  return isCutOff(bytes)
    ? `the ${name} file is cut off: its last part is missing`
    : `the ${name} file is damaged`;
}

async function decodeWithSharp(
  bytes: Uint8Array,
  maxBytes: number,
  options: ImageOptions,
  failOn: FailOn,
): Promise<ImagePixels> {
  const { default: sharp } = await import('sharp');
  const known = isSmallAnswer(options, maxBytes) ? plainPngSize(bytes, maxBytes) : undefined;
  // The limit of pixels would be the decoder's own error: it is checked by the header.
  const header = () => affordableHeader(sharp(bytes, { limitInputPixels: false, failOn }), options, maxBytes);
  const source = known ?? (await header()).autoOrient;
  return toPixels(sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn }).rotate(), source, options);
}

async function decodeBitmap(
  bytes: Uint8Array,
  maxBytes: number,
  options: ImageOptions,
): Promise<ImagePixels> {
  const header = readBmpHeader(bytes);
  const { width, height, channels } = header;
  assertPixels(header);
  assertAffordable({ width, height, channels, ...BITMAP, autoOrient: { width, height } }, options, maxBytes);
  const { default: sharp } = await import('sharp');
  const { data } = decodeBmp(bytes, header);
  return toPixels(sharp(data, { raw: { width, height, channels } }), { width, height }, options);
}

function assertPixels({ width, height }: { width: number; height: number }): void {
  if (width * height > MAX_PIXELS)
    throw new ImageTooLarge(`${width} x ${height} pixels are more than ${MAX_PIXELS}`);
}

/** A decoded bitmap, as libvips would describe it. */
const BITMAP = { format: 'raw', isProgressive: false, depth: 'uchar' } as const;

async function toPixels(
  upright: Sharp,
  source: { width: number; height: number },
  options: ImageOptions,
): Promise<ImagePixels> {
  const { width, height, fit = 'fill', channels = 3 } = options;
  let image = upright;
  if (width !== undefined || height !== undefined)
    image = image.resize({
      ...(width !== undefined && { width }),
      ...(height !== undefined && { height }),
      fit,
      kernel: 'cubic',
      background: '#000',
    });
  image = channels === 1 ? image.flatten().toColourspace('b-w') : image.toColourspace('srgb');
  if (channels === 3) image = image.flatten();
  if (channels === 4) image = image.ensureAlpha();
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return {
    width: info.width,
    height: info.height,
    channels,
    data: info.channels === channels ? data : fewerChannels(data, info.channels, channels),
    source: { width: source.width, height: source.height },
  };
}

async function affordableHeader(opened: Sharp, options: ImageOptions, maxBytes: number): Promise<Metadata> {
  const header = await opened.metadata();
  assertPixels(header);
  assertAffordable(header, options, maxBytes);
  return header;
}

/** libvips keeps an alpha band of some grey images; the first bands are the wanted ones. */
function fewerChannels(data: Uint8Array, from: number, to: number): Uint8Array {
  const pixels = data.length / from;
  const out = new Uint8Array(pixels * to);
  for (let pixel = 0; pixel < pixels; pixel += 1)
    for (let band = 0; band < to; band += 1)
      out[pixel * to + band] = data[pixel * from + Math.min(band, from - 1)]!;
  return out;
}
