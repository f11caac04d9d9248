import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import type { Dataset } from '../entities/dataset.ts';
import { jsonObjectSchema, nameSchema } from '../entities/fields.ts';
import { systemMetadata } from '../entities/item.ts';
import { hasCode } from '../errors.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { readEnvelope } from '../query/envelope.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { datasetFor } from './access.ts';
import { chunksOf, listMatches } from './all-matches.ts';
import { type Command, finishedCommand } from './command.ts';
import { copyItems } from './copy-items.ts';
import { assertNameFree, emptyDataset } from './datasets.ts';
import { CloneNameTaken } from './errors.ts';
import { datasetEvents } from './events.ts';
import { ensureFoldersAbove } from './folders.ts';
import { cloneParamsSchema, readCloneParams } from './item-clone.ts';

const datasetCloneSchema = z.object({
  name: nameSchema,
  /** An envelope (docs/WIRE.md, Envelope); missing means all files. */
  filter: z.nullish(jsonObjectSchema),
  cloneDatasetParams: cloneParamsSchema,
});

/**
 * Copies a dataset within its project: its files that satisfy the filter, with metadata and annotations unless
 * switched off. Recipe and labels are shared with the source, bytes too. All or nothing; the clone is not locked.
 * `spec.returnedModelId` of the answer is the new dataset's id.
 * @throws EntityNotFound, InvalidInput, InvalidFilter, CloneNameTaken (code `Conflict`, status 424)
 */
export async function cloneDataset(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Command> {
  const wish = parse(datasetCloneSchema, input, 'clone of a dataset');
  const { filter } = readEnvelope({ resource: 'items', ...wish.filter }).query;
  const clone = await platform.store.transaction(async (store) => {
    const source = await datasetFor(store, actor, id);
    const dataset: Dataset = {
      ...emptyDataset(platform, actor, wish.name, source.projects),
      metadata: { system: { recipes: systemMetadata(source).recipes ?? [] } },
      driver: source.driver,
    };
    await assertCloneNameFree(store, dataset);
    const items = await listMatches(store, 'Item', {
      filter: { $and: [{ type: 'file' }, filter ?? {}] },
      scope: { datasetId: source.id },
    });
    const origin = { platform, actor, dataset };
    await store.insert('Dataset', [dataset]);
    await store.appendEvents(datasetEvents(origin, 'Created'));
    await ensureFoldersAbove(
      origin,
      store,
      items.map(({ filename }) => filename),
    );
    const options = readCloneParams(wish.cloneDatasetParams);
    for (const chunk of chunksOf(items))
      await copyItems(
        origin,
        store,
        chunk.map((item) => ({ item, path: { filename: item.filename, name: item.name, dir: item.dir } })),
        options,
      );
    return dataset;
  });
  return finishedCommand(platform, 'CloneDataset', { returnedModelId: clone.id, sourceDatasetId: id });
}

async function assertCloneNameFree(store: EntityStore, dataset: Dataset): Promise<void> {
  try {
    await assertNameFree(store, dataset);
  } catch (error) {
    throw hasCode(error, 'Conflict') ? new CloneNameTaken(dataset.name, dataset.projects[0]!, error) : error;
  }
}
