/** Columns of texts. The others hold numbers: a sign in front of one does not make a formula. */
const TEXT_COLUMNS: readonly string[] = [
  'filename',
  'type',
  'label',
  'coordinates',
  'attributes',
  'partition',
];

/**
 * A cell that no spreadsheet takes for a formula: an apostrophe before what would begin one, and before an apostrophe, so that
 * `fromSafeCell` gives back the same. https://owasp.org/www-community/attacks/CSV_Injection
 */
export function toSafeCell(column: string, cell: string): string {
  const isRisky = /^[=+\-@\t\r\n'\uff1d\uff0b\uff0d\uff20]/.test(cell);
  return isRisky && TEXT_COLUMNS.includes(column) ? `'${cell}` : cell;
}

/** The cell that `toSafeCell` was given. */
export function fromSafeCell(column: string, cell: string): string {
  return TEXT_COLUMNS.includes(column) && cell.startsWith("'") ? cell.slice(1) : cell;
}
