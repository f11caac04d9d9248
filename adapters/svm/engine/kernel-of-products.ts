import type { Kernel } from './svm-model.ts';

/** Kernel values beyond it count as it: far from where 32 bits end, so that sums of them stay finite. */
export const MAX_KERNEL_VALUE = 1e30;

/** A kernel that is a function of x . y. */
export type ProductKernel = Extract<Kernel, { kind: 'poly' | 'sigmoid' }>;

/** Puts kernel values in the place of the products x . y; computed in 64 bits, rounded once. */
export function ofProducts(kernel: ProductKernel, values: Float32Array): void {
  const { gamma, coef0 } = kernel;
  if (kernel.kind === 'sigmoid')
    for (let at = 0; at < values.length; at++) values[at] = Math.tanh(gamma * values[at]! + coef0);
  else
    for (let at = 0; at < values.length; at++)
      values[at] = bounded(power(gamma * values[at]! + coef0, kernel.degree));
}

/** By squaring, as libsvm: `Math.pow` may round otherwise on another processor. */
export function power(base: number, degree: number): number {
  let [square, result] = [base, 1];
  for (let left = degree; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

function bounded(value: number): number {
  return Math.min(MAX_KERNEL_VALUE, Math.max(-MAX_KERNEL_VALUE, value));
}
