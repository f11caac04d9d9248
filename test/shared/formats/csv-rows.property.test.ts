import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRows } from '../../../shared/formats/csv-rows.ts';

const cell = fc.string({ unit: fc.constantFrom('a', '1', ',', '"', '\n', '\r\n', ' ', 'ü', '😀') });
const row = fc.array(cell, { minLength: 1, maxLength: 4 });

describe('csvRows', () => {
  it('reads back every row that was written with quotes, however the text is cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 5 }),
        fc.integer({ min: 1, max: 7 }),
        async (rows, size) => {
          const text = rows.map((cells) => cells.map(quoted).join(',')).join('\r\n');

          expect(await read(text, size)).toEqual(rows.filter((cells) => cells.length > 1 || cells[0] !== ''));
        },
      ),
    );
  });

  it('passes over a byte order mark and empty lines, and takes the last line without its end', async () => {
    expect(await read('\uFEFFa,b\n\n1,2\r\n\r\n3,', 1)).toEqual([
      ['a', 'b'],
      ['1', '2'],
      ['3', ''],
    ]);
  });

  it('names the line of a quote that is not closed', async () => {
    await expect(read('a\nb\n"c\nd', 3)).rejects.toThrow('the quote of line 3 is not closed');
  });
});

async function read(text: string, size: number): Promise<string[][]> {
  async function* chunks() {
    for (let start = 0; start < text.length; start += size) yield text.slice(start, start + size);
  }
  return Array.fromAsync(csvRows(chunks()));
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
