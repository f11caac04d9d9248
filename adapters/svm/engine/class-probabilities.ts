import { probabilityOf } from './sigmoid.ts';

/** A pair is never quite sure: 0 and 1 would outvote all others. */
const LEAST = 1e-7;

/**
 * Probabilities of the classes out of the pairs' decisions; those of a sample sum to 1. With two classes the pair's own;
 * with more, the second method of T.-F. Wu, C.-J. Lin, R. C. Weng, "Probability Estimates for Multi-class Classification by
 * Pairwise Coupling", JMLR 5 (2004), iterated as in libsvm.
 *
 * @param decisions [n, k(k-1)/2]
 * @param sigmoids [pairs, 2]: a and b of each.
 * @returns [n, k], row-major.
 */
export function classProbabilities(
  decisions: Float64Array,
  sigmoids: Float64Array,
  classCount: number,
): Float64Array {
  const pairs = sigmoids.length / 2;
  const rows = decisions.length / pairs;
  const probabilities = new Float64Array(rows * classCount);
  const pairwise = new Float64Array(classCount * classCount);
  for (let row = 0; row < rows; row++) {
    fillPairwise(pairwise, decisions.subarray(row * pairs, (row + 1) * pairs), sigmoids, classCount);
    const own = probabilities.subarray(row * classCount, (row + 1) * classCount);
    if (classCount === 2) own.set([pairwise[1]!, pairwise[2]!]);
    else couple(pairwise, own);
  }
  return probabilities;
}

/** [k, k]: at (i, j) the probability of class i given that it is i or j. */
function fillPairwise(
  pairwise: Float64Array,
  decisions: Float64Array,
  sigmoids: Float64Array,
  classCount: number,
): void {
  let pair = 0;
  for (let i = 0; i < classCount; i++) {
    for (let j = i + 1; j < classCount; j++, pair++) {
      const sigmoid = { a: sigmoids[2 * pair]!, b: sigmoids[2 * pair + 1]! };
      const first = Math.min(1 - LEAST, Math.max(LEAST, probabilityOf(sigmoid, decisions[pair]!)));
      pairwise[i * classCount + j] = first;
      pairwise[j * classCount + i] = 1 - first;
    }
  }
}

/** Minimises sum over i, j of (r_ji p_i - r_ij p_j)^2 with p summing to 1, one p after the other. */
function couple(r: Float64Array, p: Float64Array): void {
  const k = p.length;
  const q = quadratic(r, k);
  const qp = new Float64Array(k);
  p.fill(1 / k);
  for (let iteration = 0; iteration < Math.max(100, k); iteration++) {
    let pqp = multiply(q, p, qp);
    if (qp.every((value) => Math.abs(value - pqp) < 0.005 / k)) return;
    for (let t = 0; t < k; t++) {
      const own = q[t * k + t]!;
      const change = (pqp - qp[t]!) / own;
      p[t]! += change;
      pqp = (pqp + change * (change * own + 2 * qp[t]!)) / (1 + change) / (1 + change);
      for (let j = 0; j < k; j++) {
        qp[j] = (qp[j]! + change * q[t * k + j]!) / (1 + change);
        p[j]! /= 1 + change;
      }
    }
  }
}

function quadratic(r: Float64Array, k: number): Float64Array {
  const q = new Float64Array(k * k);
  for (let t = 0; t < k; t++) {
    for (let j = 0; j < k; j++) {
      if (j === t) continue;
      q[t * k + t]! += r[j * k + t]! ** 2;
      q[t * k + j] = -r[j * k + t]! * r[t * k + j]!;
    }
  }
  return q;
}

/** Writes Q p and returns p'Q p. */
function multiply(q: Float64Array, p: Float64Array, out: Float64Array): number {
  let total = 0;
  for (let t = 0; t < p.length; t++) {
    let sum = 0;
    for (let j = 0; j < p.length; j++) sum += q[t * p.length + j]! * p[j]!;
    out[t] = sum;
    total += p[t]! * sum;
  }
  return total;
}
