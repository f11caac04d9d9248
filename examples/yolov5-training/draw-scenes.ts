/**
 * Draws pictures with discs, squares and crosses on them and writes their boxes beside them, in YOLO's layout:
 * `node examples/yolov5-training/draw-scenes.ts scenes 400 128`. The same every time.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

/** A box in pixels, from the upper left corner. */
export interface DrawnBox {
  label: string;
  left: number;
  top: number;
  width: number;
  height: number;
}

const SHAPES: Readonly<Record<string, (x: number, y: number, radius: number) => string>> = {
  disc: (x, y, radius) => `<circle cx="${x}" cy="${y}" r="${radius}"/>`,
  square: (x, y, radius) =>
    `<rect x="${x - radius}" y="${y - radius}" width="${2 * radius}" height="${2 * radius}"/>`,
  cross: (x, y, radius) => {
    const arm = radius / 3;
    const bar = (left: number, top: number, width: number, height: number) =>
      `M${left} ${top}h${width}v${height}h${-width}z`;
    const bars = [
      bar(x - radius, y - arm, 2 * radius, 2 * arm),
      bar(x - arm, y - radius, 2 * arm, 2 * radius),
    ];
    return `<path d="${bars.join('')}"/>`;
  },
};
export const SHAPE_LABELS: readonly string[] = Object.keys(SHAPES);

/** Writes `images/<number>.png`, `labels/<number>.txt` and `classes.txt`; `size` is a picture's side in pixels. */
export async function drawScenes(folder: string, count: number, size: number): Promise<void> {
  for (const name of ['images', 'labels']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'classes.txt'), `${SHAPE_LABELS.join('\n')}\n`);
  const random = randomFrom(7);
  for (let index = 0; index < count; index += 1) {
    const { svg, boxes } = drawScene(size, random);
    const name = String(index).padStart(4, '0');
    await sharp(Buffer.from(svg))
      .png()
      .toFile(join(folder, 'images', `${name}.png`));
    await writeFile(join(folder, 'labels', `${name}.txt`), boxes.map((box) => lineOf(box, size)).join(''));
  }
}

/** Up to four shapes that leave each other alone. */
function drawScene(size: number, random: () => number): { svg: string; boxes: DrawnBox[] } {
  const colour = () => `hsl(${Math.floor(360 * random())} ${20 + Math.floor(60 * random())}%`;
  const boxes: DrawnBox[] = [];
  const drawn = [`<rect width="${size}" height="${size}" fill="${colour()} ${70 + 25 * random()}%)"/>`];
  for (let wanted = 1 + Math.floor(4 * random()); wanted > 0; wanted -= 1) {
    const label = SHAPE_LABELS[Math.floor(SHAPE_LABELS.length * random())]!;
    const radius = size * (0.06 + 0.12 * random());
    const [x, y] = [0, 1].map(() => radius + (size - 2 * radius) * random()) as [number, number];
    const box = { label, left: x - radius, top: y - radius, width: 2 * radius, height: 2 * radius };
    if (boxes.some((other) => meet(box, other))) continue;
    boxes.push(box);
    drawn.push(`<g fill="${colour()} ${15 + 35 * random()}%)">${SHAPES[label]!(x, y, radius)}</g>`);
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}">${drawn.join('')}</svg>`;
  return { svg, boxes };
}

function meet(a: DrawnBox, b: DrawnBox): boolean {
  const apart = (from: number, length: number, other: number, otherLength: number) =>
    from + length < other || other + otherLength < from;
  return !apart(a.left, a.width, b.left, b.width) && !apart(a.top, a.height, b.top, b.height);
}

/** Class, centre and size as shares of the picture. */
function lineOf({ label, left, top, width, height }: DrawnBox, size: number): string {
  const shares = [left + width / 2, top + height / 2, width, height].map((each) => (each / size).toFixed(6));
  return `${SHAPE_LABELS.indexOf(label)} ${shares.join(' ')}\n`;
}

/** Lehmer's generator, 0..1; the seed is a whole number above 0. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

if (import.meta.main) {
  const [folder = 'scenes', count = '400', size = '128'] = process.argv.slice(2);
  await drawScenes(folder, Number(count), Number(size));
}
