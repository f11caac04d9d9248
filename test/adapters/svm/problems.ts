import fc from 'fast-check';
import type { SvmParameters } from '../../../adapters/svm/engine/parameters.ts';
import { packRows } from '../../../adapters/svm/engine/samples.ts';
import type { Kernel } from '../../../adapters/svm/engine/svm-model.ts';
import type { TrainingSet } from '../../../adapters/svm/engine/training-set.ts';

export interface Problem {
  set: TrainingSet;
  parameters: SvmParameters & { readonly cost: number };
}

const kernels: fc.Arbitrary<Kernel> = fc.oneof(
  fc.record({ kind: fc.constant('rbf' as const), gamma: fc.constantFrom(0.01, 0.3, 2) }),
  fc.constant({ kind: 'linear' as const }),
  fc.record({
    kind: fc.constant('poly' as const),
    gamma: fc.constantFrom(0.1, 0.5),
    coef0: fc.constantFrom(0, 1),
    degree: fc.constantFrom(1, 2, 3),
  }),
  fc.record({
    kind: fc.constant('sigmoid' as const),
    gamma: fc.constantFrom(0.05, 0.2),
    coef0: fc.constantFrom(-1, 0),
  }),
);

/** Values of few bits, so that equal rows, opposite labels on equal rows and exact ties all come up. */
const features = fc.integer({ min: -16, max: 16 }).map((value) => value / 8);

/** Small training problems of up to `maxClasses` classes, each class with one row at least. */
export function problems(maxClasses: number): fc.Arbitrary<Problem> {
  return fc
    .record({
      classCount: fc.integer({ min: 2, max: maxClasses }),
      dims: fc.integer({ min: 1, max: 9 }),
      extra: fc.integer({ min: 0, max: 24 }),
      kernel: kernels,
      cost: fc.constantFrom(0.1, 1, 10),
      probabilitySeed: fc.constantFrom(undefined, 0, 2 ** 32 - 1),
    })
    .chain(({ classCount, dims, extra, kernel, cost, probabilitySeed }) => {
      const rowCount = classCount + extra;
      return fc
        .record({
          rows: fc.array(fc.array(features, { minLength: dims, maxLength: dims }), {
            minLength: rowCount,
            maxLength: rowCount,
          }),
          labels: fc.array(fc.nat({ max: classCount - 1 }), { minLength: extra, maxLength: extra }),
          rowWeights: fc.option(
            fc.array(fc.constantFrom(0.5, 1, 3), { minLength: rowCount, maxLength: rowCount }),
            { nil: undefined },
          ),
        })
        .map(({ rows, labels, rowWeights }) => ({
          set: {
            samples: packRows(rows),
            classIndices: [...Array(classCount).keys(), ...labels],
            classCount,
            rowWeights,
          },
          parameters: { kernel, cost, probabilitySeed },
        }));
    });
}

/** The kernel in plain 64-bit arithmetic, to check the engine against. */
export function plainKernel(kernel: Kernel, x: ArrayLike<number>, y: ArrayLike<number>): number {
  let [dot, distance] = [0, 0];
  for (let c = 0; c < x.length; c++) {
    dot += x[c]! * y[c]!;
    distance += (x[c]! - y[c]!) ** 2;
  }
  switch (kernel.kind) {
    case 'linear':
      return dot;
    case 'rbf':
      return Math.exp(-kernel.gamma * distance);
    case 'poly':
      return (kernel.gamma * dot + kernel.coef0) ** kernel.degree;
    case 'sigmoid':
      return Math.tanh(kernel.gamma * dot + kernel.coef0);
  }
}

/** A small fixed problem of three classes that needs some dozens of iterations. */
export function threeClasses(): TrainingSet {
  const rows = Array.from({ length: 60 }, (_, t) => [
    Math.sin(t * 1.7) + (t % 3),
    Math.cos(t * 2.3) * 2,
    ((t * 7) % 11) / 5,
  ]);
  return { samples: packRows(rows), classIndices: rows.map((_, t) => t % 3), classCount: 3 };
}

/** The code of what an action throws; 'nothing' when it does not throw. */
export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'nothing';
}
