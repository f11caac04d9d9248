import type { Metadata } from 'sharp';
import type { ImageOptions } from '../../adapters/model-adapter.ts';

/** An image that is refused by its header, in words for people. */
export class ImageTooLarge extends Error {}

type Size = Readonly<{ width: number; height: number }>;
/** What an image's header tells of its pixels. */
type Header = Size & Pick<Metadata, 'format' | 'isProgressive' | 'channels' | 'depth' | 'autoOrient'>;

/** By libvips' name of the type of a sample. */
const SAMPLE_BYTES: Readonly<Record<string, number>> = {
  uchar: 1,
  char: 1,
  ushort: 2,
  short: 2,
  uint: 4,
  int: 4,
  float: 4,
  complex: 8,
  double: 8,
  dpcomplex: 16,
};
const MOST_SAMPLE_BYTES = 16;

/** Parts of its size that a JPEG is decoded at (ITU T.81 blocks of 8 x 8 pixels). */
const JPEG_SHRINKS = [8, 4, 2];

/** @throws ImageTooLarge for an image whose pixels would take more than `maxBytes`, as they are decoded or as they are answered */
export function assertAffordable(header: Header, options: ImageOptions, maxBytes: number): void {
  const target = targetSize(header.autoOrient, options);
  const decoded = decodedSize(header, target);
  const { channels = 3 } = options;
  const pixelBytes = header.channels * (SAMPLE_BYTES[header.depth] ?? MOST_SAMPLE_BYTES);
  assertFits(decoded, pixelBytes, maxBytes);
  assertFits(target ?? decoded, channels, maxBytes);
}

/** The first bytes of a PNG, up to the sizes in its header (PNG specification, 5.2 and 11.2.2). */
const PNG_START = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52];
/** Four samples of 16 bits. */
const MOST_PNG_PIXEL_BYTES = 8;

/** Parts of a PNG that may say which way is up: EXIF as a chunk of its own, and as older programs write it into a text. */
const TURNING = ['eXIf', 'Raw profile type'];

/**
 * The size of a PNG that lies as it is seen and whose pixels are affordable whatever they are; `undefined` for all else. Asking
 * sharp for the header costs a fifth of decoding a small image, and a PNG tells its size in the same place always.
 */
export function plainPngSize(bytes: Uint8Array, maxBytes: number): Size | undefined {
  const { buffer, byteOffset, length } = bytes;
  if (length < 24 || PNG_START.some((byte, at) => bytes[at] !== byte)) return undefined;
  const view = new DataView(buffer, byteOffset);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width * height * MOST_PNG_PIXEL_BYTES > maxBytes) return undefined;
  const text = Buffer.from(buffer, byteOffset, length);
  return TURNING.some((part) => text.includes(part)) ? undefined : { width, height };
}

/** True where the answer is affordable whatever the image's own size is, or has that size. */
export function isSmallAnswer({ width, height, channels = 3 }: ImageOptions, maxBytes: number): boolean {
  if (width === undefined || height === undefined) return width === height;
  return width * height * channels <= maxBytes;
}

function assertFits(size: Size, pixelBytes: number, maxBytes: number): void {
  const [width, height] = [Math.ceil(size.width), Math.ceil(size.height)];
  const total = width * height * pixelBytes;
  if (total <= maxBytes) return;
  throw new ImageTooLarge(
    `${width} x ${height} pixels of ${pixelBytes} bytes are ${total} bytes, more than MODELFN_MAX_IMAGE_BYTES=${maxBytes}`,
  );
}

/**
 * The size that is answered at most, before it is rounded; `undefined` for the image's own. Where one side alone is given,
 * `fill` leaves the other, all else keeps the aspect.
 */
function targetSize({ width, height }: Size, wanted: ImageOptions): Size | undefined {
  if (wanted.width === undefined && wanted.height === undefined) return undefined;
  const isStretched = (wanted.fit ?? 'fill') === 'fill';
  const scale = isStretched ? 1 : Math.max((wanted.width ?? 0) / width, (wanted.height ?? 0) / height);
  return { width: wanted.width ?? width * scale, height: wanted.height ?? height * scale };
}

/**
 * The size that pixels are decoded at. A JPEG is made smaller while it is read, as far as it stays as large as is asked for;
 * a progressive one is kept whole meanwhile, and so is all else.
 */
function decodedSize(
  { width, height, format, isProgressive, autoOrient }: Header,
  target: Size | undefined,
): Size {
  if (format !== 'jpeg' || isProgressive || target === undefined) return { width, height };
  const ratio = Math.min(autoOrient.width / target.width, autoOrient.height / target.height);
  // sharp leaves some of the way to the resampling that comes after (its src/pipeline.cc).
  const shrink = JPEG_SHRINKS.find((each) => each + 1 <= ratio) ?? 1;
  return { width: width / shrink, height: height / shrink };
}
