import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import sharp from 'sharp';
import type { ImportEntry } from '../../shared/catalog/item-import.ts';

const SIDE = 8;
/** Pixels are 0..16 in the file and 0..240 in the PNG, so that they can be read by eye and divided back exactly. */
export const GREY_STEP = 15;
const FILE = fileURLToPath(new URL('../../examples/digits/digits.csv.gz', import.meta.url));

interface Digit {
  split: 'train' | 'test';
  label: string;
  /** [64] 0..16, row by row. */
  pixels: number[];
}

/** The digits, in the order of the file. */
export async function readDigits(file = FILE): Promise<Digit[]> {
  const text = (await promisify(gunzip)(await readFile(file))).toString('utf8');
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [split, label, ...pixels] = line.split(',');
      return { split: split === 'train' ? 'train' : 'test', label: label!, pixels: pixels.map(Number) };
    });
}

/** The digits as PNG items `/<split>/<label>/<row>.png`, labelled and in their partitions. */
export async function* digitEntries(digits: readonly Digit[]): AsyncGenerator<ImportEntry> {
  for (const [row, { split, label, pixels }] of digits.entries())
    yield {
      path: `/${split}/${label}/${String(row).padStart(4, '0')}.png`,
      bytes: await toPng(pixels),
      label,
      partition: split,
      metadata: { user: { row } },
    };
}

async function toPng(pixels: readonly number[]): Promise<Uint8Array> {
  const grey = Uint8Array.from(pixels, (value) => value * GREY_STEP);
  return sharp(grey, { raw: { width: SIDE, height: SIDE, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}
