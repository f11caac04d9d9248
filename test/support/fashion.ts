import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';

const FOLDER = join(import.meta.dirname, '..', 'fixtures', 'fashion');
const SIDE = 28;

/** Labels of Fashion-MNIST by class. */
export const FASHION = [
  'tshirt',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle-boot',
];

/** The first items as PNG files of 28 x 28 grey pixels. */
export async function fashionImages(part: 'train' | 'test', count: number): Promise<Uint8Array[]> {
  const pixels = gunzipSync(await readFile(join(FOLDER, `${part}-images-idx3-ubyte.gz`))).subarray(16);
  const size = SIDE * SIDE;
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      sharp(pixels.subarray(index * size, (index + 1) * size), {
        raw: { width: SIDE, height: SIDE, channels: 1 },
      })
        .png()
        .toBuffer(),
    ),
  );
}

/** Labels of the first items. */
export async function fashionLabels(part: 'train' | 'test', count: number): Promise<string[]> {
  const classes = gunzipSync(await readFile(join(FOLDER, `${part}-labels-idx1-ubyte.gz`))).subarray(8);
  return Array.from(classes.subarray(0, count), (each) => FASHION[each]!);
}
