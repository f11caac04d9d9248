import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classProbabilities } from '../../../adapters/svm/engine/class-probabilities.ts';
import { mersenneTwister, shuffled } from '../../../adapters/svm/engine/shuffle.ts';
import { fitSigmoid, probabilityOf } from '../../../adapters/svm/engine/sigmoid.ts';

const SEED = 20_250_105;

describe('the shuffle of the folds', () => {
  test('draws the numbers that the C++ standard gives for its default seed', () => {
    // [rand.predef]: the 10,000th call of a default-constructed mt19937, whose seed is 5489.
    const next = mersenneTwister(5489);
    let last = 0;
    for (let call = 0; call < 10_000; call++) last = next();

    expect(last).toBe(4_123_659_995);
  });

  test('is a permutation, the same for the same seed', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), fc.nat(), (count, seed) => {
        const order = shuffled(count, seed);

        expect([...order].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
        expect(shuffled(count, seed)).toEqual(order);
      }),
      { seed: SEED, numRuns: 50 },
    );
    expect(shuffled(50, 1)).not.toEqual(shuffled(50, 2));
  });
});

describe('the sigmoid', () => {
  test('finds the one that the labels were drawn by', () => {
    const next = mersenneTwister(SEED);
    const draw = () => next() / 2 ** 32;
    const decisions = Array.from({ length: 20_000 }, () => 4 * draw() - 2);
    const labels = decisions.map((d) => (draw() < probabilityOf({ a: -2, b: 0.5 }, d) ? 1 : -1));

    const { a, b } = fitSigmoid(decisions, labels);

    expect(a).toBeCloseTo(-2, 1);
    expect(b).toBeCloseTo(0.5, 1);
  });

  test('is where its likelihood has no slope, and stays finite for labels that are apart', () => {
    const decisions = [-3, -2, -1, 1, 2, 3];
    const labels = [-1, -1, -1, 1, 1, 1];

    const sigmoid = fitSigmoid(decisions, labels);

    const sum = decisions.reduce((total, d) => total + probabilityOf(sigmoid, d), 0);
    // Three samples with the target 4/5, three with 1/5.
    expect(sum).toBeCloseTo(3, 4);
    expect(sigmoid.a).toBeLessThan(0);
    expect(probabilityOf(sigmoid, 1e300)).toBe(1);
    expect(probabilityOf(sigmoid, -1e300)).toBe(0);
  });
});

describe('the coupling of pairs', () => {
  const decision = fc.double({ min: -50, max: 50, noNaN: true });

  test('gives probabilities that sum to 1, whatever the pairs say', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 6 }),
        fc.array(decision, { minLength: 15, maxLength: 15 }),
        (k, all) => {
          const pairs = (k * (k - 1)) / 2;
          const sigmoids = Float64Array.from({ length: 2 * pairs }, (_, at) => (at % 2 === 0 ? -2 : 0.1));

          const own = classProbabilities(Float64Array.from(all.slice(0, pairs)), sigmoids, k);

          expect(own.every((p) => p >= 0 && p <= 1)).toBe(true);
          expect(own.reduce((total, p) => total + p, 0)).toBeCloseTo(1, 9);
        },
      ),
      { seed: SEED, numRuns: 100 },
    );
  });

  test('gives back the probabilities that consistent pairs were made of', () => {
    const truth = [0.1, 0.2, 0.3, 0.4];
    const decisions: number[] = [];
    for (let i = 0; i < 4; i++)
      for (let j = i + 1; j < 4; j++) decisions.push(Math.log(truth[i]! / truth[j]!));
    const sigmoids = Float64Array.from({ length: 12 }, (_, at) => (at % 2 === 0 ? -1 : 0));

    const found = classProbabilities(Float64Array.from(decisions), sigmoids, 4);

    for (const [at, p] of found.entries()) expect(Math.abs(p - truth[at]!)).toBeLessThan(0.005);
  });
});
