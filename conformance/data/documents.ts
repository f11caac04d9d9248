import type { Json } from '../../shared/json.ts';
import type { CheckFile } from './check-data.ts';

const COLUMNS = ['x', 'y', 'z', 'w'] as const;
const WORDS = [
  ['sun', 'beach', 'summer', 'warm'],
  ['snow', 'mountain', 'winter', 'cold'],
  ['rain', 'street', 'autumn', 'wet'],
] as const;

/** A JSON object of four numbers around a centre of the class. */
export function drawnNumbers(classIndex: number, random: () => number): CheckFile {
  const centre = (column: number) => (column === classIndex % COLUMNS.length ? 8 : 1);
  return documentOf(
    Object.fromEntries(COLUMNS.map((name, column) => [name, centre(column) + random() - 0.5])),
  );
}

/** All zero, and far out. */
export function oddNumbers(): CheckFile[] {
  return [0, 1e6, -1e6].map((value) => documentOf(Object.fromEntries(COLUMNS.map((name) => [name, value]))));
}

/** A JSON object with a `text` of words of the class. */
export function drawnText(classIndex: number, random: () => number): CheckFile {
  const words = WORDS[classIndex % WORDS.length]!;
  const drawn = Array.from({ length: 12 }, () => words[Math.floor(random() * words.length)]!);
  return documentOf({ text: drawn.join(' ') });
}

/** No word, and words of no class. */
export function oddTexts(): CheckFile[] {
  return ['', 'zzz qqq', '\u{1f4a1} ünïcödé'].map((text) => documentOf({ text }));
}

function documentOf(document: Json): CheckFile {
  return { extension: '.json', bytes: new TextEncoder().encode(JSON.stringify(document)) };
}
