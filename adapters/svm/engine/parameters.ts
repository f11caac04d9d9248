import { SvmParameterInvalid } from '../errors.ts';
import type { Kernel } from './svm-model.ts';

export interface SvmParameters {
  readonly kernel: Kernel;
  /** C: the price of a sample on the wrong side of its margin, above 0, at most `MAX_COST`. Default 1. */
  readonly cost?: number;
  /** [classCount]: factor on C for each class, above 0. Default 1 for all. */
  readonly classWeights?: readonly number[];
  /** Largest violation of the optimality conditions left at the end, in (0, 1). Default 1e-3. */
  readonly epsilon?: number;
  /** Cap for each pair of classes. Default the larger of 10,000,000 and 100 times the pair's samples, as in libsvm. */
  readonly maxIterations?: number;
  /** Memory for kernel rows. Default 128 MiB; two rows are always kept. */
  readonly cacheBytes?: number;
  /** Learns probabilities as well, with folds that this seed decides, 0..2^32-1. Five more trainings for each pair. */
  readonly probabilitySeed?: number | undefined;
}

export interface ResolvedParameters {
  readonly kernel: Kernel;
  /** [classCount]: C of each class. */
  readonly costs: readonly number[];
  readonly epsilon: number;
  /** 0 for the default. */
  readonly maxIterations: number;
  readonly cacheBytes: number;
  readonly probabilitySeed: number | undefined;
}

/** Keeps every sum of coefficients and kernel values finite. */
export const MAX_COST = 1e100;

/** Largest constant of a polynomial or sigmoid kernel, and largest degree of a polynomial. */
export const MAX_COEF0 = 1e6;
export const MAX_DEGREE = 32;

const DEFAULT_CACHE_BYTES = 128 * 2 ** 20;

/**
 * Parameters with their defaults filled in.
 * @throws SvmParameterInvalid naming the first one out of range.
 */
export function resolveParameters(parameters: SvmParameters, classCount: number): ResolvedParameters {
  const {
    kernel,
    cost = 1,
    epsilon = 1e-3,
    maxIterations = 0,
    cacheBytes = DEFAULT_CACHE_BYTES,
  } = parameters;
  const weights = parameters.classWeights ?? new Array<number>(classCount).fill(1);
  checkKernel(kernel);
  positive('cost', cost);
  if (weights.length !== classCount) {
    throw new SvmParameterInvalid(
      'classWeights.length',
      weights.length,
      `the number of classes, ${classCount}`,
    );
  }
  weights.forEach((weight, index) => void positive(`classWeights[${index}]`, weight));
  if (!(epsilon > 0 && epsilon < 1)) throw new SvmParameterInvalid('epsilon', epsilon, 'between 0 and 1');
  if (!Number.isSafeInteger(maxIterations) || maxIterations < 0) {
    throw new SvmParameterInvalid('maxIterations', maxIterations, 'a whole number, at least 1');
  }
  if (!(cacheBytes >= 0)) throw new SvmParameterInvalid('cacheBytes', cacheBytes, 'at least 0');
  const { probabilitySeed } = parameters;
  if (probabilitySeed !== undefined && !isWhole(probabilitySeed, 0, 2 ** 32 - 1))
    throw new SvmParameterInvalid('probabilitySeed', probabilitySeed, 'a whole number, 0 to 2^32-1');
  return {
    kernel,
    costs: weights.map((weight) => positive('cost', cost * weight)),
    epsilon,
    maxIterations,
    cacheBytes,
    probabilitySeed,
  };
}

/** The iteration cap for a pair of this many samples. */
export function iterationCap({ maxIterations }: ResolvedParameters, pairSize: number): number {
  return maxIterations > 0 ? maxIterations : Math.max(10_000_000, 100 * pairSize);
}

function checkKernel(kernel: Kernel): void {
  if (kernel.kind === 'linear') return;
  positive('gamma', kernel.gamma);
  if (kernel.kind === 'rbf') return;
  if (!(Math.abs(kernel.coef0) <= MAX_COEF0))
    throw new SvmParameterInvalid('coef0', kernel.coef0, `from -${MAX_COEF0} to ${MAX_COEF0}`);
  if (kernel.kind === 'poly' && !isWhole(kernel.degree, 1, MAX_DEGREE))
    throw new SvmParameterInvalid('degree', kernel.degree, `a whole number, 1 to ${MAX_DEGREE}`);
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function positive(name: string, value: number): number {
  if (value > 0 && value <= MAX_COST) return value;
  throw new SvmParameterInvalid(name, value, `above 0 and at most ${MAX_COST}`);
}
