/** A cell; `undefined` and null show as a dash. */
export type Cell = string | number | boolean | null | undefined;

const GAP = '  ';
const LONGEST_CELL = 100;
const ANSI = String.fromCharCode(27);

/** Rows below their headings, columns as wide as needed; numbers to the right. No rows: `empty`. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], empty = ''): string {
  if (rows.length === 0) return empty;
  const texts = rows.map((row) => headings.map((_, column) => cellText(row[column])));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...texts.map((row) => row[column]!.length)),
  );
  const isNumeric = headings.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        isNumeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join(GAP)
      .trimEnd();
  return [line(headings), ...texts.map(line)].join('\n');
}

/** Names and values, one pair a line. */
export function fields(pairs: readonly (readonly [name: string, value: Cell])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}${GAP}${visible(shown(value))}`).join('\n');
}

/** Text from outside with control characters made visible: a file's name must not steer the terminal. */
export function visible(text: string): string {
  return text
    .replaceAll(ANSI, '\\e')
    .replace(/[\p{Cc}\p{Cf}]/gu, (character) =>
      character === '\n' ? '\n' : `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
    );
}

function cellText(value: Cell): string {
  const text = visible(shown(value)).replaceAll('\n', ' ');
  return text.length > LONGEST_CELL ? `${text.slice(0, LONGEST_CELL - 3)}...` : text;
}

function shown(value: Cell): string {
  if (value === undefined || value === null || value === '') return '-';
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}
