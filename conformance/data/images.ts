import type { CheckFile } from './check-data.ts';

/** Side of an image in pixels. */
const SIDE = 32;
const CHANNELS = 3;

/** At most so many pixels of each side of a quarter stay dark. */
const MOST_MARGIN = 4;

/** A PNG with a bright box in one quarter of a dark ground, both noisy: the corner and the colour tell the class. */
export async function drawnImage(classIndex: number, random: () => number): Promise<CheckFile> {
  const half = SIDE / 2;
  const margin = () => Math.floor(random() * MOST_MARGIN);
  const [x0, y0] = [(classIndex % 2) * half, Math.floor((classIndex % 4) / 2) * half];
  const [left, top] = [x0 + margin(), y0 + margin()];
  const box = { left, top, right: x0 + half - margin(), bottom: y0 + half - margin() };
  const file = await pngOf((x, y, channel) => {
    const isInside = x >= box.left && x < box.right && y >= box.top && y < box.bottom;
    const isBright = isInside && channel !== classIndex % CHANNELS;
    return (isBright ? 190 : 30) + random() * 40;
  });
  return { ...file, box };
}

/** Black, white, and noise. */
export async function oddImages(random: () => number): Promise<CheckFile[]> {
  return Promise.all([pngOf(() => 0), pngOf(() => 255), pngOf(() => random() * 255)]);
}

async function pngOf(level: (x: number, y: number, channel: number) => number): Promise<CheckFile> {
  const { default: sharp } = await import('sharp');
  const pixels = Uint8Array.from({ length: SIDE * SIDE * CHANNELS }, (_, index) => {
    const pixel = Math.floor(index / CHANNELS);
    return Math.floor(level(pixel % SIDE, Math.floor(pixel / SIDE), index % CHANNELS));
  });
  const raw = { width: SIDE, height: SIDE, channels: CHANNELS } as const;
  return { extension: '.png', bytes: await sharp(pixels, { raw }).png().toBuffer() };
}
