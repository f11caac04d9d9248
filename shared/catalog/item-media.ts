import type { ContentInfo, ContentStore } from '../content/content-store.ts';
import { readHead, readImageSize } from '../inputs/image-size.ts';
import { imageTypeOf } from '../inputs/image-type.ts';
import type { JsonObject } from '../json.ts';
import { mimetypeOf } from './mimetypes.ts';

const HEAD_BYTES = 64 * 1024;

/** What bytes and name tell of a file: the system metadata that an item gets on upload. */
export interface ItemMedia extends JsonObject {
  originalname: string;
  mimetype: string;
  encoding: string;
  /** Bytes. */
  size: number;
}

/**
 * Reads the system metadata of a content. An image's type comes from its bytes, any other from the name's extension, then
 * from what the caller said. `width` and `height` are pixels of the image as it is seen, turned upright by its EXIF
 * orientation: the frame of annotations and of decoded pixels. An image whose bytes tell no size has neither.
 */
export async function describeMedia(
  store: ContentStore,
  content: ContentInfo,
  name: string,
  claimed?: string,
): Promise<ItemMedia> {
  const head = await store.head(content, HEAD_BYTES);
  const mimetype = imageTypeOf(head) ?? mimetypeOf(name) ?? readClaim(claimed) ?? 'application/octet-stream';
  const read = async (maxBytes: number) =>
    maxBytes <= HEAD_BYTES ? head : readHead(store.stream(content), maxBytes);
  return {
    originalname: name,
    mimetype,
    encoding: '7bit',
    size: content.sizeBytes,
    ...(mimetype.startsWith('image/') && (await readImageSize(read))),
  };
}

function readClaim(claimed: string | undefined): string | undefined {
  return claimed !== undefined && /^[\w.+-]{1,60}\/[\w.+-]{1,100}$/.test(claimed)
    ? claimed.toLowerCase()
    : undefined;
}
