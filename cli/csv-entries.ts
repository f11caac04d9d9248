import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { ImportEntry } from '../shared/catalog/item-import.ts';
import type { Partition } from '../shared/entities/item.ts';
import { InvalidInput, messageOf, systemCode } from '../shared/errors.ts';
import { csvRows } from '../shared/formats/csv-rows.ts';
import type { Json } from '../shared/json.ts';
import { nearest } from '../shared/nearest.ts';
import { PathUnusable, WrongUsage } from './errors.ts';

export interface CsvOptions {
  /** Folder of the dataset that gets the items. */
  to: string;
  /** The column whose text becomes the item's label; it is not in the item. */
  labelColumn?: string | undefined;
  partition?: Partition | undefined;
}

/** True for a path that is read as a table: `.csv` or `.csv.gz`. */
export function isCsv(path: string): boolean {
  return /\.csv(\.gz)?$/i.test(path);
}

/**
 * One JSON item a row, `<to>/<name of the file>/row-000001.json`: an object of the columns, cells that read as numbers
 * being numbers and empty ones null.
 * @throws PathUnusable; WrongUsage for a label column that is not there; InvalidInput for a row of another length
 */
export async function* csvEntries(path: string, options: CsvOptions): AsyncGenerator<ImportEntry> {
  const rows = csvRows(decoded(path));
  const header = await orRefused(path, () => rows.next());
  if (header.done) throw new PathUnusable(path, 'is empty', 'Its first line is to name the columns.');
  const columns = header.value;
  checkColumns(path, columns, options.labelColumn);
  const folder = `${options.to.replace(/\/+$/, '')}/${basename(path).replace(/\.csv(\.gz)?$/i, '')}`;
  for (let number = 1; ; number += 1) {
    const row = await orRefused(path, () => rows.next());
    if (row.done) return;
    yield entryOf(
      `${folder}/row-${String(number).padStart(6, '0')}.json`,
      columns,
      row.value,
      number,
      options,
    );
  }
}

function entryOf(
  path: string,
  columns: readonly string[],
  cells: readonly string[],
  number: number,
  { labelColumn, partition }: CsvOptions,
): ImportEntry {
  if (cells.length !== columns.length)
    throw new InvalidInput('table', [
      { field: `row ${number}`, problem: `it has ${cells.length} cells, the first line ${columns.length}` },
    ]);
  const values = new Map(columns.map((column, index) => [column, cells[index]!]));
  const label = labelColumn === undefined ? '' : values.get(labelColumn)!.trim();
  const shown = [...values].filter(([column]) => column !== labelColumn);
  const content = Object.fromEntries(shown.map(([column, cell]) => [column, cellValue(cell)]));
  return {
    path,
    bytes: new TextEncoder().encode(JSON.stringify(content)),
    ...(label !== '' && { label }),
    ...(partition !== undefined && { partition }),
  };
}

function checkColumns(path: string, columns: readonly string[], labelColumn: string | undefined): void {
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined)
    throw new PathUnusable(path, `has two columns named ${JSON.stringify(twice)}`, 'Rename one of them.');
  if (labelColumn === undefined || columns.includes(labelColumn)) return;
  throw new WrongUsage(
    `--label-column: there is no column ${JSON.stringify(labelColumn)} in ${basename(path)}; the nearest is ${nearest(labelColumn, columns)}.`,
  );
}

function cellValue(cell: string): Json {
  const text = cell.trim();
  if (text === '') return null;
  const value = Number(text);
  return /^[+-]?(\d|\.\d)/.test(text) && Number.isFinite(value) && !/^[+-]?0[xob]/i.test(text) ? value : cell;
}

async function* decoded(path: string): AsyncGenerator<string> {
  const bytes = createReadStream(path);
  const plain = path.toLowerCase().endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  bytes.on('error', (error) => plain.destroy(error));
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of plain as AsyncIterable<Uint8Array>) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

async function orRefused<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const problem =
      systemCode(error) === 'ENOENT' ? 'is not there' : `cannot be read as CSV (${messageOf(error)})`;
    throw new PathUnusable(
      path,
      problem,
      'Give a UTF-8 file of rows whose first line names the columns.',
      error,
    );
  }
}
