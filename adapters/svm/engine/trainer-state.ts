import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import {
  type Block,
  BlockFileFault,
  type BlockFormat,
  decodeBlocks,
  encodeBlocks,
} from '../../../shared/content/block-file.ts';
import { CheckpointInvalid } from '../../training-errors.ts';
import { type CalibrationState, PairCalibration } from './calibration.ts';
import { KERNEL_BASE64 } from './kernel.generated.ts';
import type { ResolvedParameters } from './parameters.ts';
import type { SmoState } from './smo.ts';
import type { Grouping } from './training-set.ts';

/** A training between two iterations. */
export interface TrainerState {
  /** Identity of samples, labels and parameters, from `fingerprintOf`. */
  readonly fingerprint: string;
  /** Index of the current pair; equal to the number of finished ones. */
  readonly pair: number;
  /** [k-1, rows]: libsvm's layout over the grouped rows; 0 for pairs to come. */
  readonly coefficients: Float64Array;
  /** [pairs] */
  readonly rho: Float64Array;
  /** [pairs] */
  readonly iterations: Int32Array;
  /** [pairs, 2]: sigmoids of the pairs that were calibrated; empty when no probabilities are learned. */
  readonly sigmoids: Float64Array;
  /** Iterations of all finished calibrations. */
  readonly calibrationIterations: number;
  /** The current pair's solver, when it has begun. */
  readonly solver: SmoState | undefined;
  /** The current pair's calibration, while it lasts. */
  readonly calibration: CalibrationState | undefined;
}

/** What the state must fit. */
export interface ExpectedState {
  readonly fingerprint: string;
  readonly coefficientCount: number;
  readonly pairSizes: readonly number[];
  /** Two for each pair, or 0. */
  readonly sigmoidCount: number;
}

const FORMAT: BlockFormat = { magic: 'MFSVMCKP', version: 1 };

const count = z.int().check(z.minimum(0));
const factsSchema = z.object({
  fingerprint: z.string(),
  pair: count,
  calibrationIterations: z.optional(count),
  calibration: z.optional(z.object({ fold: z.int().check(z.minimum(0), z.maximum(5)), iterations: count })),
  solver: z.optional(z.object({ iterations: count, smallestGap: z.number() })),
});
type Facts = z.infer<typeof factsSchema>;

/** Equal states give equal bytes. */
export function encodeTrainerState(state: TrainerState): Uint8Array {
  const { fingerprint, pair, coefficients, rho, iterations, sigmoids, calibrationIterations, calibration } =
    state;
  const solver = state.solver ?? calibration?.solver;
  const facts = {
    fingerprint,
    pair,
    ...(sigmoids.length > 0 && { calibrationIterations }),
    ...(calibration && {
      calibration: { fold: calibration.fold, iterations: calibration.iterations },
    }),
    ...(solver && { solver: { iterations: solver.iterations, smallestGap: solver.smallestGap } }),
  };
  const blocks: Block[] = [coefficients, rho, iterations];
  if (sigmoids.length > 0) blocks.push(sigmoids);
  if (calibration) blocks.push(calibration.decisions);
  if (solver) blocks.push(solver.alpha, solver.ascent);
  return encodeBlocks(FORMAT, { facts, blocks });
}

/** @throws CheckpointInvalid when the bytes are damaged or do not belong to the expected problem. */
export function decodeTrainerState(bytes: Uint8Array, expected: ExpectedState): TrainerState {
  const { facts, blocks } = read(bytes);
  if (facts.fingerprint !== expected.fingerprint) {
    throw new CheckpointInvalid('it was saved from other samples, labels or parameters');
  }
  const { pair } = facts;
  const pairs = expected.pairSizes.length;
  const isOver = pair === pairs && (facts.solver ?? facts.calibration) !== undefined;
  if (pair > pairs || isOver || (facts.calibration && expected.sigmoidCount === 0)) throw contradiction();
  const left = [...blocks];
  const coefficients = f64(left.shift(), expected.coefficientCount);
  const rho = f64(left.shift(), pairs);
  const iterations = left.shift();
  if (!(iterations instanceof Int32Array) || iterations.length !== pairs) throw contradiction();
  const sigmoids = expected.sigmoidCount > 0 ? f64(left.shift(), expected.sigmoidCount) : new Float64Array(0);
  const size = expected.pairSizes[pair] ?? 0;
  const decisions = facts.calibration && f64(left.shift(), size);
  const trained = facts.calibration ? PairCalibration.trainedOn(size, facts.calibration.fold) : size;
  const solver = facts.solver && {
    alpha: f64(left.shift(), trained),
    ascent: f64(left.shift(), trained),
    ...facts.solver,
  };
  const calibration = facts.calibration && { ...facts.calibration, decisions: decisions!, solver };
  return {
    fingerprint: facts.fingerprint,
    pair,
    coefficients,
    rho,
    iterations,
    sigmoids,
    calibrationIterations: facts.calibrationIterations ?? 0,
    solver: calibration ? undefined : solver,
    calibration,
  };
}

/** sha256 over all that decides the result, the compiled kernel included. `features` are the grouped rows as the kernel sees them, `rowWeights` theirs or empty. */
export function fingerprintOf(
  parameters: ResolvedParameters,
  grouping: Grouping,
  features: Float32Array,
  rowWeights: Float64Array,
): string {
  const { kernel, costs, epsilon, maxIterations, probabilitySeed } = parameters;
  const spans = grouping.spans.map((span) => span.count);
  return createHash('sha256')
    .update(KERNEL_BASE64)
    .update(JSON.stringify({ kernel, costs, epsilon, maxIterations, spans, probabilitySeed }))
    .update(bytesOf(grouping.order))
    .update(bytesOf(features))
    .update(bytesOf(rowWeights))
    .digest('hex');
}

function read(bytes: Uint8Array): { facts: Facts; blocks: readonly Block[] } {
  try {
    const file = decodeBlocks(FORMAT, bytes);
    const facts = z.safeParse(factsSchema, file.facts);
    if (!facts.success) throw contradiction();
    return { facts: facts.data, blocks: file.blocks };
  } catch (error) {
    if (error instanceof BlockFileFault) throw new CheckpointInvalid(error.message, error);
    throw error;
  }
}

function f64(block: Block | undefined, length: number): Float64Array {
  if (!(block instanceof Float64Array) || block.length !== length) throw contradiction();
  if (!block.every(Number.isFinite)) throw new CheckpointInvalid('it holds numbers that are not finite');
  return block;
}

function contradiction(): CheckpointInvalid {
  return new CheckpointInvalid('its parts do not fit together');
}

function bytesOf(values: Int32Array | Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
