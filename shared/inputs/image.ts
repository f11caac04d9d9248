import type { Metadata, Sharp } from 'sharp';
import type { ImageOptions, ImagePixels } from '../../adapters/model-adapter.ts';
import { assertAffordable, isSmallAnswer, plainPngSize } from './image-cost.ts';

/** 16,384 x 16,384: what takes longer to go through is an attack or a mistake, however little memory it takes. */
const MAX_PIXELS = 2 ** 28;

/** Major brands of files with HEVC in them, as phones write them. AVIF has others, and is read. */
const HEIC_BRANDS: ReadonlySet<string> = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx']);

/**
 * Decodes an image and turns it upright. sharp (libvips) is imported with the first image: functions that meet none do
 * not pay for it. Without a size nothing is resampled: grey levels of an 8-bit PNG come out as they went in.
 * An image whose pixels would take more than `maxBytes` is refused by its header, which decoders keep to.
 */
export async function decodeImage(
  bytes: Uint8Array,
  maxBytes: number,
  options: ImageOptions = {},
): Promise<ImagePixels> {
  assertReadable(bytes);
  const { default: sharp } = await import('sharp');
  const { width, height, fit = 'fill', channels = 3 } = options;
  const opened = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' });
  const isResized = width !== undefined || height !== undefined;
  const known = isSmallAnswer(options, maxBytes) ? plainPngSize(bytes, maxBytes) : undefined;
  const source = known ?? (await affordableHeader(opened, options, maxBytes)).autoOrient;
  let image = opened.rotate();
  if (isResized)
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
  assertAffordable(header, options, maxBytes);
  return header;
}

/** HEIC is told by its first box: libvips would say no more than that some plugin is missing. */
function assertReadable(bytes: Uint8Array): void {
  const text = (from: number, to: number) => new TextDecoder('latin1').decode(bytes.subarray(from, to));
  if (text(4, 8) === 'ftyp' && HEIC_BRANDS.has(text(8, 12)))
    throw new Error('it is HEIC, whose HEVC coding is not read here: save it as JPEG, PNG, WebP or AVIF');
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
