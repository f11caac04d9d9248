import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { confidencesOf } from '../../../adapters/svm/engine/confidence.ts';
import { trainSvm } from '../../../adapters/svm/engine/one-vs-one.ts';
import { Predictor, predict } from '../../../adapters/svm/engine/predict.ts';
import { type FeatureMatrix, packRows } from '../../../adapters/svm/engine/samples.ts';
import type { SvmModel } from '../../../adapters/svm/engine/svm-model.ts';
import { codeOf, plainKernel, problems, threeClasses } from './problems.ts';
import { referenceData } from './reference.ts';

const PARAMETERS = { kernel: { kind: 'rbf', gamma: 0.5 } as const, cost: 10 };

function rowOf({ dims, values }: FeatureMatrix, row: number): FeatureMatrix {
  return { rows: 1, dims, values: values.slice(row * dims, (row + 1) * dims) };
}

test('a batch gives bit by bit what its samples give one at a time', () => {
  const { train, test: samples } = referenceData('digits');
  const predictor = new Predictor(trainSvm(train, { kernel: { kind: 'rbf', gamma: 0.001 }, cost: 10 }));

  const batch = predictor.predict(samples);

  for (let row = 0; row < samples.rows; row++) {
    const single = predictor.predict(rowOf(samples, row));
    expect(single.classIndex[0]).toBe(batch.classIndex[row]);
    expect(single.decisions).toEqual(batch.decisions.subarray(row * 45, (row + 1) * 45));
    expect(single.confidences).toEqual(batch.confidences.subarray(row * 10, (row + 1) * 10));
  }
});

test('decisions equal the formula of the model layout in plain 64-bit arithmetic', () => {
  fc.assert(
    fc.property(problems(4), ({ set, parameters }) => {
      const model = trainSvm(set, parameters);
      const { decisions } = predict(model, set.samples);

      const expected = plainDecisions(model, set.samples);

      decisions.forEach((decision, at) => {
        expect(Math.abs(decision - expected[at]!)).toBeLessThan(1e-3);
      });
    }),
    { seed: 20_250_103, numRuns: 100 },
  );
});

/** One support vector a class, all at the origin of a linear kernel: rho alone decides. */
function decidedBy(classCount: number, rho: number[]): SvmModel {
  return {
    kernel: { kind: 'linear' },
    classCount,
    dims: 1,
    supportVectors: new Float32Array(classCount),
    supportIndices: Int32Array.from({ length: classCount }, (_, s) => s),
    supportPerClass: new Int32Array(classCount).fill(1),
    coefficients: new Float64Array((classCount - 1) * classCount),
    rho: Float64Array.from(rho),
    iterations: new Int32Array(rho.length),
  };
}

test('of several classes with most votes the first wins', () => {
  // 0 beats 1, 2 beats 0, 1 beats 2
  const { classIndex, votes, decisions } = predict(decidedBy(3, [-1, 5, -1]), packRows([[7]]));

  expect([...decisions]).toEqual([1, -5, 1]);
  expect([...votes]).toEqual([1, 1, 1]);
  expect([...classIndex]).toEqual([0]);
});

test('a decision of exactly 0 goes to the second class of the pair, as in libsvm', () => {
  expect([...predict(decidedBy(2, [0]), packRows([[7]])).classIndex]).toEqual([1]);
});

test('two models predict side by side without touching each other', () => {
  const wine = referenceData('wine');
  const first = new Predictor(trainSvm(threeClasses(), PARAMETERS));
  const alone = first.predict(threeClasses().samples);

  const second = new Predictor(trainSvm(wine.train, PARAMETERS));
  second.predict(wine.test);

  expect(first.predict(threeClasses().samples)).toEqual(alone);
});

describe('samples a model cannot take are refused with a code', () => {
  const predictor = new Predictor(trainSvm(threeClasses(), PARAMETERS));

  test.each([
    ['another width', { rows: 1, dims: 2, values: new Float64Array(2) }],
    ['no rows', { rows: 0, dims: 3, values: new Float64Array(0) }],
    ['too few values', { rows: 2, dims: 3, values: new Float64Array(5) }],
    ['NaN', { rows: 1, dims: 3, values: Float64Array.of(0, Number.NaN, 0) }],
  ])('%s', (_, samples) => {
    expect(codeOf(() => predictor.predict(samples))).toBe('SvmSamplesInvalid');
  });
});

describe('confidence', () => {
  test('lies in 0..1 and is highest for the predicted class unless votes tie', () => {
    const { samples } = threeClasses();
    const { classIndex, votes, confidences } = predict(trainSvm(threeClasses(), PARAMETERS), samples);

    for (let row = 0; row < samples.rows; row++) {
      const own = [...confidences.subarray(row * 3, row * 3 + 3)];
      const won = [...votes.subarray(row * 3, row * 3 + 3)];
      expect(Math.min(...own)).toBeGreaterThan(0);
      expect(Math.max(...own)).toBeLessThan(1);
      if (Math.max(...won) === 2) expect(own.indexOf(Math.max(...own))).toBe(classIndex[row]);
    }
  });

  test('of two classes is a half at the border and grows with the distance', () => {
    const confidences = confidencesOf(Float64Array.of(0, 1, -3), new Int32Array(6), 2);

    expect([...confidences]).toEqual([0.5, 0.5, 0.75, 0.25, 0.125, 0.875]);
  });

  test('of three classes orders equal votes by their margins', () => {
    const confidences = confidencesOf(Float64Array.of(1, -5, 1), Int32Array.of(1, 1, 1), 3);

    const [first, second, third] = [...confidences] as [number, number, number];
    expect(third).toBeGreaterThan(second);
    expect(second).toBeGreaterThan(first);
    expect(second).toBeCloseTo((1 + 1 / 3) / (3 - 1 / 3), 12);
  });
});

function plainDecisions({ kernel, classCount, dims, ...model }: SvmModel, samples: FeatureMatrix): number[] {
  const supportCount = model.supportIndices.length;
  const classOf = [...model.supportPerClass].flatMap((count, index) => new Array<number>(count).fill(index));
  return Array.from({ length: samples.rows }, (_, row) => {
    const x = rowOf(samples, row).values;
    const values = classOf.map((_, s) =>
      plainKernel(kernel, model.supportVectors.subarray(s * dims, (s + 1) * dims), x),
    );
    const sums: number[] = [];
    for (let i = 0; i < classCount; i++) {
      for (let j = i + 1; j < classCount; j++) {
        let sum = -model.rho[sums.length]!;
        classOf.forEach((index, s) => {
          if (index === i) sum += model.coefficients[(j - 1) * supportCount + s]! * values[s]!;
          if (index === j) sum += model.coefficients[i * supportCount + s]! * values[s]!;
        });
        sums.push(sum);
      }
    }
    return sums;
  }).flat();
}
