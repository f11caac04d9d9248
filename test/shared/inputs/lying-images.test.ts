import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { ImageOptions, ImagePixels } from '../../../adapters/model-adapter.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import { item } from '../store/sample-entities.ts';

const small = sharp({ create: { width: 32, height: 24, channels: 3, background: '#a04020' } });
const PNG = await small.png().toBuffer();
const JPEG = await small.jpeg().toBuffer();
const GIF = await small.gif().toBuffer();
const WEBP = await small.webp({ lossless: true }).toBuffer();
/** What decoding one may take beyond what is there before: far less than the size that is claimed. */
const MOST_GROWTH = 300 * 2 ** 20;

describe.each<[string, Uint8Array]>([
  ['a PNG of 3,600 million pixels', pngOf(60_000, 60_000)],
  ['a PNG of more rows than it has', pngOf(32, 12_000)],
  ['a PNG of 2^31 columns', pngOf(2 ** 31 - 1, 1)],
  ['a PNG of no rows', pngOf(32, 0)],
  ['a JPEG of 4,290 million pixels', jpegOf(65_500, 65_500)],
  ['a JPEG that ends in the middle', JPEG.subarray(0, JPEG.length - 40)],
  ['a PNG that ends in the middle', PNG.subarray(0, PNG.length - 30)],
  ['a GIF with a frame beyond its canvas', gifOf(65_535, 65_535)],
  ['a WebP of 268 million pixels', webpOf(16_383, 16_383)],
  ['a PNG of 105 million pixels', pngOf(10_500, 10_000)],
  ['a WebP that ends in the middle', WEBP.subarray(0, WEBP.length - 12)],
  [
    'an SVG of 10^10 pixels',
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="100000" height="100000"/>'),
  ],
])('%s', (_what, bytes) => {
  it.each([undefined, { width: 8, height: 8 }, { width: 8, height: 8, channels: 1 as const }])(
    'is refused, asked for %j, without the memory it claims',
    async (options) => {
      const before = process.memoryUsage().rss;

      const code = await read(bytes, options).then(
        ({ width, height }) => `read as ${width} x ${height}`,
        (error: { code: string }) => error.code,
      );

      expect(code).toBe('ItemUnreadable');
      expect(process.memoryUsage().rss - before).toBeLessThan(MOST_GROWTH);
    },
  );
});

it.each([
  ['PNG', PNG],
  ['JPEG', JPEG],
  ['GIF', GIF],
  ['WebP', WEBP],
])('the %s is read when it says the truth', async (_what, bytes) => {
  const { width, height } = await read(bytes);

  expect([width, height]).toEqual([32, 24]);
});

it('a JPEG of more rows than it has is read as far as it goes, as by other programs', async () => {
  const honest = await read(JPEG, { width: 32, height: 24 });

  const { width, height, data } = await read(jpegOf(32, 1_200));

  expect([width, height]).toEqual([32, 1_200]);
  expect(data.subarray(0, 32 * 3 * 8)).toEqual(honest.data.subarray(0, 32 * 3 * 8));
});

function read(bytes: Uint8Array, options?: ImageOptions): Promise<ImagePixels> {
  return createItemInput(item('image'), async () => bytes).image(options);
}

/** The small PNG with another size in its header, and the header's checksum right. */
function pngOf(width: number, height: number): Buffer {
  const bytes = Buffer.from(PNG);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}

/** The small JPEG with another size in its frame header. */
function jpegOf(width: number, height: number): Buffer {
  const bytes = Buffer.from(JPEG);
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(height, frame + 5);
  bytes.writeUInt16BE(width, frame + 7);
  return bytes;
}

/** The small WebP with another size in its VP8L header: 14 bits each, less one. */
function webpOf(width: number, height: number): Buffer {
  const bytes = Buffer.from(WEBP);
  const at = bytes.indexOf('VP8L') + 9;
  const rest = bytes.readUInt32LE(at) & 0xf0000000;
  bytes.writeUInt32LE(((width - 1) | ((height - 1) << 14) | rest) >>> 0, at);
  return bytes;
}

/** The small GIF with a larger first frame; canvas and data are as they were. */
function gifOf(width: number, height: number): Buffer {
  const bytes = Buffer.from(GIF);
  const frame = bytes.lastIndexOf(0x2c, bytes.length - 20);
  bytes.writeUInt16LE(width, 6);
  bytes.writeUInt16LE(height, 8);
  bytes.writeUInt16LE(width, frame + 5);
  bytes.writeUInt16LE(height, frame + 7);
  return bytes;
}
