import type { Json } from '../json.ts';
import { boxCoordinates } from './boxes.ts';
import {
  type Columns,
  findDelimiter,
  HeaderProblem,
  type OWN_COLUMNS,
  type Role,
  readColumns,
} from './csv-columns.ts';
import { csvRows } from './csv-rows.ts';
import { FormatUnreadable } from './errors.ts';
import type { FormatAnnotation, FormatFiles, FormatItem, ReadContext } from './format.ts';
import { noteSize } from './image-size-note.ts';
import { itemPath } from './paths.ts';
import { fromSafeCell } from './spreadsheet-cells.ts';
import { textOf } from './text-stream.ts';
import { partitionOfWord } from './yolo-partitions.ts';

const SIDES = ['left', 'top', 'right', 'bottom'] as const;
const GROUP_SIZE = 500;

type Cells = Partial<Record<Role, string>>;

/** One row with what is known of its place. */
interface Row {
  cells: Cells;
  unknown: readonly (readonly [name: string, text: string])[];
  /** Text that names file and row, for losses. */
  place: string;
  isOwn: boolean;
  decimalComma: boolean;
  fail: (problem: string) => FormatUnreadable;
}

/** Reads one table. @throws FormatUnreadable, naming the row */
export async function* readTable(
  files: FormatFiles,
  path: string,
  context: ReadContext,
): AsyncGenerator<FormatItem> {
  let group: FormatAnnotation[] = [];
  let current: Omit<FormatItem, 'annotations'> | undefined;
  const flush = (): FormatItem[] => {
    const full = current === undefined ? [] : [{ ...current, annotations: group }];
    group = [];
    return full;
  };
  for await (const row of rowsOf(files, path, context)) {
    const item = itemPath('csv', path, row.cells.filename?.replaceAll('\\', '/'));
    if (item !== current?.path || group.length >= GROUP_SIZE) {
      yield* flush();
      if (item !== current?.path) await checkSize(item, row.cells, context);
      current = { path: item, width: undefined, height: undefined, ...partitionOf(row, context) };
    }
    const annotation = annotationOf(row, context);
    noteUnknown(annotation?.type ?? 'file', row, context);
    if (annotation) group.push(annotation);
  }
  yield* flush();
}

/** True for the beginning of a table with columns for file name and label. */
export function isTable(text: string): boolean {
  const line = text.split(/\r?\n/, 1)[0]!;
  try {
    readColumns(line.split(findDelimiter(line)).map((cell) => cell.replace(/^"(.*)"$/, '$1')));
    return true;
  } catch {
    return false;
  }
}

async function* rowsOf(
  files: FormatFiles,
  path: string,
  { isSpreadsheetSafe = false }: ReadContext,
): AsyncGenerator<Row> {
  let columns: Columns | undefined;
  let number = 0;
  try {
    const { chunks, delimiter } = await withDelimiter(textOf('csv', files, path));
    for await (const texts of csvRows(chunks, delimiter)) {
      number += 1;
      if (columns === undefined) columns = readColumns(texts);
      else yield toRow(columns, texts, { path, number, delimiter, isSpreadsheetSafe });
    }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof HeaderProblem)
      throw new FormatUnreadable('csv', path, error.message, error);
    throw error;
  }
}

function toRow(
  { roles, isOwn }: Columns,
  texts: readonly string[],
  {
    path,
    number,
    delimiter,
    isSpreadsheetSafe,
  }: { path: string; number: number; delimiter: string; isSpreadsheetSafe: boolean },
): Row {
  const fail = (problem: string) => new FormatUnreadable('csv', path, `row ${number} ${problem}`);
  if (texts.length > roles.length) throw fail(`has ${texts.length} cells, and the header ${roles.length}`);
  const cells: Cells = {};
  const unknown: [string, string][] = [];
  for (const [at, role] of roles.entries()) {
    const text = texts[at] ?? '';
    if (typeof role === 'string') cells[role] = isSpreadsheetSafe ? fromSafeCell(role, text) : text;
    else unknown.push([role.unknown, text]);
  }
  const place = `${path} row ${number}`;
  return { cells, unknown, place, isOwn, decimalComma: delimiter === ';', fail };
}

/** The chunks as they are, and the delimiter that their first line shows. */
async function withDelimiter(
  chunks: AsyncGenerator<string>,
): Promise<{ chunks: AsyncIterable<string>; delimiter: string }> {
  let head = '';
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    head += next.value;
    if (head.includes('\n')) break;
  }
  const whole = async function* () {
    yield head;
    yield* chunks;
  };
  return { chunks: whole(), delimiter: findDelimiter(head.split(/\r?\n/, 1)[0]!) };
}

async function checkSize(item: string, cells: Cells, { losses, findPath }: ReadContext): Promise<void> {
  const [width, height] = [Number(cells.imageWidth), Number(cells.imageHeight)];
  if (width > 0 && height > 0) noteSize(item, { width, height }, await findPath(item), losses);
}

function partitionOf({ cells }: Row, { losses }: ReadContext): Pick<FormatItem, 'partition'> {
  const word = cells.partition?.trim() ?? '';
  const partition = word === '' ? undefined : partitionOfWord(word);
  if (word !== '' && partition === undefined) losses.dropped('image', 'partition', word);
  return partition === undefined || partition === 'unassigned' ? {} : { partition };
}

/** `undefined` for a row that names an image without an annotation, and for one that has no label. */
function annotationOf(row: Row, { losses }: ReadContext): FormatAnnotation | undefined {
  const { cells, place, fail } = row;
  const box = boxOf(row, losses);
  const label = row.isOwn ? cells.label! : cells.label!.trim();
  if (label === '' && !row.isOwn) {
    if (box) losses.dropped('box', '*', `${place} has no label`);
    return undefined;
  }
  const json = (role: 'coordinates' | 'attributes'): Json | undefined => {
    const text = cells[role] ?? '';
    if (text === '') return undefined;
    try {
      return JSON.parse(text) as Json;
    } catch {
      throw fail(`has ${role} that are not JSON`);
    }
  };
  const coordinates = box ?? json('coordinates');
  return {
    type: cells.type || (box ? 'box' : 'class'),
    label,
    attributes: json('attributes') ?? [],
    ...(coordinates !== undefined && { coordinates }),
    metadata: { system: {} },
  };
}

function boxOf(row: Row, losses: ReadContext['losses']): Json[] | undefined {
  const corners = cornersOf(row);
  if (corners === undefined) return undefined;
  const { fail, cells, place } = row;
  if (corners.some(Number.isNaN)) throw fail('has a corner that is not a number');
  if (!row.isOwn && areFractions(corners))
    throw fail('has corners between 0 and 1, which are fractions of the image; convert them to pixels');
  const [left, top, right, bottom] = corners as [number, number, number, number];
  const isInverted = !row.isOwn && (left > right || top > bottom);
  if (isInverted) losses.approximated('box', 'coordinates.order', `${place}: ${corners.join(', ')}`);
  const sides = isInverted
    ? {
        left: Math.min(left, right),
        top: Math.min(top, bottom),
        right: Math.max(left, right),
        bottom: Math.max(top, bottom),
      }
    : { left, top, right, bottom };
  const angle = cells.angle ? [Number(cells.angle)] : [];
  if (angle.some(Number.isNaN)) throw fail('has an angle that is not a number');
  return [...(boxCoordinates(sides) as Json[]), ...angle];
}

/** Left, top, right and bottom in pixels, NaN for what is not a number; `undefined` for a row without a box. */
function cornersOf({ cells, decimalComma }: Row): number[] | undefined {
  const has = (role: Role) => (cells[role] ?? '').trim() !== '';
  const number = (role: Role) => {
    const text = (cells[role] ?? '').trim();
    return text === '' ? Number.NaN : Number(decimalComma ? text.replace(',', '.') : text);
  };
  if (SIDES.some(has)) return SIDES.map(number);
  if (!(['x', 'y', 'cx', 'cy'] as const).some(has)) return undefined;
  const [width, height] = [number('boxWidth'), number('boxHeight')];
  const left = has('cx') ? number('cx') - width / 2 : number('x');
  const top = has('cy') ? number('cy') - height / 2 : number('y');
  return [left, top, left + width, top + height];
}

/** True for corners that cannot be pixels: all within 0..1, and not all whole. */
function areFractions(corners: readonly number[]): boolean {
  return corners.every((each) => each >= 0 && each <= 1) && !corners.every(Number.isInteger);
}

function noteUnknown(type: string, { unknown }: Row, { losses }: ReadContext): void {
  for (const [name, text] of unknown) if (text !== '') losses.dropped(type, name, text);
}

/** The cells of a row of our own that hold a box digit for digit; `undefined` for any other coordinates. */
export function plainBox(
  coordinates: Json | undefined,
): Partial<Record<(typeof OWN_COLUMNS)[number], string>> | undefined {
  if (!Array.isArray(coordinates)) return undefined;
  const [first, second, angle] = coordinates as { x?: unknown; y?: unknown }[];
  const numbers = { left: first?.x, top: first?.y, right: second?.x, bottom: second?.y };
  if (!Object.values(numbers).every(Number.isFinite)) return undefined;
  const cells: Record<string, string> = Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, String(value)]),
  );
  if (angle !== undefined) cells.angle = String(angle);
  const { left, top, right, bottom } = numbers as Record<(typeof SIDES)[number], number>;
  const back = boxCoordinates({ left, top, right, bottom }) as Json[];
  const whole = cells.angle ? [...back, Number(cells.angle)] : back;
  return JSON.stringify(whole) === JSON.stringify(coordinates) ? cells : undefined;
}
