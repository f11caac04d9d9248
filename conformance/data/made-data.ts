import { CheckDataUnusable } from '../errors.ts';
import type { CheckData, CheckFile } from './check-data.ts';
import { drawnNumbers, drawnText, oddNumbers, oddTexts } from './documents.ts';
import { drawnImage, oddImages } from './images.ts';
import { randomNumbers } from './random.ts';

const LABELS = ['first', 'second', 'third'];
const ITEMS_PER_CLASS = 8;

interface Maker {
  draw(classIndex: number, random: () => number): CheckFile | Promise<CheckFile>;
  odd(random: () => number): CheckFile[] | Promise<CheckFile[]>;
}

/** By `inputType` of the adapter's class. */
const MAKERS: Readonly<Record<string, Maker>> = {
  image: { draw: drawnImage, odd: oddImages },
  tabular: { draw: drawnNumbers, odd: oddNumbers },
  json: { draw: drawnNumbers, odd: oddNumbers },
  text: { draw: drawnText, odd: oddTexts },
};

/**
 * Small items of three classes that are easy to tell apart, the same for the same seed: PNG images, or JSON objects
 * with four numbers or a text. On an image the thing has a box too, for adapters that look for boxes. A class that names no input type gets numbers.
 * @throws CheckDataUnusable for an input type of which the kit can make none
 */
export async function madeData(inputType: string | null, seed: number): Promise<CheckData> {
  const maker = MAKERS[inputType ?? 'tabular'];
  if (!maker)
    throw new CheckDataUnusable(
      `The input type ${JSON.stringify(inputType)}`,
      'is none the kit can make items of',
      `It makes ${Object.keys(MAKERS).join(', ')}. Give items of your own: --data with a folder that has a folder for each label.`,
    );
  const random = randomNumbers(seed);
  const classes = new Map<string, CheckFile[]>();
  for (const [index, label] of LABELS.entries()) {
    const files: CheckFile[] = [];
    for (let count = 0; count < ITEMS_PER_CLASS; count += 1) files.push(await maker.draw(index, random));
    classes.set(label, files);
  }
  return { classes, odd: await maker.odd(random) };
}
