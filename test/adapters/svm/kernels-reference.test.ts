import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { trainSvm } from '../../../adapters/svm/engine/one-vs-one.ts';
import { Predictor } from '../../../adapters/svm/engine/predict.ts';
import type { Kernel } from '../../../adapters/svm/engine/svm-model.ts';
import { type ReferenceName, referenceData } from './reference.ts';

/** What scikit-learn found; see test/fixtures/reference/README.md. */
interface Case {
  data: ReferenceName;
  parameters: {
    kernel: Kernel['kind'];
    C: number;
    gamma: number;
    coef0: number;
    degree: number;
    class_weight?: 'balanced' | Record<string, number>;
  };
  row_weights: string | null;
  classes: (string | number)[];
  support_indices: number[];
  intercepts: number[];
  predictions: (string | number)[];
  seed?: number;
  sigmoids?: [number, number][];
  probabilities?: number[][];
}

const FILE = new URL('../../fixtures/reference/kernels.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(FILE, 'utf8')) as { cases: Record<string, Case> };
/** The solver stops within this much of the optimum, so an intercept is known no better. */
const EPSILON = 1e-3;

describe.each(Object.entries(cases))('%s: the engine equals scikit-learn', (_, reference) => {
  const { model, predictions } = solve(reference);

  test('in every prediction and support vector', () => {
    expect([...predictions.classIndex].map((index) => reference.classes[index])).toEqual(
      reference.predictions,
    );
    expect([...model.supportIndices]).toEqual(reference.support_indices);
  });

  test('in its intercepts, within the tolerance of the solver', () => {
    // scikit-learn turns the sign around for two classes.
    const sign = reference.classes.length === 2 ? 1 : -1;

    expect(
      furthest(
        reference.intercepts,
        [...model.rho].map((rho) => sign * rho),
      ),
    ).toBeLessThan(2 * EPSILON);
  });

  if (reference.sigmoids)
    test('in its probabilities, of the same folds', () => {
      // For two classes scikit-learn iterates to where the engine has the closed form, and stops 0.0025 short of it.
      const tolerance = reference.classes.length === 2 ? 4e-3 : 2e-5;

      expect(furthest(reference.sigmoids!.flat(), model.sigmoids!)).toBeLessThan(2e-4);
      expect(furthest(reference.probabilities!.flat(), predictions.probabilities!)).toBeLessThan(tolerance);
    });
});

function solve({ data, parameters, row_weights, classes, seed }: Case) {
  const { train, test: samples } = referenceData(data);
  const { kernel: kind, C, gamma, coef0, degree, class_weight } = parameters;
  const weights = class_weight && classWeights(class_weight, classes, train.classIndices);
  const rowWeights = row_weights
    ? Float64Array.from({ length: train.samples.rows }, (_, row) => 0.25 + (row % 7) / 4)
    : undefined;
  const model = trainSvm(
    { ...train, rowWeights },
    {
      kernel: { kind, gamma, coef0, degree } as Kernel,
      cost: C,
      probabilitySeed: seed,
      ...(weights && { classWeights: weights }),
    },
  );
  return { model, predictions: new Predictor(model).predict(samples) };
}

function classWeights(
  setting: 'balanced' | Record<string, number>,
  classes: readonly (string | number)[],
  indices: ArrayLike<number>,
): number[] {
  if (setting !== 'balanced') return classes.map((label) => setting[label]!);
  const counts = classes.map((_, index) => Array.from(indices).filter((each) => each === index).length);
  return counts.map((count) => indices.length / (classes.length * count));
}

function furthest(expected: readonly number[], found: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  return Math.max(...expected.map((value, at) => Math.abs(value - found[at]!)));
}
