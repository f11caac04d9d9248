import type { CheckFile } from './check-data.ts';

/** Side of an image in pixels. */
const SIDE = 32;
const CHANNELS = 3;

/** A PNG with a bright quarter on a dark ground, both noisy: the corner and the colour tell the class. */
export async function drawnImage(classIndex: number, random: () => number): Promise<CheckFile> {
  const half = SIDE / 2;
  return pngOf((x, y, channel) => {
    const corner = (y < half ? 0 : 2) + (x < half ? 0 : 1);
    const isBright = corner === classIndex % 4 && channel !== classIndex % CHANNELS;
    return (isBright ? 190 : 30) + random() * 40;
  });
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
