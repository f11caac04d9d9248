import * as z from 'zod/mini';
import { sha256Schema } from '../entities/fields.ts';
import { metricNumberSchema } from '../entities/metric-number.ts';
import type { JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import { TrainingChanged } from './errors.ts';

const factsSchema = z.object({
  /** Of the adapter's code, the configuration, the labels and the seed. */
  code: sha256Schema,
  /** Of the data trained on. */
  dataset: sha256Schema,
  /** How far the metric log was. */
  log: z.object({ count: z.number(), latest: z.record(z.string(), metricNumberSchema) }),
  /** 0..1 */
  fraction: z.number(),
  /** Milliseconds of all slices so far. */
  trainMs: z.number(),
});

/** What a training notes beside the adapter's own state. */
export type CheckpointFacts = z.output<typeof factsSchema>;

export function toFacts(facts: CheckpointFacts): JsonObject {
  return facts as unknown as JsonObject;
}

/**
 * Reads what was noted, and sees that it is of the same training still.
 * @throws TrainingChanged when data, code, configuration, labels or seed are no longer what they were: going on would give
 * weights that no training from the start gives
 */
export function readFacts(
  noted: JsonObject,
  now: Pick<CheckpointFacts, 'code' | 'dataset'>,
  executionId: string,
): CheckpointFacts {
  const facts = parse(factsSchema, noted, 'checkpoint of a training');
  if (facts.dataset !== now.dataset) throw new TrainingChanged(executionId, 'the data');
  if (facts.code !== now.code)
    throw new TrainingChanged(executionId, "the adapter's code, configuration, labels or seed");
  return facts;
}
