import type { ContentInfo, ContentStore } from '../content/content-store.ts';
import type { JsonObject } from '../json.ts';
import { mimetypeOf } from './mimetypes.ts';

const HEAD_BYTES = 64 * 1024;
/** An image may carry a thumbnail and colour profile before its size. */
const LONG_HEAD_BYTES = 1024 * 1024;
/** The first bytes of the image formats that a width and height are read of. */
const SIGNATURES: readonly { mimetype: string; at: number; bytes: readonly number[] }[] = [
  { mimetype: 'image/png', at: 0, bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { mimetype: 'image/jpeg', at: 0, bytes: [0xff, 0xd8, 0xff] },
  { mimetype: 'image/gif', at: 0, bytes: [0x47, 0x49, 0x46, 0x38] },
  { mimetype: 'image/webp', at: 8, bytes: [0x57, 0x45, 0x42, 0x50] },
  { mimetype: 'image/bmp', at: 0, bytes: [0x42, 0x4d] },
];

/** What bytes and name tell of a file: the system metadata that an item gets on upload. */
export interface ItemMedia extends JsonObject {
  originalname: string;
  mimetype: string;
  encoding: string;
  /** Bytes. */
  size: number;
}

interface ImageSize {
  width?: number;
  height?: number;
}

/**
 * Looks into the head of a content. An image's type comes from its bytes, any other from the name's extension, then
 * from what the caller said. `width` and `height` in pixels, as stored in the file; left out for a broken image.
 */
export async function describeMedia(
  store: ContentStore,
  content: ContentInfo,
  name: string,
  claimed?: string,
): Promise<ItemMedia> {
  const head = await store.head(content, HEAD_BYTES);
  const image = imageTypeOf(head);
  return {
    originalname: name,
    mimetype: image ?? mimetypeOf(name) ?? readClaim(claimed) ?? 'application/octet-stream',
    encoding: '7bit',
    size: content.sizeBytes,
    ...(image !== undefined && (await imageSize(store, content, image, head))),
  };
}

function imageTypeOf(head: Uint8Array): string | undefined {
  const signature = SIGNATURES.find(({ at, bytes }) =>
    bytes.every((byte, index) => head[at + index] === byte),
  );
  // Two letters are a weak sign: a text may begin with them.
  if (signature?.mimetype === 'image/bmp' && bmpSize(head).width === undefined) return undefined;
  return signature?.mimetype;
}

async function imageSize(
  store: ContentStore,
  content: ContentInfo,
  mimetype: string,
  head: Uint8Array,
): Promise<ImageSize> {
  if (mimetype === 'image/bmp') return bmpSize(head);
  const size = await readSize(head);
  if (size.width !== undefined || content.sizeBytes <= head.byteLength) return size;
  return readSize(await longHead(store, content));
}

/** A broken image is still a file: masks of it cannot be drawn, and nothing else needs its size. */
async function readSize(head: Uint8Array): Promise<ImageSize> {
  try {
    const { default: sharp } = await import('sharp');
    const { width, height } = await sharp(head, { failOn: 'none' }).metadata();
    return width > 0 && height > 0 ? { width, height } : {};
  } catch {
    return {};
  }
}

async function longHead(store: ContentStore, content: ContentInfo): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let read = 0;
  for await (const chunk of store.stream(content)) {
    chunks.push(chunk);
    read += chunk.byteLength;
    if (read >= LONG_HEAD_BYTES) break;
  }
  return Buffer.concat(chunks);
}

/** BITMAPINFOHEADER: 32-bit width at 18, height at 22, negative when the rows run from the top. */
function bmpSize(head: Uint8Array): ImageSize {
  if (head.byteLength < 26) return {};
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const headerBytes = view.getUint32(14, true);
  if (headerBytes < 40 || headerBytes > 124) return {};
  const width = view.getInt32(18, true);
  const height = Math.abs(view.getInt32(22, true));
  return width > 0 && height > 0 ? { width, height } : {};
}

function readClaim(claimed: string | undefined): string | undefined {
  return claimed !== undefined && /^[\w.+-]{1,60}\/[\w.+-]{1,100}$/.test(claimed)
    ? claimed.toLowerCase()
    : undefined;
}
