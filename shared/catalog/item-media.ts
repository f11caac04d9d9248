import type { ContentInfo } from '../content/content-store.ts';
import { messageOf } from '../errors.ts';
import { decodeImage } from '../inputs/image.ts';
import { readHead, readImageSize } from '../inputs/image-size.ts';
import { imageTypeOf } from '../inputs/image-type.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { mimetypeOf } from './mimetypes.ts';

const HEAD_BYTES = 64 * 1024;
/** Images up to this size are decoded when they arrive; of larger ones, only the header is read. */
const CHECKED_BYTES = 32 * 1024 * 1024;
/** Smallest decoding that goes through all of an image. */
const SMALLEST = { width: 8, height: 8, channels: 1 } as const;

/** What bytes and name tell of a file: the system metadata that an item gets on upload. */
export interface ItemMedia extends JsonObject {
  originalname: string;
  mimetype: string;
  encoding: string;
  /** Bytes. */
  size: number;
  /** Reason why the image cannot be decoded, in words for people; missing for a sound image and for other files. */
  unreadable?: string;
}

/**
 * Reads the system metadata of a content. An image's type comes from its bytes, any other from the name's extension, then
 * from what the caller said. `width` and `height` are pixels of the image as it is seen, turned upright by its EXIF
 * orientation: the frame of annotations and of decoded pixels. An image whose bytes tell no size has neither.
 * An image that functions will not be able to decode, within `maxImageBytes` of pixels, is `unreadable`.
 */
export async function describeMedia(
  { content: store, config }: Pick<Platform, 'content' | 'config'>,
  content: ContentInfo,
  name: string,
  claimed?: string,
): Promise<ItemMedia> {
  const head = await store.head(content, HEAD_BYTES);
  const mimetype = imageTypeOf(head) ?? mimetypeOf(name) ?? readClaim(claimed) ?? 'application/octet-stream';
  const media = { originalname: name, mimetype, encoding: '7bit', size: content.sizeBytes };
  if (!mimetype.startsWith('image/')) return media;
  const isChecked = content.sizeBytes <= CHECKED_BYTES;
  const whole = isChecked && content.sizeBytes > HEAD_BYTES ? await store.bytes(content) : head;
  const read = async (maxBytes: number) =>
    isChecked || maxBytes <= HEAD_BYTES
      ? whole.subarray(0, maxBytes)
      : readHead(store.stream(content), maxBytes);
  const size = await readImageSize(read);
  const unreadable = isChecked ? await problemOf(whole, config.maxImageBytes) : undefined;
  return { ...media, ...size, ...(unreadable !== undefined && { unreadable }) };
}

async function problemOf(bytes: Uint8Array, maxImageBytes: number): Promise<string | undefined> {
  if (bytes.byteLength === 0) return 'it is an empty file';
  try {
    await decodeImage(bytes, maxImageBytes, SMALLEST);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function readClaim(claimed: string | undefined): string | undefined {
  return claimed !== undefined && /^[\w.+-]{1,60}\/[\w.+-]{1,100}$/.test(claimed)
    ? claimed.toLowerCase()
    : undefined;
}
