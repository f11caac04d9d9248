import sharp from 'sharp';
import { expect, it } from 'vitest';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import { item } from '../store/sample-entities.ts';

/** 6 x 4, red at the left, blue at the right. */
const RAW = {
  width: 6,
  height: 4,
  channels: 3,
} as const;
const LEVELS = Uint8Array.from({ length: 72 }, (_, at) =>
  at % 3 === (Math.floor(at / 3) % 6 < 3 ? 0 : 2) ? 255 : 0,
);

it('keeps the aspect inside a square, and says how large the image was', async () => {
  const bytes = await sharp(LEVELS, { raw: RAW }).png().toBuffer();

  const { width, height, source } = await inputOf(bytes).image({ width: 12, height: 12, fit: 'inside' });

  expect({ width, height, source }).toEqual({ width: 12, height: 8, source: { width: 6, height: 4 } });
});

it('tells the size of a photo as it stands upright', async () => {
  const bytes = await sharp(LEVELS, { raw: RAW }).jpeg().withMetadata({ orientation: 6 }).toBuffer();

  const resized = await inputOf(bytes).image({ width: 8, height: 8, fit: 'inside' });
  const own = await inputOf(bytes).image();

  expect(resized.source).toEqual({ width: 4, height: 6 });
  expect([resized.width, resized.height]).toEqual([5, 8]);
  expect(own.source).toEqual({ width: 4, height: 6 });
});

it.each([3, 1] as const)('brings 16 bits a level to 8, %i channels', async (channels) => {
  const levels = Uint16Array.from({ length: 4 * channels }, (_, at) => 0x8000 + at * 0x100);
  const bytes = await sharp(levels, { raw: { width: 2, height: 2, channels } })
    .toColourspace(channels === 3 ? 'rgb16' : 'grey16')
    .png()
    .toBuffer();
  expect((await sharp(bytes).metadata()).depth).toBe('ushort');

  const { data } = await inputOf(bytes).image({ channels });

  // Grey goes through a conversion that rounds.
  for (const [at, level] of levels.entries())
    expect(Math.abs(data[at]! - (level >> 8))).toBeLessThanOrEqual(1);
});

it('reads the colours of a JPEG in CMYK', async () => {
  const bytes = await sharp(LEVELS, { raw: RAW })
    .resize(48, 32, { kernel: 'nearest' })
    .toColourspace('cmyk')
    .jpeg({ quality: 100 })
    .toBuffer();
  expect((await sharp(bytes).metadata()).space).toBe('cmyk');

  const { data, channels } = await inputOf(bytes).image({ width: 6, height: 4 });

  const [red, blue] = [Array.from(data.subarray(0, 3)), Array.from(data.subarray(15, 18))];
  expect(channels).toBe(3);
  expect(red[0]! - red[2]!).toBeGreaterThan(120);
  expect(blue[2]! - blue[0]!).toBeGreaterThan(80);
});

it('refuses HEIC by its name, and says what to do', async () => {
  const bytes = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic')]);

  await expect(inputOf(bytes).image()).rejects.toMatchObject({
    code: 'ItemUnreadable',
    message: expect.stringMatching(/HEIC.*save it as JPEG/),
  });
});

it('reads AVIF, which lies in a file of the same kind', async () => {
  const bytes = await sharp(LEVELS, { raw: RAW }).avif({ lossless: true }).toBuffer();

  const { width, height } = await inputOf(bytes).image();

  expect([width, height]).toEqual([6, 4]);
});

function inputOf(bytes: Uint8Array) {
  return createItemInput(item('image'), async () => bytes);
}
