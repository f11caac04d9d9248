import { LibsvmTextInvalid, SvmSamplesInvalid } from '../errors.ts';

/** One line to write: a label and all features. */
export interface LabelledRow {
  readonly label: number;
  readonly features: ArrayLike<number>;
}

/** One line read: what is not listed is 0. */
export interface SparseRow {
  readonly label: number;
  /** Columns counted from 0, ascending. */
  readonly columns: Int32Array;
  readonly values: Float64Array;
}

/**
 * Writes libsvm's sparse text: `<label> <index>:<value> ...` a line, indices from 1, zeros left out. Numbers take as many
 * digits as they need to be read back exactly (17 at most). Yields chunks of about 64 KiB.
 * @throws SvmSamplesInvalid for a label or value that is not finite.
 */
export async function* writeLibsvmText(
  rows: AsyncIterable<LabelledRow> | Iterable<LabelledRow>,
): AsyncGenerator<string, void, undefined> {
  let chunk = '';
  let row = 0;
  for await (const labelled of rows) {
    chunk += lineOf(labelled, row++);
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/**
 * Reads libsvm's sparse text, whatever way it was cut into chunks. Empty lines and what follows a `#` are skipped.
 * @throws LibsvmTextInvalid naming the line.
 */
export async function* readLibsvmText(
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): AsyncGenerator<SparseRow, void, undefined> {
  let number = 0;
  for await (const line of linesOf(chunks)) {
    number++;
    const text = line.split('#', 1)[0]!.trim();
    if (text !== '') yield parseLine(text, number);
  }
}

/**
 * All features of a row that was read.
 * @throws SvmSamplesInvalid when the row has a column beyond `dims`.
 */
export function denseRow({ columns, values }: SparseRow, dims: number): Float64Array {
  const last = columns.at(-1) ?? -1;
  if (last >= dims) {
    throw new SvmSamplesInvalid(
      `a row has feature ${last + 1}, the most is ${dims}`,
      'Give the number of features of the whole file.',
      { feature: last + 1, dims },
    );
  }
  const dense = new Float64Array(dims);
  columns.forEach((column, at) => {
    dense[column] = values[at]!;
  });
  return dense;
}

const CHUNK_CHARACTERS = 65_536;
/** A longer line is not training data but an attack, or a file without line ends. */
const MAX_LINE_CHARACTERS = 1 << 26;
/** libsvm keeps an index in an int. */
const MAX_INDEX = 2 ** 31 - 1;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INDEX = /^\d{1,10}$/;

function lineOf({ label, features }: LabelledRow, row: number): string {
  let line = numberText(label, row, 'the label');
  for (let column = 0; column < features.length; column++) {
    const value = features[column]!;
    if (value !== 0) line += ` ${column + 1}:${numberText(value, row, `feature ${column}`)}`;
  }
  return `${line}\n`;
}

function numberText(value: number, row: number, what: string): string {
  if (Number.isFinite(value)) return String(value);
  throw new SvmSamplesInvalid(`row ${row}, ${what} is ${value}`, 'Fill missing values or drop the row.', {
    row,
  });
}

async function* linesOf(
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  let rest = '';
  let number = 1;
  for await (const chunk of chunks) {
    // One character a byte: the format is ASCII, anything else fails as a number, and a cut never splits a character.
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      yield rest + text.slice(start, end);
      rest = '';
      number++;
      start = end + 1;
    }
    rest += text.slice(start);
    if (rest.length > MAX_LINE_CHARACTERS) throw new LibsvmTextInvalid(number, 'it is too long');
  }
  if (rest !== '') yield rest;
}

function parseLine(text: string, line: number): SparseRow {
  const [first, ...entries] = text.split(/[ \t]+/);
  const label = parseNumber(first!, line);
  const columns = new Int32Array(entries.length);
  const values = new Float64Array(entries.length);
  let previous = 0;
  entries.forEach((entry, at) => {
    const colon = entry.indexOf(':');
    if (colon < 0) throw new LibsvmTextInvalid(line, `"${shown(entry)}" has no colon`);
    const index = parseIndex(entry.slice(0, colon), line);
    if (index <= previous) throw new LibsvmTextInvalid(line, `index ${index} comes after ${previous}`);
    previous = index;
    columns[at] = index - 1;
    values[at] = parseNumber(entry.slice(colon + 1), line);
  });
  return { label, columns, values };
}

function parseIndex(text: string, line: number): number {
  const index = INDEX.test(text) ? Number(text) : 0;
  if (index >= 1 && index <= MAX_INDEX) return index;
  throw new LibsvmTextInvalid(line, `"${shown(text)}" is not an index of 1 or more`);
}

function parseNumber(text: string, line: number): number {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw new LibsvmTextInvalid(line, `"${shown(text)}" is not a finite number`);
}

/** A piece of a hostile file, short enough for a message. */
function shown(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
