import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import {
  BlockFileFault,
  type BlockFormat,
  decodeBlocks,
  encodeBlocks,
} from '../../shared/content/block-file.ts';
import { systemCode } from '../../shared/errors.ts';
import { WeightsCorrupt } from '../../shared/snapshots/errors.ts';
import { softmax } from '../onnx-engine/softmax.ts';

/** A softmax layer on embeddings. */
export interface Head {
  /** Labels by class. */
  readonly classes: readonly string[];
  readonly dims: number;
  /** `[classes, dims]` weights, then `[classes]` intercepts. */
  readonly parameters: Float64Array;
}

export const HEAD_FILE = 'head.softmax';

const FORMAT: BlockFormat = { magic: 'MFSOFTMX', version: 1 };
const factsSchema = z.object({
  classes: z.array(z.string()).check(z.minLength(2)),
  dims: z.int().check(z.gte(1)),
});

/** Probability by class, all of them 1 together. */
export function probabilitiesOf(
  { classes, dims, parameters }: Head,
  embedding: ArrayLike<number>,
): Float64Array {
  const logits = classes.map((_, k) => {
    let logit = parameters[classes.length * dims + k]!;
    for (let j = 0; j < dims; j += 1) logit += parameters[k * dims + j]! * embedding[j]!;
    return logit;
  });
  return softmax(logits);
}

export async function writeHead(directory: string, { classes, dims, parameters }: Head): Promise<void> {
  const facts = { classes: [...classes], dims };
  await writeFile(join(directory, HEAD_FILE), encodeBlocks(FORMAT, { facts, blocks: [parameters] }));
}

/** `undefined` where there is none: a snapshot that was not trained here. @throws WeightsCorrupt */
export async function readHead(directory: string): Promise<Head | undefined> {
  try {
    const { facts, blocks } = decodeBlocks(FORMAT, await readFile(join(directory, HEAD_FILE)));
    const told = z.safeParse(factsSchema, facts);
    const [parameters] = blocks;
    if (!told.success || !(parameters instanceof Float64Array))
      throw new BlockFileFault('it is no softmax layer');
    const { classes, dims } = told.data;
    if (blocks.length !== 1 || parameters.length !== classes.length * (dims + 1))
      throw new BlockFileFault(`its ${parameters.length} numbers are not those of ${classes.length} classes`);
    if (!parameters.every(Number.isFinite)) throw new BlockFileFault('some of its numbers are not finite');
    return { classes, dims, parameters };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    if (error instanceof BlockFileFault)
      throw new WeightsCorrupt(error.message, { file: HEAD_FILE, cause: error });
    throw error;
  }
}
