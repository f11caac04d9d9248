import { expect, it } from 'vitest';
import type { FormatItem } from '../../../shared/formats/format.ts';
import { LossReport } from '../../../shared/formats/loss-report.ts';
import { openFormat } from '../../../shared/formats/registry.ts';
import { memoryFiles, sourceOf } from './memory-files.ts';

const LABELS = ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', "'quoted", '＝1', 'cat', 'a=b'];
const ITEM: FormatItem = {
  path: '=cmd.png',
  width: undefined,
  height: undefined,
  annotations: [
    ...LABELS.map((label) => ({ type: 'class', label, attributes: [], metadata: { system: {} } })),
    {
      type: 'box',
      label: 'cat',
      attributes: [],
      coordinates: [
        { x: -5, y: -6, z: 0 },
        { x: 7, y: 8, z: 0 },
      ],
      metadata: { system: {} },
    },
  ],
};

async function write(isSpreadsheetSafe: boolean) {
  const files = memoryFiles();
  const source = { ...sourceOf({ train: [ITEM] }), isSpreadsheetSafe };
  await (await openFormat('csv')).write(source, files, new LossReport());
  return files;
}

async function read(files: ReturnType<typeof memoryFiles>, isSpreadsheetSafe: boolean) {
  const find = async () => undefined;
  const context = { losses: new LossReport(), findStem: find, findPath: find, isSpreadsheetSafe };
  return Array.fromAsync((await openFormat('csv')).read(files, context));
}

it('a table that was written for spreadsheets has no cell that one would take for a formula', async () => {
  const text = (await write(true)).texts.get('train.csv')!;

  const cells = text.split('\r\n').flatMap((line) => line.split(',').map((cell) => cell.replace(/^"/, '')));
  const formulas = cells.filter((cell) => /^[=+\-@\t\r＝]/.test(cell));
  expect(formulas).toEqual(['-5', '-6']);
});

it('a table that was written for spreadsheets is read back as it was', async () => {
  const files = await write(true);

  const [item] = await read(files, true);

  expect(item?.path).toBe('=cmd.png');
  expect(item?.annotations).toEqual(ITEM.annotations);
});

it('without the wish cells are written and read as they are', async () => {
  const files = await write(false);

  expect(files.texts.get('train.csv')).toContain('=cmd.png,class,=1+1');
  expect((await read(files, false))[0]?.annotations).toEqual(ITEM.annotations);
});
