import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import {
  BlockFileFault,
  type BlockFormat,
  decodeBlocks,
  encodeBlocks,
} from '../../shared/content/block-file.ts';
import { messageOf } from '../../shared/errors.ts';
import { parse } from '../../shared/parse.ts';
import { CheckpointInvalid } from '../training-errors.ts';
import type { LbfgsState } from './lbfgs.ts';

/** Embedded items of one partition, in the order they came. */
export interface EmbeddedItems {
  readonly ids: string[];
  readonly labels: string[];
  /** `[dims]` each. */
  readonly vectors: Float32Array[];
}

/** A training between two batches, or between two steps of the optimiser. */
export interface TrainingState {
  readonly train: EmbeddedItems;
  readonly validation: EmbeddedItems;
  /** Once all items are embedded. */
  optimiser: LbfgsState | undefined;
}

const ITEMS_FILE = 'items.json';
const STATE_FILE = 'training.state';
const FORMAT: BlockFormat = { magic: 'MFINCEPT', version: 1 };

const listSchema = z.object({ ids: z.array(z.string()), labels: z.array(z.string()) });
const itemsSchema = z.object({ train: listSchema, validation: listSchema });
const factsSchema = z.object({
  dims: z.int().check(z.gte(0)),
  optimiser: z.nullable(z.object({ iteration: z.int(), value: z.number(), pairs: z.int().check(z.gte(0)) })),
});

export function emptyState(): TrainingState {
  const none = (): EmbeddedItems => ({ ids: [], labels: [], vectors: [] });
  return { train: none(), validation: none(), optimiser: undefined };
}

/** Rows one after the other, `[rows, dims]`. */
export function tableOf(vectors: readonly Float32Array[]): Float32Array {
  const dims = vectors[0]?.length ?? 0;
  const table = new Float32Array(vectors.length * dims);
  for (const [row, vector] of vectors.entries()) table.set(vector, row * dims);
  return table;
}

/** Writes the state into an empty folder. */
export async function writeState(directory: string, state: TrainingState): Promise<void> {
  const { train, validation, optimiser } = state;
  const names = ({ ids, labels }: EmbeddedItems) => ({ ids, labels });
  await writeFile(
    join(directory, ITEMS_FILE),
    JSON.stringify({ train: names(train), validation: names(validation) }),
  );
  const numbers = optimiser && [
    optimiser.parameters,
    optimiser.gradient,
    ...optimiser.steps,
    ...optimiser.changes,
  ];
  const { iteration, value, steps } = optimiser ?? { iteration: 0, value: 0, steps: [] };
  const facts = {
    dims: (train.vectors[0] ?? validation.vectors[0])?.length ?? 0,
    optimiser: optimiser ? { iteration, value, pairs: steps.length } : null,
  };
  const blocks = [tableOf(train.vectors), tableOf(validation.vectors), ...(numbers ?? [])];
  await writeFile(join(directory, STATE_FILE), encodeBlocks(FORMAT, { facts, blocks }));
}

/** @throws CheckpointInvalid */
export async function readState(directory: string): Promise<TrainingState> {
  try {
    const items = parse(
      itemsSchema,
      JSON.parse(await readFile(join(directory, ITEMS_FILE), 'utf8')),
      ITEMS_FILE,
    );
    const { facts, blocks } = decodeBlocks(FORMAT, await readFile(join(directory, STATE_FILE)));
    const { dims, optimiser } = parse(factsSchema, facts, STATE_FILE);
    const [train, validation, ...numbers] = blocks;
    if (numbers.length !== (optimiser ? 2 + 2 * optimiser.pairs : 0))
      throw new BlockFileFault(`it has ${blocks.length} blocks`);
    const [parameters, gradient, ...pairs] = numbers as Float64Array[];
    return {
      train: { ...items.train, vectors: rowsOf(train, dims, items.train.ids) },
      validation: { ...items.validation, vectors: rowsOf(validation, dims, items.validation.ids) },
      optimiser: optimiser
        ? {
            iteration: optimiser.iteration,
            value: optimiser.value,
            parameters: parameters!,
            gradient: gradient!,
            steps: pairs.slice(0, optimiser.pairs),
            changes: pairs.slice(optimiser.pairs),
          }
        : undefined,
    };
  } catch (error) {
    throw new CheckpointInvalid(messageOf(error), error);
  }
}

function rowsOf(block: unknown, dims: number, ids: readonly string[]): Float32Array[] {
  if (!(block instanceof Float32Array) || block.length !== dims * ids.length)
    throw new BlockFileFault(`its vectors are not those of ${ids.length} items`);
  return ids.map((_, row) => block.slice(row * dims, (row + 1) * dims));
}
