/** Builds bitmap files for tests (Windows SDK, wingdi.h). */

export interface BitmapOptions {
  width: number;
  /** Negative: rows run from the top. */
  height: number;
  depth: number;
  /** Rows as the file has them, without padding. */
  rows: readonly Uint8Array[];
  palette?: readonly (readonly [number, number, number])[];
  compression?: number;
  /** Red, green, blue, alpha. */
  masks?: readonly number[];
  /** 12, 40, 108 or 124. */
  headerBytes?: number;
}

export function bitmapOf(options: BitmapOptions): Buffer {
  const { width, height, depth, rows, palette = [], compression = 0, masks = [], headerBytes = 40 } = options;
  const header = Buffer.alloc(14 + headerBytes);
  const isOld = headerBytes === 12;
  const table = Buffer.from(
    palette.flatMap(([red, green, blue]) => [blue, green, red, ...(isOld ? [] : [0])]),
  );
  const behind = headerBytes === 40 ? Buffer.alloc(4 * masks.length) : Buffer.alloc(0);
  for (const [index, mask] of masks.entries())
    if (headerBytes === 40) behind.writeUInt32LE(mask, 4 * index);
    else header.writeUInt32LE(mask, 54 + 4 * index);
  header.write('BM');
  header.writeUInt32LE(header.length + behind.length + table.length, 10);
  header.writeUInt32LE(headerBytes, 14);
  if (isOld) {
    header.writeUInt16LE(width, 18);
    header.writeUInt16LE(height, 20);
    header.writeUInt16LE(1, 22);
    header.writeUInt16LE(depth, 24);
  } else {
    header.writeInt32LE(width, 18);
    header.writeInt32LE(height, 22);
    header.writeUInt16LE(1, 26);
    header.writeUInt16LE(depth, 28);
    header.writeUInt32LE(compression, 30);
    header.writeUInt32LE(palette.length, 46);
  }
  const isPadded = compression === 0 || compression === 3 || compression === 6;
  const pixels = rows.map((row) =>
    isPadded ? Buffer.concat([row, Buffer.alloc((4 - (row.length % 4)) % 4)]) : row,
  );
  return Buffer.concat([header, behind, table, ...pixels]);
}
