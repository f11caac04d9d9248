/** P(first class | decision d) = 1 / (1 + exp(a d + b)). */
export interface Sigmoid {
  readonly a: number;
  readonly b: number;
}

const MAX_ITERATIONS = 100;
const MIN_STEP = 1e-10;
/** Added to the diagonal of the Hessian: keeps it positive definite. */
const RIDGE = 1e-12;
const MAX_GRADIENT = 1e-5;
/** Share of the slope's promise that a step has to keep. */
const ARMIJO = 1e-4;

/**
 * Platt's sigmoid for the decisions of samples, by Newton's method with backtracking:
 * H.-T. Lin, C.-J. Lin, R. C. Weng, "A note on Platt's probabilistic outputs for support vector machines", Machine Learning
 * 68 (2007), with the caps and tolerances that libsvm has.
 * @param decisions of samples that the machine was not trained on.
 * @param labels +1 for the first class, -1 for the second.
 */
export function fitSigmoid(decisions: ArrayLike<number>, labels: ArrayLike<number>): Sigmoid {
  const targets = targetsOf(labels);
  let [a, b] = [0, startOf(labels)];
  let value = loss(decisions, targets, a, b);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const { stepA, stepB, slope, isFlat } = newtonStep(decisions, targets, a, b);
    if (isFlat) break;
    let size = 1;
    for (; size >= MIN_STEP; size /= 2) {
      const [nextA, nextB] = [a + size * stepA, b + size * stepB];
      const next = loss(decisions, targets, nextA, nextB);
      if (next >= value + ARMIJO * size * slope) continue;
      [a, b, value] = [nextA, nextB, next];
      break;
    }
    if (size < MIN_STEP) break;
  }
  return { a, b };
}

/** Probability of the first class, in 0..1. Written so that no exponential overflows. */
export function probabilityOf({ a, b }: Sigmoid, decision: number): number {
  const exponent = a * decision + b;
  if (exponent < 0) return 1 / (1 + Math.exp(exponent));
  const small = Math.exp(-exponent);
  return small / (1 + small);
}

/** Instead of 1 and 0: what a prior with one more sample of each kind expects. */
function targetsOf(labels: ArrayLike<number>): Float64Array {
  const positives = countPositive(labels);
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (labels.length - positives + 2);
  return Float64Array.from({ length: labels.length }, (_, t) => (labels[t]! > 0 ? high : low));
}

function startOf(labels: ArrayLike<number>): number {
  const positives = countPositive(labels);
  return Math.log((labels.length - positives + 1) / (positives + 1));
}

function countPositive(labels: ArrayLike<number>): number {
  let count = 0;
  for (let t = 0; t < labels.length; t++) if (labels[t]! > 0) count++;
  return count;
}

/** Negative log likelihood. */
function loss(decisions: ArrayLike<number>, targets: Float64Array, a: number, b: number): number {
  let sum = 0;
  for (let t = 0; t < targets.length; t++) {
    const exponent = a * decisions[t]! + b;
    if (exponent >= 0) sum += targets[t]! * exponent + Math.log(1 + Math.exp(-exponent));
    else sum += (targets[t]! - 1) * exponent + Math.log(1 + Math.exp(exponent));
  }
  return sum;
}

function newtonStep(decisions: ArrayLike<number>, targets: Float64Array, a: number, b: number) {
  let [aa, bb, ab, gradientA, gradientB] = [RIDGE, RIDGE, 0, 0, 0];
  for (let t = 0; t < targets.length; t++) {
    const decision = decisions[t]!;
    const p = probabilityOf({ a, b }, decision);
    const weight = p * (1 - p);
    aa += decision * decision * weight;
    bb += weight;
    ab += decision * weight;
    gradientA += decision * (targets[t]! - p);
    gradientB += targets[t]! - p;
  }
  const determinant = aa * bb - ab * ab;
  const stepA = -(bb * gradientA - ab * gradientB) / determinant;
  const stepB = -(aa * gradientB - ab * gradientA) / determinant;
  return {
    stepA,
    stepB,
    slope: gradientA * stepA + gradientB * stepB,
    isFlat: Math.abs(gradientA) < MAX_GRADIENT && Math.abs(gradientB) < MAX_GRADIENT,
  };
}
