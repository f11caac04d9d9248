import { SvmNotFinished } from '../errors.ts';
import { PairCalibration } from './calibration.ts';
import { ClassRows, classRowsLength, computeSpan, type Span } from './class-rows.ts';
import { PairRows, type RowSource } from './pair-rows.ts';
import {
  iterationCap,
  type ResolvedParameters,
  resolveParameters,
  type SvmParameters,
} from './parameters.ts';
import { copyRow } from './samples.ts';
import { type BinaryProblem, type SmoLimits, SmoSolver, type StepResult } from './smo.ts';
import type { Kernel, SvmModel } from './svm-model.ts';
import { decodeTrainerState, encodeTrainerState, fingerprintOf, type TrainerState } from './trainer-state.ts';
import { type Grouping, groupByClass, type TrainingSet } from './training-set.ts';
import { KernelEngine, paddedLength, type Region } from './wasm-kernel.ts';

/**
 * The least number of iterations worth asking of `step` before looking at a clock. A resumed solver first refills its
 * kernel cache; a slice shorter than that would make no headway.
 */
export const MIN_SLICE_ITERATIONS = 64;

/** Of a pair's work: four of the five trainings' worth that its calibration takes beside the solver's own. */
const CALIBRATION_SHARE = 0.8;

/**
 * Trains C-SVC one against one: a two-class problem for each pair of classes, in the order (0,1), (0,2), ... (k-2,k-1).
 * Work is cut into slices by `step`; a state saved between two slices and restored in another process leads to the same
 * model, byte for byte.
 */
export class SvmTrainer {
  readonly #parameters: ResolvedParameters;
  readonly #grouping: Grouping;
  readonly #dims: number;
  readonly #stride: number;
  readonly #source: RowSource;
  readonly #diagonal: Float64Array;
  readonly #pairs: readonly Pair[];
  /** What the finished pairs have found: coefficients in libsvm's layout over all grouped rows, [k-1, rows]. */
  readonly #coefficients: Float64Array;
  readonly #rho: Float64Array;
  readonly #iterations: Int32Array;
  /** Of the grouped rows; empty when they have none. */
  readonly #rowWeights: Float64Array;
  readonly #sigmoids: Float64Array;
  #pair = 0;
  #problem: BinaryProblem | undefined;
  /** At most one of the two is there. */
  #calibration: PairCalibration | undefined;
  #solver: SmoSolver | undefined;
  #calibrationIterations = 0;
  #fingerprint: string | undefined;

  /**
   * @throws SvmSamplesInvalid, SvmLabelsInvalid, SvmParameterInvalid for input that cannot be trained on.
   * @throws SvmTooLarge when it does not fit in memory.
   */
  constructor(set: TrainingSet, parameters: SvmParameters) {
    this.#grouping = groupByClass(set);
    this.#parameters = resolveParameters(parameters, set.classCount);
    this.#dims = set.samples.dims;
    this.#stride = paddedLength(this.#dims);
    this.#pairs = pairsOf(this.#grouping.spans);
    this.#source = openSource(this.#parameters, this.#grouping, this.#pairs, this.#stride);
    const { values } = this.#source.features;
    this.#grouping.order.forEach((row, at) => void copyRow(set.samples, row, values, at * this.#stride));
    const rows = set.samples.rows;
    this.#diagonal = diagonalOf(this.#parameters.kernel, this.#source, rows);
    this.#coefficients = new Float64Array((set.classCount - 1) * rows);
    this.#rho = new Float64Array(this.#pairs.length);
    this.#iterations = new Int32Array(this.#pairs.length);
    const { rowWeights } = set;
    this.#rowWeights = Float64Array.from(rowWeights ? this.#grouping.order : [], (row) => rowWeights![row]!);
    this.#sigmoids = new Float64Array(
      this.#parameters.probabilitySeed === undefined ? 0 : 2 * this.#pairs.length,
    );
  }

  /** 0..1, never falling: pairs done, weighted by their samples, and an estimate for the current one. */
  get progress(): number {
    const total = this.#pairs.reduce((sum, pair) => sum + pair.size, 0);
    const done = this.#pairs.slice(0, this.#pair).reduce((sum, pair) => sum + pair.size, 0);
    return (done + this.#pairProgress() * (this.#pairs[this.#pair]?.size ?? 0)) / total;
  }

  /** Iterations done so far, over all pairs and calibrations. */
  get iterations(): number {
    const current = (this.#calibration ?? this.#solver)?.iterations ?? 0;
    return this.#iterations.reduce((sum, count) => sum + count, this.#calibrationIterations + current);
  }

  /**
   * Does at most `maxIterations` iterations, over as many pairs as they reach.
   * @throws SvmNotConverged when a pair meets its cap.
   */
  step(maxIterations: number): StepResult {
    let left = maxIterations;
    while (this.#pair < this.#pairs.length && left > 0) {
      if (!this.#calibration && !this.#solver) this.#openPair();
      const task = this.#calibration ?? this.#solver!;
      const before = task.iterations;
      if (task.step(left) === 'running') return 'running';
      left -= task.iterations - before;
      if (this.#calibration) this.#finishCalibration(this.#calibration);
      else this.#finishPair(this.#solver!);
    }
    return this.#pair < this.#pairs.length ? 'running' : 'done';
  }

  /** Everything needed to go on in another process that builds the trainer from the same input. Size: 8(k-1) bytes a row. */
  saveState(): Uint8Array {
    return encodeTrainerState({
      fingerprint: this.#identity(),
      pair: this.#pair,
      coefficients: this.#coefficients,
      rho: this.#rho,
      iterations: this.#iterations,
      sigmoids: this.#sigmoids,
      calibrationIterations: this.#calibrationIterations,
      solver: this.#solver?.saveState(),
      calibration: this.#calibration?.saveState(),
    });
  }

  /**
   * Goes back, or forward, to a saved state.
   * @throws CheckpointInvalid when it is damaged or was saved from other samples, labels or parameters.
   */
  restoreState(bytes: Uint8Array): void {
    const state = decodeTrainerState(bytes, {
      fingerprint: this.#identity(),
      coefficientCount: this.#coefficients.length,
      pairSizes: this.#pairs.map((pair) => pair.size),
      sigmoidCount: this.#sigmoids.length,
    });
    this.#take(state);
  }

  /**
   * The trained model.
   * @throws SvmNotFinished before `step` has returned 'done'.
   */
  model(): SvmModel {
    if (this.#pair < this.#pairs.length) throw new SvmNotFinished();
    const { order, spans } = this.#grouping;
    const support = supportPositions(this.#coefficients, order.length);
    return Object.freeze({
      kernel: this.#parameters.kernel,
      classCount: spans.length,
      dims: this.#dims,
      supportVectors: this.#gatherFeatures(support),
      supportIndices: support.map((position) => order[position]!),
      supportPerClass: Int32Array.from(spans, (span) => countInside(support, span)),
      coefficients: gatherColumns(this.#coefficients, order.length, support),
      rho: this.#rho.slice(),
      iterations: this.#iterations.slice(),
      ...(this.#sigmoids.length > 0 && { sigmoids: this.#sigmoids.slice() }),
    });
  }

  #pairProgress(): number {
    if (this.#parameters.probabilitySeed === undefined) return this.#solver?.progress ?? 0;
    const calibrated = this.#solver ? 1 : (this.#calibration?.progress ?? 0);
    return CALIBRATION_SHARE * calibrated + (1 - CALIBRATION_SHARE) * (this.#solver?.progress ?? 0);
  }

  /** The pair begins with its calibration, when there is to be one. */
  #openPair(): void {
    if (this.#parameters.probabilitySeed === undefined) this.#solver = this.#openSolver();
    else this.#calibration = this.#openCalibration(this.#parameters.probabilitySeed);
  }

  #openCalibration(seed: number): PairCalibration {
    return new PairCalibration(this.#currentProblem(), (size) => this.#limitsOf(size), seed);
  }

  #openSolver(): SmoSolver {
    const problem = this.#currentProblem();
    return new SmoSolver(problem, this.#limitsOf(problem.size));
  }

  #limitsOf(size: number): SmoLimits {
    return { epsilon: this.#parameters.epsilon, maxIterations: iterationCap(this.#parameters, size) };
  }

  /** Calibration and solver of a pair share its kernel rows. */
  #currentProblem(): BinaryProblem {
    this.#problem ??= this.#problemOf(this.#pairs[this.#pair]!);
    return this.#problem;
  }

  #problemOf(pair: Pair): BinaryProblem {
    const rows = new PairRows(this.#source, pair.first, pair.second);
    const { costs } = this.#parameters;
    const cost = new Float64Array(pair.size).fill(costs[pair.i]!).fill(costs[pair.j]!, pair.first.count);
    if (this.#rowWeights.length > 0)
      for (const [t, weight] of pairValues(this.#rowWeights, pair).entries()) cost[t]! *= weight;
    return {
      size: pair.size,
      labels: new Int8Array(pair.size).fill(1).fill(-1, pair.first.count),
      cost,
      diagonal: pairValues(this.#diagonal, pair),
      row: (t: number) => rows.row(t),
    };
  }

  /** Goes over to the solver at once: a state between the two would tell nothing of what is done. */
  #finishCalibration(calibration: PairCalibration): void {
    const { a, b } = calibration.sigmoid();
    this.#sigmoids.set([a, b], 2 * this.#pair);
    this.#calibrationIterations += calibration.iterations;
    this.#calibration = undefined;
    this.#solver = this.#openSolver();
  }

  #finishPair(solver: SmoSolver): void {
    const { i, j, first, second } = this.#pairs[this.#pair]!;
    const { coefficients, rho, iterations } = solver.solution();
    const rows = this.#grouping.order.length;
    this.#coefficients.set(coefficients.subarray(0, first.count), (j - 1) * rows + first.start);
    this.#coefficients.set(coefficients.subarray(first.count), i * rows + second.start);
    this.#rho[this.#pair] = rho;
    this.#iterations[this.#pair] = iterations;
    this.#pair++;
    this.#solver = undefined;
    this.#problem = undefined;
  }

  #take(state: TrainerState): void {
    this.#pair = state.pair;
    this.#coefficients.set(state.coefficients);
    this.#rho.set(state.rho);
    this.#iterations.set(state.iterations);
    this.#sigmoids.set(state.sigmoids);
    this.#calibrationIterations = state.calibrationIterations;
    this.#problem = undefined;
    this.#solver = state.solver && this.#openSolver();
    if (state.solver) this.#solver?.restoreState(state.solver);
    this.#calibration = state.calibration && this.#openCalibration(this.#parameters.probabilitySeed!);
    if (state.calibration) this.#calibration?.restoreState(state.calibration);
  }

  #identity(): string {
    this.#fingerprint ??= fingerprintOf(
      this.#parameters,
      this.#grouping,
      this.#source.features.values,
      this.#rowWeights,
    );
    return this.#fingerprint;
  }

  #gatherFeatures(support: Int32Array): Float32Array {
    const vectors = new Float32Array(support.length * this.#dims);
    support.forEach((position, s) => {
      const start = position * this.#stride;
      vectors.set(this.#source.features.values.subarray(start, start + this.#dims), s * this.#dims);
    });
    return vectors;
  }
}

/** Trains to the end in one go. For the errors see `SvmTrainer`. */
export function trainSvm(set: TrainingSet, parameters: SvmParameters): SvmModel {
  const trainer = new SvmTrainer(set, parameters);
  while (trainer.step(Number.MAX_SAFE_INTEGER) !== 'done');
  return trainer.model();
}

interface Pair {
  readonly i: number;
  readonly j: number;
  readonly first: Span;
  readonly second: Span;
  readonly size: number;
}

function pairsOf(spans: readonly Span[]): Pair[] {
  return spans.flatMap((first, i) =>
    spans
      .slice(i + 1)
      .map((second, after) => ({ i, j: i + 1 + after, first, second, size: first.count + second.count })),
  );
}

function openSource(
  { kernel, cacheBytes }: ResolvedParameters,
  { order, spans }: Grouping,
  pairs: readonly Pair[],
  stride: number,
): RowSource {
  const budget = Math.floor(cacheBytes / Float32Array.BYTES_PER_ELEMENT);
  const inside = classRowsLength(spans);
  const hasClassRows = pairs.length > 1 && inside <= budget / 2;
  const arenaLength = arenaLengthOf(pairs, hasClassRows ? budget - inside : budget);
  const lengths = [order.length * stride, arenaLength, hasClassRows ? inside : 0];
  const engine = new KernelEngine(kernel, stride, lengths);
  const [features, arena, own] = engine.regions as [Region, Region, Region];
  const classRows = hasClassRows ? new ClassRows(engine, features, own, spans) : undefined;
  return { engine, features, arena, classRows };
}

/** Floats for the rows of one pair: all of the largest pair when the budget allows, two rows at least. */
function arenaLengthOf(pairs: readonly Pair[], budget: number): number {
  const largest = pairs.reduce((most, pair) => Math.max(most, pair.size), 0);
  return Math.max(2 * largest, Math.min(largest * largest, budget));
}

function diagonalOf(kernel: Kernel, { engine, features, arena }: RowSource, rows: number): Float64Array {
  const diagonal = new Float64Array(rows).fill(1);
  if (kernel.kind === 'rbf') return diagonal;
  return diagonal.map((_, row) => {
    computeSpan(engine, features, row, { start: row, count: 1 }, arena, 0);
    return arena.values[0]!;
  });
}

function pairValues(values: Float64Array, { first, second, size }: Pair): Float64Array {
  const both = new Float64Array(size);
  both.set(values.subarray(first.start, first.start + first.count));
  both.set(values.subarray(second.start, second.start + second.count), first.count);
  return both;
}

/** Grouped positions with a coefficient in any pair, ascending. */
function supportPositions(coefficients: Float64Array, rows: number): Int32Array {
  const isSupport = new Uint8Array(rows);
  for (let at = 0; at < coefficients.length; at++) if (coefficients[at] !== 0) isSupport[at % rows] = 1;
  return Int32Array.from([...isSupport.keys()].filter((position) => isSupport[position] === 1));
}

function countInside(positions: Int32Array, { start, count }: Span): number {
  return positions.reduce(
    (sum, position) => sum + (position >= start && position < start + count ? 1 : 0),
    0,
  );
}

function gatherColumns(matrix: Float64Array, columns: number, wanted: Int32Array): Float64Array {
  const rows = matrix.length / columns;
  const gathered = new Float64Array(rows * wanted.length);
  for (let row = 0; row < rows; row++) {
    wanted.forEach((column, at) => {
      gathered[row * wanted.length + at] = matrix[row * columns + column]!;
    });
  }
  return gathered;
}
