import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { type Item, type Partition, partitionSchema } from '../entities/item.ts';
import { InvalidInput } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { assertWritable, datasetFor } from './access.ts';
import { allMatches } from './all-matches.ts';
import type { EventOrigin } from './events.ts';
import { patchItems } from './patch-items.ts';

/** Files that people see: what partitions are made of. */
const FILES: JsonObject = { type: 'file', hidden: false };

/**
 * Puts the files that satisfy a DQL filter into a partition; `null` takes them out of theirs. Answers how many changed.
 * @throws EntityNotFound, DatasetReadonly, InvalidFilter, InvalidInput
 */
export async function setPartition(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  filter: JsonObject,
  partition: Partition | null,
): Promise<number> {
  const wanted = parse(z.nullable(partitionSchema), partition, 'partition');
  return platform.store.transaction(async (store) => {
    const dataset = await datasetFor(store, actor, datasetId);
    assertWritable(dataset);
    const items = await filesOf(store, datasetId, filter);
    return assign({ platform, actor, dataset }, store, items, wanted);
  });
}

/** Shares of a split, as weights: 0.8/0.1/0.1 and 8/1/1 are the same. */
const splitSchema = z.object({
  train: z.number().check(z.gte(0)),
  validation: z.number().check(z.gte(0)),
  test: z.number().check(z.gte(0)),
  seed: z._default(z.union([z.number(), z.string()]), 0),
});
export type Split = z.input<typeof splitSchema>;

/**
 * Puts every file of a dataset into a partition. Which file goes where depends on seed and file names alone: in the
 * order of sha256(seed, filename) the first go to train, the next to validation, the rest to test. Answers the counts.
 * @throws EntityNotFound, DatasetReadonly, InvalidInput
 */
export async function splitDataset(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  split: Split,
): Promise<Record<Partition, number>> {
  const { seed, ...weights } = parse(splitSchema, split, 'split');
  const total = weights.train + weights.validation + weights.test;
  if (!(total > 0 && Number.isFinite(total)))
    throw new InvalidInput('split', [{ field: '', problem: 'at least one share must be above 0' }]);
  return platform.store.transaction(async (store) => {
    const dataset = await datasetFor(store, actor, datasetId);
    assertWritable(dataset);
    const items = inSeededOrder(await filesOf(store, datasetId, {}), seed);
    const firstOfValidation = Math.round((items.length * weights.train) / total);
    const firstOfTest = Math.round((items.length * (weights.train + weights.validation)) / total);
    const parts: Record<Partition, Item[]> = {
      train: items.slice(0, firstOfValidation),
      validation: items.slice(firstOfValidation, firstOfTest),
      test: items.slice(firstOfTest),
    };
    for (const partition of partitionSchema.options)
      await assign({ platform, actor, dataset }, store, parts[partition], partition);
    return { train: parts.train.length, validation: parts.validation.length, test: parts.test.length };
  });
}

function assign(
  origin: EventOrigin,
  store: EntityStore,
  items: readonly Item[],
  partition: Partition | null,
): Promise<number> {
  return patchItems(origin, store, items, { system: { snapshotPartition: partition } }, { system: true });
}

async function filesOf(store: EntityStore, datasetId: string, filter: JsonObject): Promise<Item[]> {
  const found: Item[] = [];
  const query = { filter: { $and: [FILES, filter] }, scope: { datasetId } };
  for await (const page of allMatches(store, 'Item', query)) found.push(...page);
  return found;
}

function inSeededOrder(items: readonly Item[], seed: number | string): Item[] {
  const rank = (item: Item): string =>
    createHash('sha256')
      .update(JSON.stringify([seed, item.filename]))
      .digest('hex');
  return items
    .map((item) => ({ item, rank: rank(item) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
    .map(({ item }) => item);
}
