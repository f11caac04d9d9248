import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trainSvm } from '../../../adapters/svm/engine/one-vs-one.ts';
import { RowCache } from '../../../adapters/svm/engine/row-cache.ts';
import { type BinaryProblem, SmoSolver } from '../../../adapters/svm/engine/smo.ts';
import { type Problem, plainKernel, problems } from './problems.ts';

const RUNS = { seed: 20_250_101, numRuns: 150 };
const EPSILON = 1e-3;
const LIMITS = { epsilon: EPSILON, maxIterations: 1_000_000 };

test('a trained pair meets the optimality conditions, checked in plain 64-bit arithmetic', () => {
  fc.assert(
    fc.property(problems(2), ({ set, parameters }) => {
      const { dims, values } = set.samples;
      const model = trainSvm(set, parameters);
      const row = (t: number) => values.subarray(t * dims, (t + 1) * dims);
      const coefficients = new Float64Array(set.samples.rows);
      model.supportIndices.forEach((t, s) => {
        coefficients[t] = model.coefficients[s]!;
      });

      let [highest, lowest] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      let [balance, total] = [0, 0];
      for (let t = 0; t < coefficients.length; t++) {
        const label = set.classIndices[t] === 0 ? 1 : -1;
        const alpha = coefficients[t]! * label;
        expect(alpha).toBeGreaterThanOrEqual(0);
        const most = parameters.cost * (set.rowWeights?.[t] ?? 1);
        expect(alpha).toBeLessThanOrEqual(most);
        balance += coefficients[t]!;
        total += alpha;
        const output = coefficients.reduce(
          (sum, c, s) => sum + c * plainKernel(parameters.kernel, row(s), row(t)),
          0,
        );
        const ascent = label - output;
        const [canGrow, canShrink] = [alpha < most, alpha > 0];
        if (label > 0 ? canGrow : canShrink) highest = Math.max(highest, ascent);
        if (label > 0 ? canShrink : canGrow) lowest = Math.min(lowest, ascent);
      }

      expect(Math.abs(balance)).toBeLessThan(1e-9 * Math.max(1, total));
      // The kernel is rounded to f32, each alpha carries that rounding.
      expect(highest - lowest).toBeLessThan(EPSILON + 1e-6 * Math.max(1, total) * 10);
    }),
    RUNS,
  );
});

test('a solver cut after any iterations and restored elsewhere ends in the same bits', () => {
  fc.assert(
    fc.property(problems(2), fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 }), (problem, cuts) => {
      const whole = new SmoSolver(plainProblem(problem), LIMITS);
      whole.step(LIMITS.maxIterations);

      let cut = new SmoSolver(plainProblem(problem), LIMITS);
      for (const iterations of cuts) {
        cut.step(iterations);
        const state = cut.saveState();
        cut = new SmoSolver(plainProblem(problem), LIMITS);
        cut.restoreState(state);
      }
      cut.step(LIMITS.maxIterations);

      expect(cut.saveState()).toEqual(whole.saveState());
      expect(cut.solution()).toEqual(whole.solution());
    }),
    RUNS,
  );
});

test('a row cache finds the rows used last and never gives two rows one slot', () => {
  const uses = fc.array(fc.nat({ max: 9 }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), uses, (capacity, rows) => {
      const cache = new RowCache(capacity, 10);
      let recent: { row: number; slot: number }[] = [];
      for (const row of rows) {
        const known = recent.find((entry) => entry.row === row);
        const found = cache.find(row);
        expect(found).toBe(known?.slot ?? -1);
        const slot = found >= 0 ? found : cache.claim(row);
        recent = [{ row, slot }, ...recent.filter((entry) => entry.row !== row)].slice(0, capacity);
        expect(new Set(recent.map((entry) => entry.slot)).size).toBe(recent.length);
      }
    }),
    RUNS,
  );
});

/** The pair as the solver sees it, with kernel rows by plain arithmetic. */
function plainProblem({ set, parameters }: Problem): BinaryProblem {
  const { rows: size, dims, values } = set.samples;
  const row = (t: number) => values.subarray(t * dims, (t + 1) * dims);
  const kernelRow = (t: number) =>
    Float32Array.from({ length: size }, (_, s) => plainKernel(parameters.kernel, row(t), row(s)));
  return {
    size,
    labels: Int8Array.from({ length: size }, (_, t) => (set.classIndices[t] === 0 ? 1 : -1)),
    cost: Float64Array.from({ length: size }, (_, t) => parameters.cost * (set.rowWeights?.[t] ?? 1)),
    diagonal: Float64Array.from({ length: size }, (_, t) => kernelRow(t)[t]!),
    row: kernelRow,
  };
}
