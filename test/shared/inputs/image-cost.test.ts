import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { ImageOptions, ImagePixels } from '../../../adapters/model-adapter.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import { item } from '../store/sample-entities.ts';

const [WIDTH, HEIGHT] = [400, 300];
const PIXELS = WIDTH * HEIGHT;
const picture = (background = '#a04020') =>
  sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background } });
const JPEG = await picture().jpeg().toBuffer();
const PROGRESSIVE = await picture().jpeg({ progressive: true }).toBuffer();
const frames = await Promise.all(['#a00', '#0a0', '#00a'].map((each) => picture(each).png().toBuffer()));

describe.each<[string, Uint8Array]>([
  ['a PNG', await picture().png().toBuffer()],
  ['a WebP', await picture().webp().toBuffer()],
  ['a TIFF', await picture().tiff().toBuffer()],
  ['a GIF', await picture().gif().toBuffer()],
  ['an AVIF', await picture().avif({ effort: 0 }).toBuffer()],
  ['an SVG', Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"/>`)],
  ['a progressive JPEG', PROGRESSIVE],
])('%s', (_what, bytes) => {
  it.each<ImageOptions | undefined>([undefined, { width: 8 }, { width: 8, height: 8, fit: 'cover' }])(
    'is refused, asked for %j, when all its pixels take more than is allowed',
    async (options) => {
      const refused = read(bytes, PIXELS * 3 - 1, options);

      await expect(refused).rejects.toMatchObject({
        code: 'ItemUnreadable',
        message: expect.stringMatching(/400 x 300 pixels of [34] bytes .* MODELFN_MAX_IMAGE_BYTES=359999/),
      });
      expect((await read(bytes, PIXELS * 4, options)).source).toEqual({ width: WIDTH, height: HEIGHT });
    },
  );
});

it('a PNG gives the same whether its size was asked of the decoder or read in its first bytes', async () => {
  const turned = await picture().withMetadata({ orientation: 6 }).png().toBuffer();

  const small = { width: 20, height: 20, fit: 'inside' } as const;
  const [asked, seen] = [await read(turned, PIXELS * 8 - 1), await read(turned, PIXELS * 8)];

  expect(seen).toEqual(asked);
  expect(await read(turned, PIXELS * 8, small)).toEqual(await read(turned, PIXELS * 8 - 1, small));
  await expect(read(turned, PIXELS * 8, { width: 4000, height: 4000 })).rejects.toMatchObject({
    code: 'ItemUnreadable',
  });
  expect(seen).toMatchObject({ width: HEIGHT, height: WIDTH, source: { width: HEIGHT, height: WIDTH } });
});

describe('a JPEG', () => {
  it('that is asked for small is decoded small, however large it is', async () => {
    const { width, height, source } = await read(JPEG, 50 * 38 * 3, { width: 40, fit: 'inside' });

    expect({ width, height, source }).toEqual({
      width: 40,
      height: 30,
      source: { width: WIDTH, height: HEIGHT },
    });
  });

  it('that lies on its side is measured as it is seen', async () => {
    const turned = await picture().jpeg().withMetadata({ orientation: 6 }).toBuffer();
    const third = { width: 100, height: 133 };

    expect(await read(turned, (PIXELS / 4) * 3, third)).toMatchObject(third);
    await expect(read(turned, PIXELS * 3 - 1, { width: 133, height: 100 })).rejects.toMatchObject({
      code: 'ItemUnreadable',
    });
  });

  it('is decoded whole where one side is to stay as it is', async () => {
    const narrow = { width: 50 };

    expect(await read(JPEG, PIXELS * 3, narrow)).toMatchObject({ width: 50, height: HEIGHT });
    await expect(read(JPEG, PIXELS * 3 - 1, narrow)).rejects.toMatchObject({ code: 'ItemUnreadable' });
  });

  it('is refused at its own size', async () => {
    await expect(read(JPEG, PIXELS * 3 - 1)).rejects.toMatchObject({ code: 'ItemUnreadable' });
    expect(await read(JPEG, PIXELS * 3)).toMatchObject({ width: WIDTH, height: HEIGHT });
  });
});

it('samples of 16 bits count twice', async () => {
  const deep = await picture().toColourspace('rgb16').png().toBuffer();

  await expect(read(deep, PIXELS * 6 - 1)).rejects.toMatchObject({ code: 'ItemUnreadable' });
  expect(await read(deep, PIXELS * 6)).toMatchObject({ width: WIDTH });
});

it('of an animation the first picture alone is decoded, and counts', async () => {
  const animated = await sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();

  expect(await read(animated, PIXELS * 4)).toMatchObject({ width: WIDTH, height: HEIGHT });
  await expect(read(animated, PIXELS * 3 - 1)).rejects.toMatchObject({ code: 'ItemUnreadable' });
});

it('a size that is asked for may not take more either', async () => {
  await expect(read(JPEG, PIXELS * 3, { width: 401, height: 300 })).rejects.toMatchObject({
    message: expect.stringContaining('401 x 300 pixels of 3 bytes'),
  });
  await expect(read(JPEG, PIXELS * 3, { height: 301, fit: 'inside' })).rejects.toMatchObject({
    code: 'ItemUnreadable',
  });
});

function read(bytes: Uint8Array, maxImageBytes: number, options?: ImageOptions): Promise<ImagePixels> {
  return createItemInput(item('image'), async () => bytes, { maxImageBytes }).image(options);
}
