const MAX_CELL_CHARS = 32 * 1024 * 1024;

/**
 * Rows of a CSV text as RFC 4180 has it: cells between commas or another `delimiter`, quoted ones may hold commas, line ends and doubled
 * quotes; lines end with LF or CRLF. A byte order mark is passed over, and so are empty lines.
 * @throws SyntaxError naming the line of a quote that is not closed, or of a cell of more than 32 Mi characters
 */
export async function* csvRows(chunks: AsyncIterable<string>, delimiter = ','): AsyncGenerator<string[]> {
  let row: string[] = [];
  let cell = '';
  let state: 'plain' | 'quoted' | 'quoteInQuoted' = 'plain';
  let line = 1;
  let quotedSince = 0;
  let isFirst = true;
  for await (const chunk of chunks) {
    const text = isFirst && chunk.startsWith('\uFEFF') ? chunk.slice(1) : chunk;
    isFirst = false;
    if (cell.length > MAX_CELL_CHARS)
      throw new SyntaxError(`line ${line} has a cell of more than ${MAX_CELL_CHARS} characters`);
    for (const character of text) {
      if (character === '\n') line += 1;
      if (state === 'quoted') {
        if (character === '"') state = 'quoteInQuoted';
        else cell += character;
        continue;
      }
      if (character === '"' && (state === 'quoteInQuoted' || cell === '')) {
        if (state === 'quoteInQuoted') cell += '"';
        else quotedSince = line;
        state = 'quoted';
        continue;
      }
      state = 'plain';
      if (character === delimiter) {
        row.push(cell);
        cell = '';
      } else if (character === '\n') {
        row.push(cell.endsWith('\r') ? cell.slice(0, -1) : cell);
        cell = '';
        if (!isEmpty(row)) yield row;
        row = [];
      } else cell += character;
    }
  }
  if (state === 'quoted') throw new SyntaxError(`the quote of line ${quotedSince} is not closed`);
  row.push(cell.endsWith('\r') ? cell.slice(0, -1) : cell);
  if (!isEmpty(row)) yield row;
}

function isEmpty(row: readonly string[]): boolean {
  return row.length === 1 && row[0] === '';
}
