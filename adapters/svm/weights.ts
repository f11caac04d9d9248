import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { messageOf } from '../../shared/errors.ts';
import { canonicalJson } from '../../shared/json.ts';
import { parse } from '../../shared/parse.ts';
import { WeightsCorrupt } from '../../shared/snapshots/errors.ts';
import { decodeModel, encodeModel } from './engine/model-file.ts';
import type { SvmModel } from './engine/svm-model.ts';
import { dimsOf, spaceSchema } from './features.ts';

const MODEL_FILE = 'model.svm';
const FACTS_FILE = 'adapter.json';

const factsSchema = z.object({
  formatVersion: z.literal(1),
  space: spaceSchema,
  /** Labels of the model's classes, by class index. */
  classes: z.array(z.string()).check(z.minLength(2)),
  standardisation: z.nullable(z.object({ mean: z.array(z.number()), deviation: z.array(z.number()) })),
});
/** What a trained SVM is beside the numbers of its model. */
export type SvmFacts = z.output<typeof factsSchema>;

export interface SvmWeights {
  model: SvmModel;
  facts: SvmFacts;
}

/** Writes `model.svm` and `adapter.json`. Equal weights give equal bytes. */
export async function writeWeights(directory: string, { model, facts }: SvmWeights): Promise<void> {
  await writeFile(join(directory, MODEL_FILE), encodeModel(model));
  await writeFile(join(directory, FACTS_FILE), `${canonicalJson(facts)}\n`);
}

/** @throws WeightsCorrupt for files that are missing, damaged, or do not belong together */
export async function readWeights(directory: string): Promise<SvmWeights> {
  const facts = await readFacts(directory);
  const model = decodeModel(await readOwn(directory, MODEL_FILE));
  if (model.dims !== dimsOf(facts.space) || model.classCount !== facts.classes.length)
    throw new WeightsCorrupt(
      `its ${model.dims} features and ${model.classCount} classes are not those of ${FACTS_FILE}`,
      { file: MODEL_FILE },
    );
  return { model, facts };
}

async function readFacts(directory: string): Promise<SvmFacts> {
  const bytes = await readOwn(directory, FACTS_FILE);
  try {
    return parse(factsSchema, JSON.parse(bytes.toString('utf8')), FACTS_FILE);
  } catch (error) {
    throw new WeightsCorrupt(messageOf(error), { file: FACTS_FILE, cause: error });
  }
}

async function readOwn(directory: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(directory, file));
  } catch (error) {
    throw new WeightsCorrupt('it is not there: these are not the weights of an SVM', { file, cause: error });
  }
}
