/**
 * Draws 90 small pictures of discs, squares and crosses, each kind in a folder of its own:
 * `node examples/shapes/draw-shapes.ts photos`. The same every time.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

const PICTURES = 30;
const SIZE = 64;

type Draw = (x: number, y: number, radius: number) => string;

const SHAPES: Readonly<Record<string, Draw>> = {
  disc: (x, y, radius) => `<circle cx="${x}" cy="${y}" r="${radius}"/>`,
  square: (x, y, radius) =>
    `<rect x="${x - radius}" y="${y - radius}" width="${2 * radius}" height="${2 * radius}"/>`,
  cross: (x, y, radius) =>
    `<path d="M${x - radius} ${y}H${x + radius}M${x} ${y - radius}V${y + radius}" stroke="black" stroke-width="${radius / 2}"/>`,
};

const folder = process.argv[2] ?? 'photos';
const random = randomFrom(7);
for (const [label, draw] of Object.entries(SHAPES)) {
  await mkdir(join(folder, label), { recursive: true });
  for (let index = 1; index <= PICTURES; index += 1) {
    const shape = draw(around(SIZE / 2), around(SIZE / 2), 14 + 8 * random());
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}"><rect width="${SIZE}" height="${SIZE}" fill="white"/>${shape}</svg>`;
    await sharp(Buffer.from(svg))
      .png()
      .toFile(join(folder, label, `${String(index).padStart(2, '0')}.png`));
  }
}

function around(middle: number): number {
  return middle + 8 * (random() - 0.5);
}

/** Lehmer's generator, 0..1; the seed is a whole number above 0. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
