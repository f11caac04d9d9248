import { describe, expect, it } from 'vitest';
import { decodeBmp } from '../../../shared/inputs/bmp.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import { item } from '../store/sample-entities.ts';
import { bitmapOf } from './bitmaps.ts';

const RED = [255, 0, 0] as const;
const GREEN = [0, 255, 0] as const;
const BLUE = [0, 0, 255] as const;
const WHITE = [255, 255, 255] as const;
/** 3 x 2: red, green, blue above white, red, green. */
const PICTURE = [...RED, ...GREEN, ...BLUE, ...WHITE, ...RED, ...GREEN];
const PALETTE = [RED, GREEN, BLUE, WHITE];

const bytes = (...values: number[]) => Uint8Array.from(values);
const words = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer);
const longs = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);

const size = { width: 3, height: 2 };
const from24 = [bytes(255, 255, 255, 0, 0, 255, 0, 255, 0), bytes(0, 0, 255, 0, 255, 0, 255, 0, 0)];

describe('a bitmap is decoded', () => {
  it.each([
    ['of 24 bits', bitmapOf({ ...size, depth: 24, rows: from24 })],
    ['whose rows run from the top', bitmapOf({ ...size, height: -2, depth: 24, rows: from24.toReversed() })],
    ['with the old header of OS/2', bitmapOf({ ...size, depth: 24, rows: from24, headerBytes: 12 })],
    ['of 8 bits', bitmapOf({ ...size, depth: 8, rows: [bytes(3, 0, 1), bytes(0, 1, 2)], palette: PALETTE })],
    [
      'of 4 bits',
      bitmapOf({ ...size, depth: 4, rows: [bytes(0x30, 0x10), bytes(0x01, 0x20)], palette: PALETTE }),
    ],
    [
      'of 2 bits',
      bitmapOf({ ...size, depth: 2, rows: [bytes(0b11000100), bytes(0b00011000)], palette: PALETTE }),
    ],
    [
      'of 8 bits with the old header',
      bitmapOf({
        ...size,
        depth: 8,
        rows: [bytes(3, 0, 1), bytes(0, 1, 2)],
        palette: PALETTE,
        headerBytes: 12,
      }),
    ],
    [
      'of 16 bits',
      bitmapOf({ ...size, depth: 16, rows: [words(0x7fff, 0x7c00, 0x03e0), words(0x7c00, 0x03e0, 0x001f)] }),
    ],
    [
      'of 16 bits with masks of 5, 6 and 5 bits',
      bitmapOf({
        ...size,
        depth: 16,
        compression: 3,
        masks: [0xf800, 0x07e0, 0x001f],
        rows: [words(0xffff, 0xf800, 0x07e0), words(0xf800, 0x07e0, 0x001f)],
      }),
    ],
    [
      'of 32 bits, the last of them unused',
      bitmapOf({
        ...size,
        depth: 32,
        rows: [longs(0x00ffffff, 0xff0000, 0x00ff00), longs(0xff0000, 0x00ff00, 0x0000ff)],
      }),
    ],
    [
      'in runs of 8 bits',
      bitmapOf({
        ...size,
        depth: 8,
        compression: 1,
        palette: PALETTE,
        rows: [bytes(1, 3, 1, 0, 1, 1, 0, 0), bytes(0, 3, 0, 1, 2, 0, 0, 1)],
      }),
    ],
    [
      'in runs of 4 bits',
      bitmapOf({
        ...size,
        depth: 4,
        compression: 2,
        palette: PALETTE,
        rows: [bytes(2, 0x30, 1, 0x10, 0, 0), bytes(0, 3, 0x01, 0x20, 0, 1)],
      }),
    ],
  ])('%s', async (_what, file) => {
    expect([...decodeBmp(file).data]).toEqual(PICTURE);
    const { width, height, data, source } = await createItemInput(item('bitmap'), async () => file).image();
    expect([width, height, source]).toEqual([3, 2, { width: 3, height: 2 }]);
    expect([...data]).toEqual(PICTURE);
  });

  it('of 1 bit, wider than a byte', () => {
    const file = bitmapOf({
      width: 10,
      height: 1,
      depth: 1,
      rows: [bytes(0b10000000, 0b01000000)],
      palette: [RED, BLUE],
    });

    const { data } = decodeBmp(file);

    expect(Array.from({ length: 10 }, (_, x) => (data[3 * x + 2] === 255 ? 1 : 0))).toEqual([
      1, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    ]);
  });

  it('with its alpha, which counts unless it is 0 everywhere', () => {
    const masks = [0xff0000, 0xff00, 0xff, 0xff000000];
    const file = (...pixels: number[]) =>
      bitmapOf({
        width: 2,
        height: 1,
        depth: 32,
        compression: 3,
        masks,
        headerBytes: 108,
        rows: [longs(...pixels)],
      });

    expect([...decodeBmp(file(0x80ff0000, 0x0000ff00)).data]).toEqual([255, 0, 0, 128, 0, 255, 0, 0]);
    expect([...decodeBmp(file(0x00ff0000, 0x0000ff00)).data]).toEqual([255, 0, 0, 255, 0, 255, 0, 255]);
  });

  it('without the filling of its last row', () => {
    const file = bitmapOf({ ...size, depth: 24, rows: from24 });

    expect([...decodeBmp(file.subarray(0, file.length - 3)).data]).toEqual(PICTURE);
  });
});

describe('a bitmap is refused', () => {
  const whole = bitmapOf({ ...size, depth: 24, rows: from24 });
  const huge = Buffer.from(whole);
  huge.writeInt32LE(60_000, 18);
  huge.writeInt32LE(60_000, 22);
  const odd = Buffer.from(whole);
  odd.writeUInt16LE(7, 28);
  const jpeg = Buffer.from(whole);
  jpeg.writeUInt32LE(4, 30);

  it.each([
    ['that is cut off', whole.subarray(0, whole.length - 6), /cut off/],
    ['that is cut off in its header', whole.subarray(0, 30), /cut off|not those of/],
    ['that claims more pixels than are affordable', huge, /60000 x 60000/],
    ['of 7 bits per pixel', odd, /7 bits per pixel/],
    ['with a JPEG in it', jpeg, /compression 4/],
    [
      'with a colour beyond its table',
      bitmapOf({ ...size, depth: 8, rows: [bytes(9, 0, 1), bytes(0, 1, 2)], palette: PALETTE }),
      /damaged/,
    ],
    [
      'whose runs end too early',
      bitmapOf({ ...size, depth: 8, compression: 1, palette: PALETTE, rows: [bytes(3, 1)] }),
      /cut off/,
    ],
  ])('%s', async (_what, file, message) => {
    await expect(createItemInput(item('bitmap'), async () => file).image()).rejects.toMatchObject({
      code: 'ItemUnreadable',
      message: expect.stringMatching(message),
    });
  });
});
