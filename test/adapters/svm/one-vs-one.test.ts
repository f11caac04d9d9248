import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { encodeModel } from '../../../adapters/svm/engine/model-file.ts';
import { SvmTrainer, trainSvm } from '../../../adapters/svm/engine/one-vs-one.ts';
import { Predictor } from '../../../adapters/svm/engine/predict.ts';
import { packRows } from '../../../adapters/svm/engine/samples.ts';
import { codeOf, problems, threeClasses } from './problems.ts';
import { referenceData } from './reference.ts';

const RBF = { kind: 'rbf', gamma: 0.5 } as const;
const PARAMETERS = { kernel: RBF, cost: 10 };

describe('a training cut into slices', () => {
  test('gives the bytes of an uncut one, wherever it is cut', () => {
    const slices = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 15 });
    fc.assert(
      fc.property(problems(4), slices, ({ set, parameters }, sizes) => {
        let trainer = new SvmTrainer(set, parameters);
        for (const size of sizes) {
          trainer.step(size);
          const state = trainer.saveState();
          trainer = new SvmTrainer(set, parameters);
          trainer.restoreState(state);
          expect(trainer.saveState()).toEqual(state);
        }
        while (trainer.step(100) !== 'done');

        expect(encodeModel(trainer.model())).toEqual(encodeModel(trainSvm(set, parameters)));
      }),
      { seed: 20_250_102, numRuns: 100 },
    );
  });

  test('goes on in another process to the same bytes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'modelfn-svm-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { train } = referenceData('wine');
    const parameters = { kernel: { kind: 'rbf', gamma: 0.1 } as const, cost: 10 };
    const trainer = new SvmTrainer(train, parameters);
    trainer.step(100);
    writeFileSync(join(folder, 'state'), trainer.saveState());

    const engine = new URL('../../../adapters/svm/engine/', import.meta.url);
    const program = `
      import { readFileSync, writeFileSync } from 'node:fs';
      import { SvmTrainer } from '${engine.href}one-vs-one.ts';
      import { encodeModel } from '${engine.href}model-file.ts';
      import { referenceData } from '${new URL('./reference.ts', import.meta.url).href}';
      const trainer = new SvmTrainer(referenceData('wine').train, ${JSON.stringify(parameters)});
      trainer.restoreState(readFileSync('state'));
      while (trainer.step(64) !== 'done');
      writeFileSync('model', encodeModel(trainer.model()));`;
    execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder });

    expect(new Uint8Array(readFileSync(join(folder, 'model')))).toEqual(
      new Uint8Array(encodeModel(trainSvm(train, parameters))),
    );
  });

  test('reports a progress that only rises and ends at 1', () => {
    const trainer = new SvmTrainer(threeClasses(), PARAMETERS);
    const seen = [trainer.progress];
    while (trainer.step(5) !== 'done') seen.push(trainer.progress);

    expect(seen[0]).toBe(0);
    expect(seen.length).toBeGreaterThan(5);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBeLessThan(1);
    expect(trainer.progress).toBe(1);
  });

  test('has no model before it is done', () => {
    const trainer = new SvmTrainer(threeClasses(), PARAMETERS);
    trainer.step(1);

    expect(codeOf(() => trainer.model())).toBe('SvmNotFinished');
  });
});

describe('a saved state', () => {
  const state = () => {
    const trainer = new SvmTrainer(threeClasses(), PARAMETERS);
    trainer.step(20);
    return trainer.saveState();
  };

  test('is refused by a training with other parameters', () => {
    const other = new SvmTrainer(threeClasses(), { ...PARAMETERS, cost: 11 });

    expect(codeOf(() => other.restoreState(state()))).toBe('CheckpointInvalid');
  });

  test('is refused by a training of other samples', () => {
    const { samples, ...labels } = threeClasses();
    const values = samples.values.slice();
    values[5]! += 0.25;
    const other = new SvmTrainer({ ...labels, samples: { ...samples, values } }, PARAMETERS);

    expect(codeOf(() => other.restoreState(state()))).toBe('CheckpointInvalid');
  });

  test('is refused when any of its bytes changed or it was cut', () => {
    const bytes = state();
    const trainer = new SvmTrainer(threeClasses(), PARAMETERS);
    for (let at = 0; at < bytes.length; at += 37) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 1;
      expect(codeOf(() => trainer.restoreState(changed))).toBe('CheckpointInvalid');
      expect(codeOf(() => trainer.restoreState(bytes.subarray(0, at)))).toBe('CheckpointInvalid');
    }
  });
});

test('a cache of two rows gives the bytes of a large one', () => {
  const small = trainSvm(threeClasses(), { ...PARAMETERS, cacheBytes: 0 });

  expect(encodeModel(small)).toEqual(encodeModel(trainSvm(threeClasses(), PARAMETERS)));
});

test('a linear machine finds the widest margin', () => {
  // The border x = 1 lies midway between (0, y) and (2, y); w = (-1, 0) has margin 1 on both sides.
  const samples = packRows([
    [0, 0],
    [2, 1],
    [0, 1],
    [2, 0],
    [-3, 5],
    [7, 2],
  ]);
  const set = { samples, classIndices: [0, 1, 0, 1, 0, 1], classCount: 2 };

  const model = trainSvm(set, { kernel: { kind: 'linear' }, cost: 100 });
  const { decisions } = new Predictor(model).predict(
    packRows([
      [1, 0],
      [0, 0.5],
      [2, -4],
      [3, 3],
    ]),
  );

  expect([...decisions].map((decision) => Math.round(decision * 100) / 100 + 0)).toEqual([0, 1, -1, -2]);
});

test('a heavier class weight moves the border away from its class', () => {
  const { samples, classIndices } = threeClasses();
  const set = {
    samples,
    classIndices: Array.from(classIndices, (index) => Math.min(index, 1)),
    classCount: 2,
  };
  const countOfZero = (classWeights: number[]) => {
    const model = trainSvm(set, { kernel: RBF, cost: 0.1, classWeights });
    return new Predictor(model).predict(samples).classIndex.filter((index) => index === 0).length;
  };

  expect(countOfZero([20, 1])).toBeGreaterThan(countOfZero([1, 1]));
});

test('the caller may change its samples after training began', () => {
  const set = threeClasses();
  const trainer = new SvmTrainer(set, PARAMETERS);
  set.samples.values.fill(0);
  while (trainer.step(100) !== 'done');

  expect(encodeModel(trainer.model())).toEqual(encodeModel(trainSvm(threeClasses(), PARAMETERS)));
});

describe('what cannot be trained on is refused with a code', () => {
  const train = (rows: number[][], classIndices: number[], classCount = 2) =>
    codeOf(() => trainSvm({ samples: packRows(rows), classIndices, classCount }, PARAMETERS));

  test.each([
    ['no samples', [], []],
    ['no features', [[], []], [0, 1]],
    ['ragged rows', [[1, 2], [1]], [0, 1]],
    ['NaN', [[1], [Number.NaN]], [0, 1]],
    ['Infinity', [[Number.POSITIVE_INFINITY], [1]], [0, 1]],
    ['a number beyond f32', [[1e300], [1]], [0, 1]],
  ])('%s', (_, rows, labels) => {
    expect(train(rows, labels)).toBe('SvmSamplesInvalid');
  });

  test.each([
    ['one class only', [0, 0], 1],
    ['a class without samples', [0, 1], 3],
    ['a class index out of range', [0, 2], 2],
    ['a class index that is no whole number', [0, 0.5], 2],
    ['more classes than a pairwise machine can take', [0, 1], 5_000],
    ['too few labels', [0], 2],
  ])('%s', (_, labels, classCount) => {
    expect(train([[1], [2]], labels, classCount)).toBe('SvmLabelsInvalid');
  });

  test.each([
    ['gamma 0', { kernel: { kind: 'rbf', gamma: 0 } as const }],
    ['NaN as cost', { kernel: RBF, cost: Number.NaN }],
    ['a class weight of 0', { kernel: RBF, classWeights: [1, 0, 1] }],
    ['too few class weights', { kernel: RBF, classWeights: [1] }],
    ['an epsilon of 1', { kernel: RBF, epsilon: 1 }],
    ['degree 0', { kernel: { kind: 'poly', gamma: 1, coef0: 0, degree: 0 } as const }],
    [
      'coef0 without end',
      { kernel: { kind: 'sigmoid', gamma: 1, coef0: Number.POSITIVE_INFINITY } as const },
    ],
    ['a seed that is no whole number', { kernel: RBF, probabilitySeed: 0.5 }],
    ['half an iteration', { kernel: RBF, maxIterations: 0.5 }],
  ])('%s', (_, parameters) => {
    expect(codeOf(() => new SvmTrainer(threeClasses(), parameters))).toBe('SvmParameterInvalid');
  });

  test('an optimum beyond the cap of iterations, however it is sliced', () => {
    const capped = { ...PARAMETERS, maxIterations: 7 };
    const sliced = new SvmTrainer(threeClasses(), capped);
    const stepAll = () => {
      while (sliced.step(3) !== 'done');
    };

    expect(codeOf(() => trainSvm(threeClasses(), capped))).toBe('SvmNotConverged');
    expect(codeOf(stepAll)).toBe('SvmNotConverged');
    expect(sliced.iterations).toBe(7);
  });
});
