import { SvmNotConverged } from '../errors.ts';

/**
 * One two-class problem: minimise a'Qa/2 - sum(a) with 0 <= a_t <= cost_t and sum(label_t a_t) = 0,
 * where Q_st = label_s label_t K(s, t).
 */
export interface BinaryProblem {
  readonly size: number;
  /** +1 or -1 for each sample. */
  readonly labels: Int8Array;
  /** Upper bound of each alpha, above 0. */
  readonly cost: Float64Array;
  /** K(t, t) for each sample. */
  readonly diagonal: Float64Array;
  /** K(t, .) of length `size`. The last two rows returned must stay valid. */
  row(t: number): Float32Array;
}

export interface SmoLimits {
  /** Largest violation of the optimality conditions left at the end; libsvm's `-e`, 1e-3 there. */
  readonly epsilon: number;
  readonly maxIterations: number;
}

/** All that the solver knows. Copied on the way in and out. */
export interface SmoState {
  readonly alpha: Float64Array;
  /** -label_t times the objective's derivative by alpha_t. */
  readonly ascent: Float64Array;
  readonly iterations: number;
  /** Smallest violation seen so far; for progress only. */
  readonly smallestGap: number;
}

export interface SmoSolution {
  /** alpha_t times label_t; exactly 0 for what is not a support vector. */
  readonly coefficients: Float64Array;
  readonly rho: number;
  readonly iterations: number;
}

/** 'running': the budget of iterations is used up. 'done': the solution is within the tolerance. */
export type StepResult = 'running' | 'done';

/** Stands for a curvature that is not positive (two equal samples), as in the paper. */
const TAU = 1e-12;
/** Bits of a sample's state: label_t alpha_t can still grow, can still fall. */
const CAN_RISE = 1;
const CAN_FALL = 2;

/**
 * Sequential minimal optimisation with second-order working set selection: R.-E. Fan, P.-H. Chen, C.-J. Lin,
 * "Working Set Selection Using Second Order Information for Training SVM", JMLR 6 (2005), WSS 2; rho as in
 * C.-C. Chang, C.-J. Lin, "LIBSVM: A Library for Support Vector Machines", ACM TIST 2(3) (2011), section 4.1.5.
 * No shrinking. Ties go to the later sample, as in libsvm, so that both walk the same path.
 *
 * Between two iterations `saveState` holds everything: a solver restored from it, in any process, goes on bit by bit
 * like one that was never stopped.
 */
export class SmoSolver {
  readonly #problem: BinaryProblem;
  readonly #limits: SmoLimits;
  readonly #alpha: Float64Array;
  readonly #ascent: Float64Array;
  readonly #room: Uint8Array;
  #iterations = 0;
  // With all alpha at 0 every derivative is -1, so the first violation is 2.
  #smallestGap = 2;
  #isDone = false;

  constructor(problem: BinaryProblem, limits: SmoLimits) {
    this.#problem = problem;
    this.#limits = limits;
    this.#alpha = new Float64Array(problem.size);
    this.#ascent = Float64Array.from(problem.labels);
    this.#room = new Uint8Array(problem.size);
    this.#refreshAll();
  }

  get iterations(): number {
    return this.#iterations;
  }

  /** 0..1, never falling: how far the violation has come down, on a logarithmic scale. */
  get progress(): number {
    if (this.#isDone) return 1;
    const { epsilon } = this.#limits;
    return Math.min(1, Math.max(0, Math.log(2 / this.#smallestGap) / Math.log(2 / epsilon)));
  }

  /**
   * Does at most `maxIterations` iterations.
   * @throws SvmNotConverged at the cap of `limits`.
   */
  step(maxIterations: number): StepResult {
    for (let count = 0; count < maxIterations && !this.#isDone; count++) this.#iterate();
    return this.#isDone ? 'done' : 'running';
  }

  saveState(): SmoState {
    return {
      alpha: this.#alpha.slice(),
      ascent: this.#ascent.slice(),
      iterations: this.#iterations,
      smallestGap: this.#smallestGap,
    };
  }

  /** Takes over a state saved by a solver of the same problem. */
  restoreState(state: SmoState): void {
    this.#alpha.set(state.alpha);
    this.#ascent.set(state.ascent);
    this.#iterations = state.iterations;
    this.#smallestGap = state.smallestGap;
    this.#isDone = false;
    this.#refreshAll();
  }

  /** The solution as it stands; within the tolerance once `step` has returned 'done'. */
  solution(): SmoSolution {
    const { labels } = this.#problem;
    const coefficients = this.#alpha.map((alpha, t) => (alpha > 0 ? alpha * labels[t]! : 0));
    return { coefficients, rho: this.#rho(), iterations: this.#iterations };
  }

  #iterate(): void {
    const first = steepest(this.#ascent, this.#room);
    if (first < 0) {
      this.#isDone = true;
      return;
    }
    const row = this.#problem.row(first);
    const second = bestPartner(first, row, this.#ascent, this.#room, this.#problem.diagonal);
    const gap = this.#ascent[first]! - second.lowest;
    this.#smallestGap = Math.min(this.#smallestGap, Math.max(0, gap));
    if (gap < this.#limits.epsilon || second.index < 0) {
      this.#isDone = true;
      return;
    }
    if (this.#iterations >= this.#limits.maxIterations) {
      throw new SvmNotConverged(this.#iterations, gap, this.#limits.epsilon);
    }
    this.#iterations++;
    this.#move(first, second.index, row);
  }

  /** Raises label_i alpha_i and lowers label_j alpha_j by the same amount: the best one the box allows. */
  #move(i: number, j: number, rowI: Float32Array): void {
    const rowJ = this.#problem.row(j);
    const { labels, diagonal } = this.#problem;
    const [labelI, labelJ] = [labels[i]!, labels[j]!];
    const curvature = positive(diagonal[i]! + diagonal[j]! - 2 * rowI[j]!);
    const wanted = (this.#ascent[i]! - this.#ascent[j]!) / curvature;
    const [roomI, roomJ] = [this.#roomAlong(i, labelI), this.#roomAlong(j, -labelJ)];
    const amount = Math.min(wanted, roomI, roomJ);

    const movedI = this.#shift(i, labelI, amount, roomI) * labelI;
    const movedJ = this.#shift(j, -labelJ, amount, roomJ) * labelJ;
    descend(this.#ascent, rowI, movedI, rowJ, movedJ);
    this.#refresh(i);
    this.#refresh(j);
  }

  /** How far alpha_t can go in a direction of +1 or -1. */
  #roomAlong(t: number, direction: number): number {
    return direction > 0 ? this.#problem.cost[t]! - this.#alpha[t]! : this.#alpha[t]!;
  }

  /** Moves alpha_t and returns by how much. A move that uses up the room ends exactly on the bound. */
  #shift(t: number, direction: number, amount: number, room: number): number {
    const before = this.#alpha[t]!;
    const bound = direction > 0 ? this.#problem.cost[t]! : 0;
    const after = amount >= room ? bound : before + direction * amount;
    this.#alpha[t] = after;
    return after - before;
  }

  #refresh(t: number): void {
    const alpha = this.#alpha[t]!;
    const canGrow = alpha < this.#problem.cost[t]!;
    const canShrink = alpha > 0;
    const [canRise, canFall] = this.#problem.labels[t]! > 0 ? [canGrow, canShrink] : [canShrink, canGrow];
    this.#room[t] = (canRise ? CAN_RISE : 0) | (canFall ? CAN_FALL : 0);
  }

  #refreshAll(): void {
    for (let t = 0; t < this.#alpha.length; t++) this.#refresh(t);
  }

  /** The mean over free samples; without any, the middle of what the bounded ones allow. */
  #rho(): number {
    let [free, sum, upper, lower] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let t = 0; t < this.#ascent.length; t++) {
      const value = -this.#ascent[t]!;
      const room = this.#room[t]!;
      if (room === (CAN_RISE | CAN_FALL)) {
        free++;
        sum += value;
      } else if (room === CAN_RISE) upper = Math.min(upper, value);
      else lower = Math.max(lower, value);
    }
    return free > 0 ? sum / free : (upper + lower) / 2;
  }
}

function positive(curvature: number): number {
  return curvature > 0 ? curvature : TAU;
}

/** The sample that can rise with the largest ascent; -1 when none can. */
function steepest(ascent: Float64Array, room: Uint8Array): number {
  let [best, index] = [Number.NEGATIVE_INFINITY, -1];
  for (let t = 0; t < ascent.length; t++) {
    const value = ascent[t]!;
    if (value >= best && (room[t]! & CAN_RISE) !== 0) {
      best = value;
      index = t;
    }
  }
  return index;
}

/** The sample that can fall and, together with `first`, lowers the objective most; and the lowest ascent of all that can. */
function bestPartner(
  first: number,
  row: Float32Array,
  ascent: Float64Array,
  room: Uint8Array,
  diagonal: Float64Array,
): { index: number; lowest: number } {
  const top = ascent[first]!;
  const diagonalFirst = diagonal[first]!;
  let [best, index, lowest] = [Number.NEGATIVE_INFINITY, -1, Number.POSITIVE_INFINITY];
  for (let t = 0; t < ascent.length; t++) {
    if ((room[t]! & CAN_FALL) === 0) continue;
    const value = ascent[t]!;
    if (value < lowest) lowest = value;
    const slope = top - value;
    if (slope <= 0) continue;
    const curvature = diagonalFirst + diagonal[t]! - 2 * row[t]!;
    const gain = (slope * slope) / (curvature > 0 ? curvature : TAU);
    if (gain >= best) {
      best = gain;
      index = t;
    }
  }
  return { index, lowest };
}

function descend(
  ascent: Float64Array,
  rowI: Float32Array,
  byI: number,
  rowJ: Float32Array,
  byJ: number,
): void {
  for (let t = 0; t < ascent.length; t++) ascent[t]! -= rowI[t]! * byI + rowJ[t]! * byJ;
}
