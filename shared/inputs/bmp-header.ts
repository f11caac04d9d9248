import type { ImageSize } from './image-size.ts';

/** Sizes of the headers in use: OS/2 1.x, OS/2 2.x (short and long), Windows 3, with masks, with masks and alpha, 4, 5. */
const HEADER_BYTES = [12, 16, 40, 52, 56, 64, 108, 124];

/** True for a bitmap. Two letters are a weak sign, since a text may begin with them: the header must fit, too. */
export function isBmp(head: Uint8Array): boolean {
  return head[0] === 0x42 && head[1] === 0x4d && bmpSize(head) !== undefined;
}

/** Width and height in pixels; a negative height in the file means that its rows run from the top. */
export function bmpSize(head: Uint8Array): ImageSize | undefined {
  if (head.byteLength < 26) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const headerBytes = view.getUint32(14, true);
  if (!HEADER_BYTES.includes(headerBytes)) return undefined;
  const isOld = headerBytes === 12;
  const width = isOld ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = isOld ? view.getUint16(20, true) : Math.abs(view.getInt32(22, true));
  return width > 0 && height > 0 ? { width, height } : undefined;
}
