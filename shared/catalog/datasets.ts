import * as z from 'zod/mini';
import { type Actor, scopeOf } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { type Dataset, newDatasetSchema } from '../entities/dataset.ts';
import { jsonObjectSchema, jsonSchema, nameSchema } from '../entities/fields.ts';
import type { JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import type { QueryScope } from '../query/query.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { assertWritable, datasetFor, projectFor } from './access.ts';
import { listMatches } from './all-matches.ts';
import { removeDataset } from './dataset-removal.ts';
import { DatasetNameTaken } from './errors.ts';
import { datasetEvents } from './events.ts';
import { insertDefaultRecipe } from './labels.ts';
import { nextMetadata } from './next-metadata.ts';

/** The dataset of a project that holds its codebases and item buckets (docs/WIRE.md, Codebases). */
export const BINARIES = 'Binaries';

/**
 * Makes a dataset; unless told otherwise with a default recipe that holds one empty ontology.
 * @throws InvalidInput, EntityNotFound for a project, DatasetNameTaken (code `Conflict`, status 400)
 */
export async function createDataset(platform: Platform, actor: Actor, input: unknown): Promise<Dataset> {
  const fields = parse(newDatasetSchema, input, 'dataset');
  return platform.store.transaction(async (store) => {
    for (const projectId of fields.projects) await projectFor(store, actor, projectId);
    const dataset: Dataset = {
      ...emptyDataset(platform, actor, fields.name, [...new Set(fields.projects)]),
      driver: fields.driver,
      ...(fields.expirationOptions !== undefined && { expirationOptions: fields.expirationOptions }),
    };
    await assertNameFree(store, dataset);
    if (fields.createDefaultRecipe) {
      const { recipeId } = await insertDefaultRecipe(platform, actor, store, dataset);
      dataset.metadata = { system: { recipes: [recipeId] } };
    }
    await store.insert('Dataset', [dataset]);
    await store.appendEvents(datasetEvents({ platform, actor, dataset }, 'Created'));
    return dataset;
  });
}

/** A dataset without items and recipe, not yet in the store. */
export function emptyDataset(
  platform: Pick<Platform, 'ids' | 'clock'>,
  actor: Actor,
  name: string,
  projects: string[],
): Dataset {
  return {
    id: platform.ids.objectId(),
    name,
    projects,
    creator: actor.email,
    annotated: 0,
    itemsCount: 0,
    readonly: false,
    metadata: { system: {} },
    driver: null,
    readableType: 'private',
    accessLevel: 'private',
    createdAt: isoTime(platform.clock),
  };
}

/** Datasets with their counts, oldest first. `name` is exact. A foreign project has none. */
export async function listDatasets(
  platform: Platform,
  actor: Actor,
  options: { name?: string; creator?: string; projectId?: string } = {},
): Promise<Dataset[]> {
  const filter: JsonObject = {
    ...(options.name !== undefined && { name: { $in: [options.name] } }),
    ...(options.creator !== undefined && { creator: { $in: [options.creator] } }),
  };
  const found = await listMatches(platform.store, 'Dataset', {
    filter,
    scope: scopeOf(actor, options.projectId),
  });
  const counted: Dataset[] = [];
  for (const dataset of found) counted.push(await withCounts(platform, dataset));
  return counted;
}

/** With its counts as they are now. @throws EntityNotFound */
export async function getDataset(platform: Platform, actor: Actor, id: string): Promise<Dataset> {
  return withCounts(platform, await datasetFor(platform.store, actor, id));
}

const datasetPatchSchema = z.object({
  name: z.nullish(nameSchema),
  metadata: z.nullish(jsonObjectSchema),
  expirationOptions: z.optional(jsonSchema),
});

/**
 * Takes `name`, `metadata` and `expirationOptions` from a whole dataset; the rest of it, `readonly` too, is noise
 * (see `setReadonly`). `metadata` is merged, its `system` only with `system`.
 * @throws EntityNotFound, DatasetReadonly, DatasetNameTaken, InvalidInput
 */
export async function updateDataset(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
  options: { system?: boolean } = {},
): Promise<Dataset> {
  const patch = parse(datasetPatchSchema, input, 'update of a dataset');
  const updated = await platform.store.transaction(async (store) => {
    const current = await datasetFor(store, actor, id);
    assertWritable(current);
    const name = patch.name ?? current.name;
    if (name !== current.name) await assertNameFree(store, { ...current, name });
    const dataset = await store.update('Dataset', id, (stored) => ({
      ...stored,
      name,
      metadata: nextMetadata(stored.metadata, patch.metadata ?? {}, options.system ?? false),
      ...(patch.expirationOptions != null && { expirationOptions: patch.expirationOptions }),
    }));
    await store.appendEvents(datasetEvents({ platform, actor, dataset }, 'Updated'));
    return dataset;
  });
  return withCounts(platform, updated);
}

/** Locks or unlocks. While locked, nothing in the dataset can change. @throws EntityNotFound */
export async function setReadonly(
  platform: Platform,
  actor: Actor,
  id: string,
  readonly: boolean,
): Promise<Dataset> {
  const updated = await platform.store.transaction(async (store) => {
    const current = await datasetFor(store, actor, id);
    if (current.readonly === readonly) return current;
    const dataset = await store.update('Dataset', id, (stored) => ({ ...stored, readonly }));
    await store.appendEvents(datasetEvents({ platform, actor, dataset }, 'Updated'));
    return dataset;
  });
  return withCounts(platform, updated);
}

/** Deletes it with its items and annotations, locked or not. Recipe and ontology stay. @throws EntityNotFound */
export async function deleteDataset(platform: Platform, actor: Actor, id: string): Promise<void> {
  await platform.store.transaction(async (store) => {
    const dataset = await datasetFor(store, actor, id);
    await removeDataset({ platform, actor, dataset }, store);
  });
}

/** The project's Binaries dataset, made when it is first asked for, once however many ask. @throws EntityNotFound */
export async function binariesDataset(platform: Platform, actor: Actor, projectId: string): Promise<Dataset> {
  return platform.store.transaction(async (store) => {
    await projectFor(store, actor, projectId);
    const [existing] = await namesakes(store, BINARIES, projectId);
    if (existing) return existing;
    const dataset = emptyDataset(platform, actor, BINARIES, [projectId]);
    dataset.metadata = { system: { scope: 'system', recipes: [] } };
    await store.insert('Dataset', [dataset]);
    return dataset;
  });
}

/** @throws DatasetNameTaken when a project of the dataset has another one by that name. */
export async function assertNameFree(
  store: EntityStore,
  dataset: Pick<Dataset, 'id' | 'name' | 'projects'>,
): Promise<void> {
  for (const projectId of dataset.projects) {
    const taken = await namesakes(store, dataset.name, projectId);
    if (taken.some(({ id }) => id !== dataset.id)) throw new DatasetNameTaken(dataset.name, projectId);
  }
}

function namesakes(store: EntityStore, name: string, projectId: string): Promise<Dataset[]> {
  return listMatches(store, 'Dataset', {
    filter: { name: { $in: [name] } },
    scope: { projectIds: [projectId] },
  });
}

async function withCounts(platform: Platform, dataset: Dataset): Promise<Dataset> {
  const scope: QueryScope = { datasetId: dataset.id };
  const files: JsonObject = { type: 'file', hidden: false };
  return {
    ...dataset,
    itemsCount: await platform.store.count('Item', { filter: files, scope }),
    annotated: await platform.store.count('Item', { filter: { ...files, annotated: true }, scope }),
  };
}
