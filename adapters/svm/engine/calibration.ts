import { shuffled } from './shuffle.ts';
import { fitSigmoid, type Sigmoid } from './sigmoid.ts';
import { type BinaryProblem, type SmoLimits, SmoSolver, type SmoState, type StepResult } from './smo.ts';

const FOLDS = 5;

/** A calibration between two iterations. */
export interface CalibrationState {
  /** Index of the current fold; equal to the number of finished ones. */
  readonly fold: number;
  /** Iterations of the finished folds. */
  readonly iterations: number;
  /** [size]: of the samples that finished folds held out; 0 for the others. */
  readonly decisions: Float64Array;
  readonly solver: SmoState | undefined;
}

/**
 * Learns what a decision of one pair of classes says about probability: each fifth of the samples is judged by a machine
 * trained on the other four, and a sigmoid is fitted to these decisions. The seed alone decides who is in which fifth, by
 * libsvm's rules inside scikit-learn. Work is cut into slices as in `SmoSolver`.
 */
export class PairCalibration {
  readonly #problem: BinaryProblem;
  readonly #limitsOf: (size: number) => SmoLimits;
  readonly #order: Int32Array;
  readonly #decisions: Float64Array;
  #fold = 0;
  #iterations = 0;
  #current: Fold | undefined;

  /** @param limitsOf by the number of samples a machine is trained on. */
  constructor(problem: BinaryProblem, limitsOf: (size: number) => SmoLimits, seed: number) {
    this.#problem = problem;
    this.#limitsOf = limitsOf;
    this.#order = shuffled(problem.size, seed);
    this.#decisions = new Float64Array(problem.size);
  }

  /** Iterations done so far, over all folds. */
  get iterations(): number {
    return this.#iterations + (this.#current?.solver?.iterations ?? 0);
  }

  /** 0..1, never falling. */
  get progress(): number {
    return (this.#fold + (this.#current?.solver?.progress ?? 0)) / FOLDS;
  }

  /** Does at most `maxIterations` iterations. @throws SvmNotConverged when a fold meets its cap */
  step(maxIterations: number): StepResult {
    let left = maxIterations;
    while (this.#fold < FOLDS && left > 0) {
      this.#current ??= this.#openFold();
      const { solver } = this.#current;
      const before = solver?.iterations ?? 0;
      if (solver?.step(left) === 'running') return 'running';
      left -= (solver?.iterations ?? 0) - before;
      this.#finishFold(this.#current);
    }
    return this.#fold < FOLDS ? 'running' : 'done';
  }

  /** The sigmoid, once `step` has returned 'done'. */
  sigmoid(): Sigmoid {
    return fitSigmoid(this.#decisions, this.#problem.labels);
  }

  saveState(): CalibrationState {
    return {
      fold: this.#fold,
      iterations: this.#iterations,
      decisions: this.#decisions.slice(),
      solver: this.#current?.solver?.saveState(),
    };
  }

  /** Takes over a state saved by a calibration of the same problem and seed. */
  restoreState({ fold, iterations, decisions, solver }: CalibrationState): void {
    this.#fold = fold;
    this.#iterations = iterations;
    this.#decisions.set(decisions);
    this.#current = undefined;
    if (solver === undefined) return;
    this.#current = this.#openFold();
    this.#current.solver?.restoreState(solver);
  }

  /** How many samples the machine of a fold is trained on. */
  static trainedOn(size: number, fold: number): number {
    return size - (boundOf(fold + 1, size) - boundOf(fold, size));
  }

  #openFold(): Fold {
    const { size, labels } = this.#problem;
    const [from, to] = [boundOf(this.#fold, size), boundOf(this.#fold + 1, size)];
    const rest = [...this.#order.subarray(0, from), ...this.#order.subarray(to)];
    // Grouped as libsvm does inside scikit-learn, where the class of -1 comes first and has the positive decisions.
    const second = rest.filter((t) => labels[t]! < 0);
    const kept = Int32Array.from([...second, ...rest.filter((t) => labels[t]! > 0)]);
    const isMixed = second.length > 0 && second.length < kept.length;
    const solver = isMixed
      ? new SmoSolver(partOf(this.#problem, kept, second.length), this.#limitsOf(kept.length))
      : undefined;
    return { kept, heldOut: this.#order.subarray(from, to), solver };
  }

  #finishFold({ kept, heldOut, solver }: Fold): void {
    if (solver) this.#judge(kept, heldOut, solver);
    else for (const t of heldOut) this.#decisions[t] = Math.sign(this.#problem.labels[kept[0] ?? -1] ?? 0);
    this.#iterations += solver?.iterations ?? 0;
    this.#current = undefined;
    this.#fold++;
  }

  /** By the rows of the support vectors, which the solver has just used. */
  #judge(kept: Int32Array, heldOut: Int32Array, solver: SmoSolver): void {
    const { coefficients, rho } = solver.solution();
    for (const t of heldOut) this.#decisions[t] = rho;
    coefficients.forEach((coefficient, at) => {
      if (coefficient === 0) return;
      const row = this.#problem.row(kept[at]!);
      for (const t of heldOut) this.#decisions[t]! -= coefficient * row[t]!;
    });
  }
}

interface Fold {
  /** Samples it is trained on, and samples it judges: places in the pair. */
  readonly kept: Int32Array;
  readonly heldOut: Int32Array;
  /** Missing where all of `kept` are of one class. */
  readonly solver: SmoSolver | undefined;
}

function boundOf(fold: number, size: number): number {
  return Math.floor((fold * size) / FOLDS);
}

/** The problem of some samples of a pair, the first `positives` of which have the label +1. */
function partOf(problem: BinaryProblem, kept: Int32Array, positives: number): BinaryProblem {
  const size = kept.length;
  const rows = [new Float32Array(size), new Float32Array(size)];
  let turn = 0;
  return {
    size,
    labels: new Int8Array(size).fill(-1).fill(1, 0, positives),
    cost: Float64Array.from(kept, (t) => problem.cost[t]!),
    diagonal: Float64Array.from(kept, (t) => problem.diagonal[t]!),
    row(at) {
      turn = 1 - turn;
      const [whole, part] = [problem.row(kept[at]!), rows[turn]!];
      for (let s = 0; s < size; s++) part[s] = whole[kept[s]!]!;
      return part;
    },
  };
}
