import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { boundaryOf, grown } from '../../../shared/masks/boundary.ts';
import { countsOf, countsOfText, maskOfCounts, textOfCounts } from '../../../shared/masks/coco-rle.ts';
import { binaryOfMask, maskOfBinary } from '../../../shared/masks/png-mask.ts';
import { polygonMask } from '../../../shared/masks/polygon-mask.ts';
import {
  areaOf,
  maskOfPixels,
  pixelsOf,
  type RunMask,
  reframed,
  sharedArea,
  unionOf,
} from '../../../shared/masks/run-mask.ts';

const pixels = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
  .chain(([width, height]) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      pixels: fc.uint8Array({ minLength: width * height, maxLength: width * height, max: 1 }),
    }),
  );
const twoMasks = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
  .chain(([width, height]) => {
    const one = fc
      .uint8Array({ minLength: width * height, maxLength: width * height, max: 1 })
      .map((each) => maskOfPixels(each, width, height));
    return fc.tuple(one, one);
  });

describe('a mask of runs', () => {
  it('keeps its pixels through runs, lengths, compressed text and PNG', () => {
    fc.assert(
      fc.property(pixels, ({ width, height, pixels: given }) => {
        const mask = maskOfPixels(given, width, height);

        expect(pixelsOf(mask)).toEqual(given);
        expect(maskOfCounts(countsOf(mask), width, height)).toEqual(mask);
        expect(countsOfText(textOfCounts(countsOf(mask)))).toEqual(countsOf(mask));
        expect(maskOfBinary(binaryOfMask(mask))).toEqual(mask);
      }),
    );
  });

  it('has the area, the intersection and the union of its pixels', () => {
    fc.assert(
      fc.property(twoMasks, ([a, b]) => {
        const [left, right] = [pixelsOf(a), pixelsOf(b)];
        const both = left.filter((pixel, at) => pixel + right[at]! === 2).length;

        expect(areaOf(a)).toBe(left.filter((pixel) => pixel === 1).length);
        expect(sharedArea(a, b)).toBe(both);
        expect(areaOf(unionOf([a, b], a.width, a.height))).toBe(areaOf(a) + areaOf(b) - both);
      }),
    );
  });

  it('is cut and widened as its pixels are', () => {
    fc.assert(
      fc.property(
        pixels,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        (given, width, height) => {
          const mask = maskOfPixels(given.pixels, given.width, given.height);

          const found = pixelsOf(reframed(mask, width, height));

          for (let y = 0; y < height; y += 1)
            for (let x = 0; x < width; x += 1) {
              const isInside = x < given.width && y < given.height;
              expect(found[y * width + x]).toBe(isInside ? given.pixels[y * given.width + x] : 0);
            }
        },
      ),
    );
  });

  it('has the text that pycocotools has', () => {
    // pycocotools 2.0: mask.encode(np.asfortranarray([[0,1,1],[0,1,0]], dtype='uint8')) and a frame of 600 x 400 half full
    expect(textOfCounts([2, 3, 1])).toBe('231');
    expect(countsOfText('231')).toEqual([2, 3, 1]);
    expect(countsOfText(textOfCounts([120_000, 60_000, 3, 59_997]))).toEqual([120_000, 60_000, 3, 59_997]);
  });

  it('is not made of lengths or texts that do not fit', () => {
    for (const counts of [[3], [2, 3], [-1, 5], [0.5, 3.5], [1e9]])
      expect(maskOfCounts(counts, 2, 2)).toBeUndefined();
    for (const text of ['~~~', '\u0000', 'ooooooooo']) expect(countsOfText(text)).toBeUndefined();
  });
});

describe('the PNG of a mask', () => {
  it('is read as sharp wrote it, whatever filter and colour it has', async () => {
    const [width, height] = [7, 5];
    const alpha = Uint8Array.from({ length: width * height }, (_, at) => (at * 37) % 256);
    const rgba = Buffer.concat([...alpha].map((each) => Buffer.from([200, 10, 30, each])));
    for (const adaptiveFiltering of [true, false]) {
      const png = await sharp(rgba, { raw: { width, height, channels: 4 } })
        .png({ adaptiveFiltering })
        .toBuffer();

      const mask = maskOfBinary({ data: `data:image/png;base64,${png.toString('base64')}` });

      expect([...pixelsOf(mask!)]).toEqual([...alpha].map((each) => Number(each > 127)));
    }
  });

  it('is an image that others can read', async () => {
    const mask: RunMask = { width: 3, height: 2, runs: [1, 4] };

    const png = Buffer.from(binaryOfMask(mask).slice(22), 'base64');

    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 3, height: 2, channels: 4 });
    expect([...data].filter((_, at) => at % 4 === 3).map((each) => each / 255)).toEqual([...pixelsOf(mask)]);
  });

  it('is nothing when it is cut off, of another kind, or larger than it says', () => {
    const whole = binaryOfMask({ width: 3, height: 2, runs: [1, 4] });
    const bomb = Buffer.from(whole.slice(22), 'base64');
    bomb.writeUInt32BE(1, 16);

    for (const each of [
      whole.slice(0, 60),
      'data:image/png;base64,AAAA',
      'x',
      7,
      null,
      `data:image/png;base64,${bomb.toString('base64')}`,
    ])
      expect(maskOfBinary(each)).toBeUndefined();
  });
});

describe('polygonMask', () => {
  const corner = fc.record({
    x: fc.double({ min: -3, max: 12, noNaN: true }),
    y: fc.double({ min: -3, max: 12, noNaN: true }),
  });

  it('has exactly the pixels whose centre is inside by the even-odd rule', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(corner, { minLength: 3, maxLength: 6 }), { minLength: 1, maxLength: 2 }),
        (rings) => {
          const found = pixelsOf(polygonMask(rings, 9, 8));

          for (let y = 0; y < 8; y += 1)
            for (let x = 0; x < 9; x += 1)
              expect(found[y * 9 + x]).toBe(Number(isInside(rings, x + 0.5, y + 0.5)));
        },
      ),
    );
  });

  it('takes the left and upper edge and leaves the right and lower one, so that neighbours share no pixel', () => {
    const square = (left: number, right: number) => [
      [
        { x: left, y: 0.5 },
        { x: right, y: 0.5 },
        { x: right, y: 2.5 },
        { x: left, y: 2.5 },
      ],
    ];

    const [left, right] = [polygonMask(square(0.5, 2.5), 6, 4), polygonMask(square(2.5, 4.5), 6, 4)];

    expect(areaOf(left)).toBe(4);
    expect(areaOf(right)).toBe(4);
    expect(sharedArea(left, right)).toBe(0);
  });
});

describe('boundaryOf', () => {
  it('is what an erosion by a square takes away, the edge of the frame included', () => {
    fc.assert(
      fc.property(pixels, fc.integer({ min: 1, max: 3 }), ({ width, height, pixels: given }, distance) => {
        const found = boundaryOf(given, width, height, distance);
        const near = grown(given, width, height, distance);

        for (let y = 0; y < height; y += 1)
          for (let x = 0; x < width; x += 1) {
            const around = squareAround(given, width, height, x, y, distance);
            const isEroded = around.includes(0);
            expect(found[y * width + x]).toBe(Number(given[y * width + x] === 1 && isEroded));
            expect(near[y * width + x]).toBe(Number(around.includes(1)));
          }
      }),
    );
  });
});

function squareAround(
  given: Uint8Array,
  width: number,
  height: number,
  x: number,
  y: number,
  distance: number,
) {
  const around: number[] = [];
  for (let dy = -distance; dy <= distance; dy += 1)
    for (let dx = -distance; dx <= distance; dx += 1) {
      const isOut = x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height;
      around.push(isOut ? 0 : given[(y + dy) * width + x + dx]!);
    }
  return around;
}

/** Crossings of a ray upwards, as the rule says it. */
function isInside(rings: readonly (readonly { x: number; y: number }[])[], x: number, y: number): boolean {
  let inside = false;
  for (const ring of rings)
    for (const [index, a] of ring.entries()) {
      const b = ring[(index + 1) % ring.length]!;
      const [left, right] = a.x <= b.x ? [a, b] : [b, a];
      if (!(left.x <= x && x < right.x)) continue;
      if (left.y + ((x - left.x) / (right.x - left.x)) * (right.y - left.y) <= y) inside = !inside;
    }
  return inside;
}
