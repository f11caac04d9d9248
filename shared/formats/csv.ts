import type { LayoutWriter } from '../../adapters/model-adapter.ts';
import type { Json } from '../json.ts';
import { boxCoordinates } from './boxes.ts';
import { csvRows } from './csv-rows.ts';
import { FormatUnreadable } from './errors.ts';
import type {
  AnnotationFormat,
  FormatAnnotation,
  FormatFiles,
  FormatItem,
  FormatSource,
  ReadContext,
  Survey,
} from './format.ts';
import type { LossReport } from './loss-report.ts';
import { itemPath } from './paths.ts';
import { noteRest } from './rest.ts';
import { findByContent, isClutter, mediaBelow } from './survey.ts';
import { inPieces, textOf } from './text-stream.ts';

const COLUMNS = [
  'filename',
  'type',
  'label',
  'left',
  'top',
  'right',
  'bottom',
  'angle',
  'coordinates',
  'attributes',
] as const;
type Column = (typeof COLUMNS)[number];
const SIDES = ['left', 'top', 'right', 'bottom'] as const;
const GROUP_SIZE = 500;

/**
 * A table, one `<partition>.csv` a partition, a line an annotation: a box has its corners in columns, what else has
 * coordinates has them as JSON. RFC 4180. Read are columns in any order; `filename` and `label` have to be there.
 */
export class CsvFormat implements AnnotationFormat {
  readonly types = 'all';
  readonly mediaFolder = 'images/';

  async survey(files: FormatFiles): Promise<Survey> {
    const paths = await files.list();
    const own = paths.filter((path) => this.#isAnnotationFile(path));
    const known = await findByContent(files, own, isTable);
    return {
      evidence: known && `${known} has a header with filename and label`,
      annotationFiles: own.length,
      media: mediaBelow(paths, this.mediaFolder, (path) => this.#isAnnotationFile(path)),
    };
  }

  async write(source: FormatSource, layout: LayoutWriter, losses: LossReport): Promise<void> {
    for (const partition of source.partitions)
      await layout.write(`${partition}.csv`, inPieces(rowsOf(source, partition, losses)));
  }

  async *read(files: FormatFiles, { losses }: ReadContext): AsyncGenerator<FormatItem> {
    for (const path of (await files.list()).filter((each) => this.#isAnnotationFile(each)))
      yield* readTable(files, path, losses);
  }

  #isAnnotationFile(path: string): boolean {
    return path.endsWith('.csv') && !path.startsWith(this.mediaFolder) && !isClutter(path);
  }
}

function isTable(text: string): boolean {
  const header = text.split('\n', 1)[0]!;
  return ['filename', 'label'].every((column) => header.includes(column));
}

async function* rowsOf(source: FormatSource, partition: string, losses: LossReport): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`;
  for await (const { path, annotations } of source.items(partition))
    for (const annotation of annotations) {
      if (!annotation.label.isWellFormed() || !annotation.type.isWellFormed()) {
        losses.dropped(annotation.type, '*', annotation.label);
        continue;
      }
      noteRest(annotation, losses, { attributes: true });
      const cells = cellsOf(path, annotation);
      yield `${COLUMNS.map((column) => quoted(cells[column] ?? '')).join(',')}\r\n`;
    }
}

function cellsOf(path: string, annotation: FormatAnnotation): Partial<Record<Column, string>> {
  const { type, label, coordinates, attributes } = annotation;
  const isPlain = Array.isArray(attributes) && attributes.length === 0;
  const cells = { filename: path, type, label, attributes: isPlain ? '' : JSON.stringify(attributes) };
  const box = type === 'box' ? plainBox(coordinates) : undefined;
  if (box) return { ...cells, ...box };
  return coordinates === undefined ? cells : { ...cells, coordinates: JSON.stringify(coordinates) };
}

/** The columns of a box that they hold digit for digit; `undefined` for any other. */
function plainBox(coordinates: Json | undefined): Partial<Record<Column, string>> | undefined {
  if (!Array.isArray(coordinates)) return undefined;
  const [first, second, angle] = coordinates as { x?: unknown; y?: unknown }[];
  const numbers = { left: first?.x, top: first?.y, right: second?.x, bottom: second?.y };
  if (!Object.values(numbers).every(Number.isFinite)) return undefined;
  const cells = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]));
  if (angle !== undefined) cells.angle = String(angle);
  return JSON.stringify(boxOf(cells)) === JSON.stringify(coordinates) ? cells : undefined;
}

function boxOf(cells: Partial<Record<Column, string>>): Json[] {
  const [left, top, right, bottom] = SIDES.map((side) => numberOf(cells[side]));
  const corners = boxCoordinates({ left: left!, top: top!, right: right!, bottom: bottom! }) as Json[];
  return cells.angle ? [...corners, Number(cells.angle)] : corners;
}

/** An empty cell is no 0. */
function numberOf(text = ''): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

function quoted(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

async function* readTable(files: FormatFiles, path: string, losses: LossReport): AsyncGenerator<FormatItem> {
  let columns: string[] | undefined;
  let group: FormatAnnotation[] = [];
  let groupPath = '';
  let row = 0;
  for await (const cells of rows(files, path)) {
    row += 1;
    if (columns === undefined) {
      columns = readHeader(path, cells);
      continue;
    }
    const named = Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? '']));
    const fail = (problem: string) => new FormatUnreadable('csv', path, `row ${row} ${problem}`);
    if (cells.length > columns.length)
      throw fail(`has ${cells.length} cells, and the header ${columns.length}`);
    const itemOfRow = itemPath('csv', path, named.filename);
    if (itemOfRow !== groupPath || group.length >= GROUP_SIZE) {
      if (group.length > 0)
        yield { path: groupPath, width: undefined, height: undefined, annotations: group };
      group = [];
      groupPath = itemOfRow;
    }
    const annotation = annotationOf(named, fail);
    noteUnknown(annotation.type, named, losses);
    group.push(annotation);
  }
  if (group.length > 0) yield { path: groupPath, width: undefined, height: undefined, annotations: group };
}

function readHeader(path: string, cells: readonly string[]): string[] {
  const columns = cells.map((cell) => cell.trim());
  const missing = ['filename', 'label'].filter((column) => !columns.includes(column));
  if (missing.length > 0)
    throw new FormatUnreadable('csv', path, `its first row does not name ${missing.join(' and ')}`);
  if (new Set(columns).size !== columns.length)
    throw new FormatUnreadable('csv', path, 'its first row names a column twice');
  return columns;
}

function annotationOf(
  cells: Partial<Record<string, string>>,
  fail: (problem: string) => Error,
): FormatAnnotation {
  const isBox = SIDES.some((side) => (cells[side] ?? '') !== '');
  const type = cells.type || (isBox ? 'box' : 'class');
  const json = (column: Column): Json | undefined => {
    const text = cells[column] ?? '';
    if (text === '') return undefined;
    try {
      return JSON.parse(text) as Json;
    } catch {
      throw fail(`has ${column} that are no JSON`);
    }
  };
  const box = isBox ? boxOf(cells) : undefined;
  if (box?.some((each) => Object.values(each as object).some(Number.isNaN)) || Number.isNaN(box?.[2]))
    throw fail('has a corner that is no number');
  const coordinates = box ?? json('coordinates');
  return {
    type,
    label: cells.label!,
    attributes: json('attributes') ?? [],
    ...(coordinates !== undefined && { coordinates }),
    metadata: { system: {} },
  };
}

function noteUnknown(type: string, cells: Partial<Record<string, string>>, losses: LossReport): void {
  for (const [column, value] of Object.entries(cells))
    if (value !== '' && !(COLUMNS as readonly string[]).includes(column)) losses.dropped(type, column, value);
}

async function* rows(files: FormatFiles, path: string): AsyncGenerator<string[]> {
  try {
    yield* csvRows(textOf('csv', files, path));
  } catch (error) {
    if (error instanceof SyntaxError) throw new FormatUnreadable('csv', path, error.message, error);
    throw error;
  }
}
