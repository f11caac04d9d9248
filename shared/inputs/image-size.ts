import { bmpSize } from './bmp-header.ts';
import { imageTypeOf } from './image-type.ts';

/** Size as the image is seen: after it was turned upright by its EXIF orientation. Pixels. */
export interface ImageSize {
  width: number;
  height: number;
}

const HEAD_BYTES = 64 * 1024;
/** A JPEG may have a thumbnail and a colour profile before its size. */
const LONG_HEAD_BYTES = 1024 * 1024;
const WHOLE_BYTES = 256 * 1024 * 1024;
/** Formats that may have their size at the end. */
const SIZE_ANYWHERE: readonly (string | undefined)[] = ['image/tiff', 'image/avif', 'image/heic'];

/**
 * Returns the upright size of an image; `undefined` when its bytes do not tell it. `read` returns the first bytes of the
 * file, at most as many as it is given.
 */
export async function readImageSize(
  read: (maxBytes: number) => Promise<Uint8Array>,
): Promise<ImageSize | undefined> {
  const head = await read(HEAD_BYTES);
  const type = imageTypeOf(head);
  if (type === 'image/bmp') return bmpSize(head);
  const size = await sizeOf(head);
  // A file that does not begin like an image is not read further.
  if (size || type === undefined || head.byteLength < HEAD_BYTES) return size;
  return sizeOf(await read(SIZE_ANYWHERE.includes(type) ? WHOLE_BYTES : LONG_HEAD_BYTES));
}

/** Joins the first chunks of a stream, up to `maxBytes`. */
export async function readHead(source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}

async function sizeOf(head: Uint8Array): Promise<ImageSize | undefined> {
  try {
    const { default: sharp } = await import('sharp');
    const { autoOrient } = await sharp(head, { failOn: 'none', limitInputPixels: false }).metadata();
    const { width, height } = autoOrient;
    return width > 0 && height > 0 ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}
