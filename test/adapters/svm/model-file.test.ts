import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeModel, encodeModel } from '../../../adapters/svm/engine/model-file.ts';
import { trainSvm } from '../../../adapters/svm/engine/one-vs-one.ts';
import { Predictor } from '../../../adapters/svm/engine/predict.ts';
import { type Block, decodeBlocks, encodeBlocks } from '../../../shared/content/block-file.ts';
import { codeOf, problems, threeClasses } from './problems.ts';

const FORMAT = { magic: 'MFSVMMDL', version: 1 };
const MODEL = trainSvm(threeClasses(), { kernel: { kind: 'rbf', gamma: 0.5 }, cost: 10 });
const BYTES = Buffer.from(encodeModel(MODEL));

test('any model is the same after a round trip, and so are its bytes', () => {
  fc.assert(
    fc.property(problems(4), ({ set, parameters }) => {
      const model = trainSvm(set, parameters);

      const bytes = encodeModel(model);
      const decoded = decodeModel(bytes);

      expect(decoded).toEqual(model);
      expect(encodeModel(decoded)).toEqual(bytes);
      expect(new Predictor(decoded).predict(set.samples)).toEqual(new Predictor(model).predict(set.samples));
    }),
    { seed: 20_250_104, numRuns: 60 },
  );
});

test('a model is read from the middle of a larger, unaligned buffer', () => {
  const larger = new Uint8Array(BYTES.length + 9);
  larger.set(BYTES, 3);

  expect(decodeModel(larger.subarray(3, 3 + BYTES.length))).toEqual(MODEL);
});

describe('a damaged file is refused', () => {
  const corrupt = (bytes: Uint8Array) => expect(codeOf(() => decodeModel(bytes))).toBe('WeightsCorrupt');

  test('when it is cut at any point or goes on too long', () => {
    for (let length = 0; length < BYTES.length; length++) corrupt(BYTES.subarray(0, length));
    corrupt(Buffer.concat([BYTES, Buffer.alloc(8)]));
  });

  test('when any one byte changed', () => {
    for (let at = 0; at < BYTES.length; at++) {
      const changed = Uint8Array.from(BYTES);
      changed[at]! ^= 0x10;
      corrupt(changed);
    }
  });

  test('when it is of another kind or version', () => {
    const file = decodeBlocks(FORMAT, BYTES);
    corrupt(encodeBlocks({ ...FORMAT, magic: 'MFSVMCKP' }, file));
    corrupt(encodeBlocks({ ...FORMAT, version: 2 }, file));
    corrupt(Buffer.from('{"not":"a model"}'.repeat(20)));
  });

  test('when its header claims more than a header may', () => {
    const changed = Buffer.from(BYTES);
    changed.writeUInt32LE(0xfffffff8, 12);
    corrupt(changed);
  });

  test('when its header claims blocks larger than memory, before any is allocated', () => {
    const header = BYTES.subarray(48, 48 + BYTES.readUInt32LE(12));
    const claims = Buffer.from(
      header
        .toString()
        .trimEnd()
        .replace(/"length":\d+/g, '"length":4000000000'),
    );
    const prefix = Buffer.from(BYTES.subarray(0, 48));
    const length = Math.ceil(claims.length / 8) * 8;
    prefix.writeUInt32LE(length, 12);
    const bytes = Buffer.concat([
      prefix,
      claims,
      Buffer.alloc(length - claims.length, ' '),
      Buffer.alloc(800),
    ]);

    expect(() => decodeModel(bytes)).toThrow(/bytes where its header needs \d{11,}/);
    corrupt(bytes);
  });
});

describe('a file with a right checksum that contradicts itself is refused', () => {
  const { facts, blocks } = decodeBlocks(FORMAT, BYTES);
  const [vectors, indices, perClass, coefficients, rho, iterations] = blocks as [
    Block,
    Block,
    Block,
    Block,
    Block,
    Block,
  ];
  const header = facts as Record<string, unknown>;
  const changed = (block: Block, at: number, value: number) => {
    const copy = block.slice();
    copy[at] = value;
    return copy;
  };
  const codeWith = (newFacts: unknown, newBlocks: readonly Block[]) =>
    codeOf(() => decodeModel(encodeBlocks(FORMAT, { facts: newFacts, blocks: newBlocks })));

  test.each<[string, Record<string, unknown>]>([
    ['no kernel', { kernel: undefined }],
    ['an unknown kernel', { kernel: { kind: 'cubic' } }],
    ['a kernel without its parameters', { kernel: { kind: 'sigmoid', gamma: 1 } }],
    ['a degree beyond reason', { kernel: { kind: 'poly', gamma: 1, coef0: 0, degree: 1e6 } }],
    ['a negative gamma', { kernel: { kind: 'rbf', gamma: -1 } }],
    ['gamma as text', { kernel: { kind: 'rbf', gamma: '1' } }],
    ['one class', { classCount: 1 }],
    ['another class count', { classCount: 4 }],
    ['a class count beyond reason', { classCount: 1e9 }],
    ['half a feature', { dims: 1.5 }],
    ['another width', { dims: 4 }],
  ])('%s', (_, change) => {
    expect(codeWith({ ...header, ...change }, blocks)).toBe('WeightsCorrupt');
  });

  test.each<[string, Block[]]>([
    [
      'NaN in a support vector',
      [changed(vectors, 1, Number.NaN), indices, perClass, coefficients, rho, iterations],
    ],
    ['a huge support vector', [changed(vectors, 1, 1e30), indices, perClass, coefficients, rho, iterations]],
    [
      'NaN in a coefficient',
      [vectors, indices, perClass, changed(coefficients, 0, Number.NaN), rho, iterations],
    ],
    ['a huge coefficient', [vectors, indices, perClass, changed(coefficients, 0, 1e300), rho, iterations]],
    [
      'Infinity in rho',
      [vectors, indices, perClass, coefficients, changed(rho, 0, Number.POSITIVE_INFINITY), iterations],
    ],
    ['counts that do not add up', [vectors, indices, changed(perClass, 0, 1), coefficients, rho, iterations]],
    [
      'a negative count',
      [vectors, indices, Int32Array.of(-1, indices.length, 1), coefficients, rho, iterations],
    ],
    ['a negative support index', [vectors, changed(indices, 0, -1), perClass, coefficients, rho, iterations]],
    [
      'a support index twice',
      [vectors, changed(indices, 1, indices[0]!), perClass, coefficients, rho, iterations],
    ],
    ['negative iterations', [vectors, indices, perClass, coefficients, rho, changed(iterations, 0, -1)]],
    ['a missing block', [vectors, indices, perClass, coefficients, rho]],
    ['a block too many', [vectors, indices, perClass, coefficients, rho, iterations, rho]],
    ['Infinity in a sigmoid', [...blocks, Float64Array.of(-1, 0, -1, Number.POSITIVE_INFINITY, -1, 0)]],
    ['sigmoids of other pairs', [...blocks, Float64Array.of(-1, 0)]],
    ['no blocks', []],
    [
      'a block of another type',
      [vectors, indices, perClass, Float32Array.from(coefficients), rho, iterations],
    ],
  ])('%s', (_, newBlocks) => {
    expect(codeWith(header, newBlocks)).toBe('WeightsCorrupt');
  });

  test('yet the unchanged parts make a model', () => {
    expect(codeWith(header, blocks)).toBe('nothing');
  });
});
