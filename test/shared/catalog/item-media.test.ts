import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeMedia } from '../../../shared/catalog/item-media.ts';
import { openTestPlatform, type TestPlatform } from '../../support/test-platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await openTestPlatform();
});
afterAll(() => platform.close());

async function describeBytes(bytes: Uint8Array, name: string, claimed?: string) {
  const content = await platform.content.put(bytes, 10_000_000);
  return describeMedia(platform, content, name, claimed);
}

const image = () => sharp({ create: { width: 31, height: 17, channels: 3, background: '#123456' } });

/** A 2 by 3 bitmap whose rows run from the top: its height is stored as -3. */
function bitmap(): Uint8Array {
  const bytes = Buffer.alloc(54 + 24);
  bytes.write('BM');
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(2, 18);
  bytes.writeInt32LE(-3, 22);
  return bytes;
}

describe('what an upload tells of itself', () => {
  it.each([
    ['image/png', () => image().png().toBuffer()],
    ['image/jpeg', () => image().jpeg().toBuffer()],
    ['image/webp', () => image().webp().toBuffer()],
    ['image/gif', () => image().gif().toBuffer()],
  ] as const)('%s is known by its bytes, whatever its name, with its size', async (mimetype, make) => {
    const bytes = await make();

    expect(await describeBytes(bytes, 'x.bin')).toMatchObject({
      mimetype,
      width: 31,
      height: 17,
      size: bytes.byteLength,
      originalname: 'x.bin',
    });
  });

  it.each([
    ['image/tiff', () => image().tiff().toBuffer()],
    ['image/avif', () => image().avif().toBuffer()],
    [
      'image/svg+xml',
      async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="31" height="17"/>'),
    ],
  ] as const)('%s has a size like every image that can be decoded', async (mimetype, make) => {
    expect(await describeBytes(await make(), 'x.svg')).toMatchObject({ mimetype, width: 31, height: 17 });
  });

  it.each(['jpeg', 'png', 'webp', 'tiff', 'avif'] as const)(
    'the size of a %s is the upright one, whatever its EXIF orientation',
    async (format) => {
      for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
        const bytes = await image().withMetadata({ orientation })[format]().toBuffer();
        const isTurned = orientation >= 5;

        const { width, height } = await describeBytes(bytes, 'x');

        expect([orientation, width, height]).toEqual([orientation, ...(isTurned ? [17, 31] : [31, 17])]);
        const pixels = await sharp(bytes).rotate().raw().toBuffer({ resolveWithObject: true });
        expect([width, height]).toEqual([pixels.info.width, pixels.info.height]);
      }
    },
  );

  it('a tiff whose directory lies behind its pixels has a size, however long it is', async () => {
    const pixels = Buffer.alloc(600 * 700 * 3, 7);
    const bytes = await sharp(pixels, { raw: { width: 600, height: 700, channels: 3 } })
      .tiff({ compression: 'none' })
      .toBuffer();

    expect(bytes.byteLength).toBeGreaterThan(1024 * 1024);
    expect(await describeBytes(bytes, 'x.tif')).toMatchObject({ width: 600, height: 700 });
  });

  it('a bitmap is known by its header, a text that begins with BM is none', async () => {
    expect(await describeBytes(bitmap(), 'x')).toMatchObject({ mimetype: 'image/bmp', width: 2, height: 3 });
    expect(await describeBytes(Buffer.from(`BMW is ${'a car '.repeat(20)}`), 'x.txt')).toMatchObject({
      mimetype: 'text/plain',
    });
  });

  it('a jpeg whose size comes after a long profile is read further', async () => {
    const plain = await image().jpeg().toBuffer();
    const filler = Buffer.alloc(60_000);
    const segment = Buffer.concat([Buffer.from([0xff, 0xed, 0xea, 0x62]), filler]);
    const long = Buffer.concat([plain.subarray(0, 2), segment, segment, plain.subarray(2)]);

    expect(await describeBytes(long, 'x.jpg')).toMatchObject({ width: 31, height: 17 });
  });

  it('a png of which only the head came is still a file', async () => {
    const bytes = (await image().png().toBuffer()).subarray(0, 12);

    const media = await describeBytes(bytes, 'x.png');

    expect(media.mimetype).toBe('image/png');
    expect(media).not.toHaveProperty('width');
  });

  it('a png that says it is enormous does no harm', async () => {
    const header = Buffer.alloc(25);
    header.writeUInt32BE(13, 0);
    header.write('IHDR', 4);
    header.writeUInt32BE(0x7fffffff, 8);
    header.writeUInt32BE(0x7fffffff, 12);
    header.set([8, 6, 0, 0, 0], 16);
    header.writeUInt32BE(crc32(header.subarray(4, 21)), 21);
    const bytes = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xd, 0xa, 0x1a, 0xa]), header]);

    expect((await describeBytes(bytes, 'x.png')).mimetype).toBe('image/png');
  });

  it.each([
    ['a.jpg', undefined, 'image/jpeg'],
    ['a.MP4', undefined, 'video/mp4'],
    ['a.npy', 'application/x-npy', 'application/x-npy'],
    ['a.npy', 'text/html\r\nx: y', 'application/octet-stream'],
    ['a.constructor', undefined, 'application/octet-stream'],
    ['plain', undefined, 'application/octet-stream'],
  ])('%s that holds no image and is called %s is %s', async (name, claimed, mimetype) => {
    expect((await describeBytes(Buffer.from('not an image'), name, claimed)).mimetype).toBe(mimetype);
  });

  it.each([
    ['cut off', async () => (await image().jpeg().toBuffer()).subarray(0, -8), /JPEG file is cut off/],
    ['of text', async () => Buffer.from('hello'), /not those of a sound JPEG/],
    ['empty', async () => Buffer.alloc(0), /an empty file/],
    ['of HEIC', async () => Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic'), /HEIC/],
  ])('a picture that is %s is told to be unreadable, and why', async (_what, make, reason) => {
    const { unreadable } = await describeBytes(await make(), 'x.jpg');

    expect(unreadable).toMatch(reason);
  });

  it('a sound picture, and a file that is none, are not told to be unreadable', async () => {
    expect(await describeBytes(await image().jpeg().toBuffer(), 'x.jpg')).not.toHaveProperty('unreadable');
    expect(await describeBytes(Buffer.from('hello'), 'x.txt')).not.toHaveProperty('unreadable');
  });

  it('an empty file is a file', async () => {
    expect(await describeBytes(new Uint8Array(), 'empty.png')).toMatchObject({
      mimetype: 'image/png',
      size: 0,
    });
  });
});
