import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import { item } from '../store/sample-entities.ts';

const [WIDTH, HEIGHT] = [160, 120];
const LEVELS = Uint8Array.from(
  { length: WIDTH * HEIGHT * 3 },
  (_, at) => (at * 7919 + ((at / 97) | 0) * 31) % 256,
);
const picture = () => sharp(LEVELS, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
const image = (bytes: Uint8Array) => createItemInput(item('image'), async () => bytes).image();

it.each([
  ['a JPEG', () => picture().jpeg().toBuffer()],
  ['a progressive JPEG', () => picture().jpeg({ progressive: true }).toBuffer()],
])('%s without the mark of its end has every pixel, and is read', async (_what, make) => {
  const bytes = await make();
  const whole = await image(bytes);

  for (const cut of [1, 2]) {
    const read = await image(bytes.subarray(0, bytes.length - cut));
    expect(Buffer.compare(read.data, whole.data)).toBe(0);
  }
});

describe.each([
  ['JPEG', () => picture().jpeg().toBuffer()],
  ['PNG', () => picture().png().toBuffer()],
  ['GIF', () => picture().gif().toBuffer()],
  ['WEBP', () => picture().webp().toBuffer()],
  ['TIFF', () => picture().tiff({ compression: 'lzw' }).toBuffer()],
  ['TIFF', () => picture().tiff({ compression: 'none', tile: true }).toBuffer()],
  ['AVIF', () => picture().avif().toBuffer()],
] as const)('a %s', (format, make) => {
  it('with a third missing is refused in words that say so, without those of a decoder', async () => {
    const bytes = await make();

    const failed = await image(bytes.subarray(0, Math.ceil((bytes.length * 2) / 3))).catch(
      (error: unknown) => error,
    );

    expect(failed).toMatchObject({ code: 'ItemUnreadable' });
    expect((failed as Error).message).toContain(`the ${format} file is cut off: its last part is missing`);
    expect((failed as Error).message).not.toMatch(/vips|heif|seek|buffer/i);
  });
});

it('an image that is whole and damaged is not called cut off', async () => {
  const bytes = await picture().png().toBuffer();
  bytes.fill(0, 200, 400);

  await expect(image(bytes)).rejects.toMatchObject({
    message: expect.stringContaining('the PNG file is damaged'),
  });
});

it('what is no image at all is refused with the formats that are read', async () => {
  await expect(image(Buffer.from('hello'))).rejects.toMatchObject({
    message: expect.stringContaining('not those of a sound JPEG, PNG,'),
  });
});
