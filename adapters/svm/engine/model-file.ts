import * as z from 'zod/mini';
import {
  type Block,
  BlockFileFault,
  type BlockFormat,
  decodeBlocks,
  encodeBlocks,
} from '../../../shared/content/block-file.ts';
import { WeightsCorrupt } from '../../../shared/snapshots/errors.ts';
import { MAX_COEF0, MAX_COST, MAX_DEGREE } from './parameters.ts';
import { MAX_FEATURE } from './samples.ts';
import { type Kernel, MAX_CLASSES, pairCountOf, type SvmModel } from './svm-model.ts';

/**
 * A model as bytes: the container of block-file.ts with kernel, class count and width as facts, and the arrays of
 * `SvmModel` as blocks in the order of `blocksOf`. Equal models give equal bytes.
 */
export function encodeModel(model: SvmModel): Uint8Array {
  const { kernel, classCount, dims } = model;
  const facts = {
    kernel: kernelFacts(kernel),
    classCount,
    dims,
  };
  return encodeBlocks(FORMAT, { facts, blocks: blocksOf(model) });
}

/**
 * The model in bytes that may come from anyone.
 * @throws WeightsCorrupt when they are not such a file, were cut or changed, or contradict themselves.
 */
export function decodeModel(bytes: Uint8Array): SvmModel {
  try {
    const { facts, blocks } = decodeBlocks(FORMAT, bytes);
    return assemble(facts, blocks);
  } catch (error) {
    if (error instanceof BlockFileFault) throw new WeightsCorrupt(error.message, { cause: error });
    throw error;
  }
}

const FORMAT: BlockFormat = { magic: 'MFSVMMDL', version: 1 };

const gamma = z.number().check(z.positive());
const coef0 = z.number().check(z.gte(-MAX_COEF0), z.lte(MAX_COEF0));
const factsSchema = z.object({
  kernel: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('rbf'), gamma }),
    z.object({ kind: z.literal('linear') }),
    z.object({ kind: z.literal('poly'), gamma, coef0, degree: z.int().check(z.gte(1), z.lte(MAX_DEGREE)) }),
    z.object({ kind: z.literal('sigmoid'), gamma, coef0 }),
  ]),
  classCount: z.int().check(z.minimum(2), z.maximum(MAX_CLASSES)),
  dims: z.int().check(z.minimum(1)),
});

function blocksOf(model: SvmModel): Block[] {
  const { supportVectors, supportIndices, supportPerClass, coefficients, rho, iterations } = model;
  const blocks = [supportVectors, supportIndices, supportPerClass, coefficients, rho, iterations];
  return model.sigmoids ? [...blocks, model.sigmoids] : blocks;
}

/** With its fields in one order: equal kernels give equal bytes. */
function kernelFacts(kernel: Kernel): Kernel {
  switch (kernel.kind) {
    case 'linear':
      return { kind: 'linear' };
    case 'rbf':
      return { kind: 'rbf', gamma: kernel.gamma };
    case 'poly':
      return { kind: 'poly', gamma: kernel.gamma, coef0: kernel.coef0, degree: kernel.degree };
    case 'sigmoid':
      return { kind: 'sigmoid', gamma: kernel.gamma, coef0: kernel.coef0 };
  }
}

function assemble(header: unknown, blocks: readonly Block[]): SvmModel {
  const facts = z.safeParse(factsSchema, header);
  if (!facts.success)
    throw new BlockFileFault('its kernel, class count or number of features is missing or out of range');
  if (blocks.length !== 6 && blocks.length !== 7)
    throw new BlockFileFault(`it has ${blocks.length} blocks where a model has 6, or 7 with probabilities`);
  const { kernel, classCount, dims } = facts.data;
  const supportCount = blocks[1]!.length;
  const pairs = pairCountOf(classCount);
  const model: SvmModel = {
    kernel,
    classCount,
    dims,
    supportVectors: block(blocks[0], Float32Array, supportCount * dims, 'support vectors'),
    supportIndices: block(blocks[1], Int32Array, supportCount, 'support indices'),
    supportPerClass: block(blocks[2], Int32Array, classCount, 'support counts'),
    coefficients: block(blocks[3], Float64Array, (classCount - 1) * supportCount, 'coefficients'),
    rho: block(blocks[4], Float64Array, pairs, 'rho'),
    iterations: block(blocks[5], Int32Array, pairs, 'iterations'),
    ...(blocks.length === 7 && { sigmoids: block(blocks[6], Float64Array, 2 * pairs, 'sigmoids') }),
  };
  checkNumbers(model);
  checkCounts(model);
  return Object.freeze(model);
}

function block<T extends Block>(
  found: Block | undefined,
  type: new (length: number) => T,
  length: number,
  name: string,
): T {
  if (found instanceof type && found.length === length) return found;
  throw new BlockFileFault(`its ${name} are not ${length} numbers of the right type`);
}

function checkNumbers({ supportVectors, coefficients, rho, sigmoids }: SvmModel): void {
  if (!supportVectors.every((value) => Math.abs(value) <= MAX_FEATURE)) {
    throw new BlockFileFault('its support vectors hold NaN, Infinity or numbers out of range');
  }
  if (!coefficients.every((value) => Math.abs(value) <= MAX_COST)) {
    throw new BlockFileFault('its coefficients hold NaN, Infinity or numbers out of range');
  }
  if (!rho.every(Number.isFinite)) throw new BlockFileFault('its rho holds NaN or Infinity');
  if (sigmoids && !sigmoids.every(Number.isFinite))
    throw new BlockFileFault('its sigmoids hold NaN or Infinity');
}

function checkCounts({ supportIndices, supportPerClass, iterations }: SvmModel): void {
  if (!iterations.every((count) => count >= 0)) throw new BlockFileFault('its iterations are negative');
  const total = supportPerClass.reduce((sum, count) => sum + Math.max(count, 0), 0);
  if (total !== supportIndices.length || supportPerClass.some((count) => count < 0)) {
    throw new BlockFileFault(`its support counts do not add up to ${supportIndices.length}`);
  }
  let start = 0;
  for (const count of supportPerClass) {
    if (!isAscending(supportIndices.subarray(start, start + count))) {
      throw new BlockFileFault('its support indices are not ascending inside each class');
    }
    start += count;
  }
}

function isAscending(indices: Int32Array): boolean {
  return indices.every((index, at) => index > (at === 0 ? -1 : indices[at - 1]!));
}
