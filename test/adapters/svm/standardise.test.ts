import { expect, test } from 'vitest';
import { packRows } from '../../../adapters/svm/engine/samples.ts';
import { applyStandardisation, fitStandardisation } from '../../../adapters/svm/engine/standardise.ts';
import { codeOf } from './problems.ts';

test('mean and population deviation are those of numpy', () => {
  const { mean, deviation } = fitStandardisation(
    packRows([
      [1, -2],
      [2, 0],
      [3, 2],
      [6, 4],
    ]),
  );

  expect([...mean]).toEqual([3, 1]);
  expect(deviation[0]).toBeCloseTo(1.8708286933869707, 15);
  expect(deviation[1]).toBeCloseTo(2.23606797749979, 15);
});

test('the training samples come out with mean 0 and deviation 1', () => {
  const samples = packRows(Array.from({ length: 50 }, (_, t) => [1e6 + t * t, Math.sin(t) / 1e6]));

  const again = fitStandardisation(applyStandardisation(fitStandardisation(samples), samples));

  for (const column of [0, 1]) {
    expect(again.mean[column]).toBeCloseTo(0, 9);
    expect(again.deviation[column]).toBeCloseTo(1, 9);
  }
});

test('a feature that never changes becomes exactly 0 and divides by 1', () => {
  // The mean of ten times 0.1 is not 0.1 in floating point.
  const samples = packRows(Array.from({ length: 10 }, (_, t) => [0.1, t]));

  const fitted = fitStandardisation(samples);
  const { values } = applyStandardisation(fitted, samples);

  expect(fitted.deviation[0]).toBe(1);
  expect(values.filter((_, at) => at % 2 === 0).every((value) => value === 0)).toBe(true);
});

test('samples of another width are refused', () => {
  const fitted = fitStandardisation(
    packRows([
      [1, 2],
      [3, 4],
    ]),
  );

  expect(codeOf(() => applyStandardisation(fitted, packRows([[1]])))).toBe('SvmSamplesInvalid');
});
