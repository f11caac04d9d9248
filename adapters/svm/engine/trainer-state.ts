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
  /** The current pair's solver, when it has begun. */
  readonly solver: SmoState | undefined;
}

/** What the state must fit. */
export interface ExpectedState {
  readonly fingerprint: string;
  readonly coefficientCount: number;
  readonly pairSizes: readonly number[];
}

const FORMAT: BlockFormat = { magic: 'MFSVMCKP', version: 1 };

const factsSchema = z.object({
  fingerprint: z.string(),
  pair: z.int().check(z.minimum(0)),
  solver: z.optional(z.object({ iterations: z.int().check(z.minimum(0)), smallestGap: z.number() })),
});
type Facts = z.infer<typeof factsSchema>;

/** Equal states give equal bytes. */
export function encodeTrainerState(state: TrainerState): Uint8Array {
  const { fingerprint, pair, coefficients, rho, iterations, solver } = state;
  const inner = solver && { iterations: solver.iterations, smallestGap: solver.smallestGap };
  const facts = { fingerprint, pair, ...(inner && { solver: inner }) };
  const blocks: Block[] = [coefficients, rho, iterations];
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
  const coefficients = f64(blocks[0], expected.coefficientCount);
  const rho = f64(blocks[1], pairs);
  const iterations = blocks[2];
  if (!(iterations instanceof Int32Array) || iterations.length !== pairs) throw contradiction();
  if (pair > pairs || (pair === pairs && facts.solver)) throw contradiction();
  if (!facts.solver)
    return { fingerprint: facts.fingerprint, pair, coefficients, rho, iterations, solver: undefined };
  const size = expected.pairSizes[pair]!;
  const solver = { alpha: f64(blocks[3], size), ascent: f64(blocks[4], size), ...facts.solver };
  return { fingerprint: facts.fingerprint, pair, coefficients, rho, iterations, solver };
}

/** sha256 over all that decides the result, the compiled kernel included. `features` are the grouped rows as the kernel sees them. */
export function fingerprintOf(
  parameters: ResolvedParameters,
  grouping: Grouping,
  features: Float32Array,
): string {
  const { kernel, costs, epsilon, maxIterations } = parameters;
  const spans = grouping.spans.map((span) => span.count);
  return createHash('sha256')
    .update(KERNEL_BASE64)
    .update(JSON.stringify({ kernel, costs, epsilon, maxIterations, spans }))
    .update(bytesOf(grouping.order))
    .update(bytesOf(features))
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

function bytesOf(values: Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
