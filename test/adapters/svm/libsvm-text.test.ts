import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  denseRow,
  type LabelledRow,
  readLibsvmText,
  type SparseRow,
  writeLibsvmText,
} from '../../../adapters/svm/engine/libsvm-text.ts';
import { codeOf } from './problems.ts';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function textOf(rows: LabelledRow[]): Promise<string> {
  return (await collect(writeLibsvmText(rows))).join('');
}

async function failureOf(text: string): Promise<{ code?: string; details?: unknown }> {
  try {
    await collect(readLibsvmText([text]));
  } catch (error) {
    return error as { code?: string };
  }
  return {};
}

test('rows look as libsvm writes them: indices from 1, zeros left out', async () => {
  const text = await textOf([
    { label: 3, features: [0.5, 0, -2] },
    { label: -1, features: [0, 0, 0] },
    { label: 0, features: [0, 1 / 3, 0] },
  ]);

  expect(text).toBe('3 1:0.5 3:-2\n-1\n0 2:0.3333333333333333\n');
});

test('any finite numbers come back exactly, however the text is cut into chunks', async () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  const row = fc.record({ label: finite, features: fc.array(finite, { minLength: 4, maxLength: 4 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 8 }), fc.integer({ min: 1, max: 30 }), async (rows, size) => {
      const bytes = Buffer.from(await textOf(rows));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
        bytes.subarray(n * size, (n + 1) * size),
      );

      const read = await collect(readLibsvmText(chunks));

      expect(read.map(({ label }) => label)).toEqual(rows.map(({ label }) => label));
      expect(read.map((sparse) => [...denseRow(sparse, 4)])).toEqual(rows.map(({ features }) => features));
    }),
    { seed: 20_250_105, numRuns: 100 },
  );
});

test('a long file is written in pieces', async () => {
  const rows = Array.from({ length: 2_000 }, (_, t) => ({
    label: t,
    features: new Array<number>(20).fill(t + 0.125),
  }));

  const chunks = await collect(writeLibsvmText(rows));

  expect(chunks.length).toBeGreaterThan(3);
  expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(70_000);
  expect(await collect(readLibsvmText(chunks))).toHaveLength(2_000);
});

test('comments, empty lines, Windows line ends and a missing last line end are taken', async () => {
  const rows = await collect(readLibsvmText(['# digits\r\n+1 1:2 # first\r\n\r\n', '2.0\t7:1e-3']));

  expect(rows).toEqual<SparseRow[]>([
    { label: 1, columns: Int32Array.of(0), values: Float64Array.of(2) },
    { label: 2, columns: Int32Array.of(6), values: Float64Array.of(0.001) },
  ]);
});

describe('a malformed line is refused by its number', () => {
  test.each([
    ['no colon', '1 5'],
    ['an index of 0', '1 0:1'],
    ['a negative index', '1 -1:1'],
    ['an index twice', '1 2:1 2:1'],
    ['a falling index', '1 3:1 2:1'],
    ['an index beyond an int', '1 2147483648:1'],
    ['an empty value', '1 1:'],
    ['a value in words', '1 1:one'],
    ['NaN', '1 1:nan'],
    ['a number that overflows', '1 1:1e999'],
    ['a hexadecimal number', '1 1:0x10'],
    ['a label in words', 'cat 1:1'],
    ['no label', '1:1 2:2'],
    ['a ranking query', '1 qid:3 1:1'],
    ['bytes that are not text', '1 1:\u00ff\u0000'],
  ])('%s', async (_, line) => {
    const failure = await failureOf(`1 1:1\n\n${line}\n1 1:1\n`);

    expect(failure.code).toBe('LibsvmTextInvalid');
    expect(failure.details).toMatchObject({ line: 3 });
  });

  test('a line without an end', async () => {
    const endless = (function* () {
      yield '1 1:1\n';
      for (;;) yield '1'.repeat(1 << 22);
    })();

    const failure = await collect(readLibsvmText(endless)).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: 'LibsvmTextInvalid', details: { line: 2 } });
  });
});

test('numbers that are not finite are not written', async () => {
  await expect(textOf([{ label: 1, features: [Number.NaN] }])).rejects.toMatchObject({
    code: 'SvmSamplesInvalid',
  });
  await expect(textOf([{ label: Number.POSITIVE_INFINITY, features: [1] }])).rejects.toMatchObject({
    code: 'SvmSamplesInvalid',
  });
});

test('a row wider than the file is said to be is refused', () => {
  const row = { label: 1, columns: Int32Array.of(4), values: Float64Array.of(1) };

  expect(codeOf(() => denseRow(row, 4))).toBe('SvmSamplesInvalid');
});
