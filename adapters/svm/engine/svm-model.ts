/**
 * `rbf`: exp(-gamma |x - y|^2). `linear`: x . y. `poly`: (gamma x . y + coef0)^degree. `sigmoid`: tanh(gamma x . y + coef0).
 * The last is no true kernel for many parameters; the solver ends all the same, as libsvm's does.
 */
export type Kernel =
  | { readonly kind: 'rbf'; readonly gamma: number }
  | { readonly kind: 'linear' }
  | { readonly kind: 'poly'; readonly gamma: number; readonly coef0: number; readonly degree: number }
  | { readonly kind: 'sigmoid'; readonly gamma: number; readonly coef0: number };

/**
 * A trained one-vs-one classifier, in libsvm's layout. Support vectors are grouped by class; within a class
 * they keep the order of the training rows. Immutable: nothing in the engine writes to a finished model.
 *
 * Pairs are (0,1), (0,2), ... (0,k-1), (1,2), ... as in libsvm. For the pair (i, j) a sample's decision is
 * `sum over s in class i: coefficients[j-1][s] K(s, x) + sum over s in class j: coefficients[i][s] K(s, x) - rho[pair]`;
 * positive means class i.
 */
export interface SvmModel {
  readonly kernel: Kernel;
  /** k, at least 2. */
  readonly classCount: number;
  /** Features of a sample. */
  readonly dims: number;
  /** [nSV, dims], row-major. */
  readonly supportVectors: Float32Array;
  /** [nSV]: row of each support vector in the training set. */
  readonly supportIndices: Int32Array;
  /** [k]: support vectors of each class; sums to nSV. */
  readonly supportPerClass: Int32Array;
  /** [k-1, nSV], row-major: alpha times label. */
  readonly coefficients: Float64Array;
  /** [k(k-1)/2]: what is subtracted from each pair's sum; scikit-learn's `intercept_` is its negative. */
  readonly rho: Float64Array;
  /** [k(k-1)/2]: iterations the solver took for each pair. */
  readonly iterations: Int32Array;
  /** [pairs, 2], row-major: a and b of each pair's sigmoid (sigmoid.ts); missing when no probabilities were learned. */
  readonly sigmoids?: Float64Array;
}

/** One against one makes k(k-1)/2 pairs: 8 million at this many classes. */
export const MAX_CLASSES = 4_096;

/** Number of unordered pairs of k classes. */
export function pairCountOf(classCount: number): number {
  return (classCount * (classCount - 1)) / 2;
}
