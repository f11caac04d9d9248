import { describe, expect, test } from 'vitest';
import { trainSvm } from '../../../adapters/svm/engine/one-vs-one.ts';
import { Predictor } from '../../../adapters/svm/engine/predict.ts';
import { type ReferenceName, referenceCase, referenceData } from './reference.ts';

const NAMES: ReferenceName[] = ['digits', 'iris', 'wine', 'breast_cancer', 'fashion_over_255'];
/** The solver stops within this much of the optimum, so an intercept is known no better. */
const EPSILON = 1e-3;

describe.each(NAMES)('on %s the engine equals scikit-learn', (name) => {
  const reference = referenceCase(name);
  const data = referenceData(name);
  const model = trainSvm(data.train, { kernel: { kind: 'rbf', gamma: reference.gamma }, cost: reference.C });
  const { classIndex } = new Predictor(model).predict(data.test);

  test('in every prediction', () => {
    const labels = [...classIndex].map((index) => reference.classes[index]);
    const hits = data.truth.filter((truth, row) => truth === classIndex[row]);

    expect(labels).toEqual(reference.predictions);
    expect(hits.length / data.truth.length).toBe(reference.accuracy);
  });

  test('in its support vectors', () => {
    expect([...model.supportPerClass]).toEqual(reference.n_support_per_class);
    expect(model.supportIndices.length).toBe(reference.n_support);
    // The larger case records counts only.
    if (reference.support_indices) expect([...model.supportIndices]).toEqual(reference.support_indices);
  });

  test('in its intercepts, within the tolerance of the solver', () => {
    // scikit-learn turns the sign around for two classes.
    const sign = reference.classes.length === 2 ? 1 : -1;
    const furthest = Math.max(
      ...reference.intercepts.map((value, pair) => Math.abs(value - sign * model.rho[pair]!)),
    );

    expect(model.rho.length).toBe(reference.intercepts.length);
    expect(furthest).toBeLessThan(2 * EPSILON);
  });

  test('in the order of its iterations', () => {
    const iterations = model.iterations.reduce((sum, count) => sum + count, 0);

    expect(iterations / reference.n_iter_total).toBeGreaterThan(0.9);
    expect(iterations / reference.n_iter_total).toBeLessThan(1.1);
  });
});
