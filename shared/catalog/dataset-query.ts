import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import type { Annotation } from '../entities/annotation.ts';
import type { Dataset } from '../entities/dataset.ts';
import { jsonObjectSchema } from '../entities/fields.ts';
import type { Item } from '../entities/item.ts';
import { InvalidInput } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { type Envelope, readEnvelope } from '../query/envelope.ts';
import type { Query } from '../query/query.ts';
import type { EntityStore, Page } from '../store/entity-store.ts';
import { assertWritable, datasetFor } from './access.ts';
import { listMatches } from './all-matches.ts';
import { patchAnnotations } from './annotation-patch.ts';
import { removeAnnotations } from './annotation-removal.ts';
import { protectSiblings } from './dir-prefix.ts';
import type { EventOrigin } from './events.ts';
import { itemsBelow, removeItems } from './item-removal.ts';
import { patchItems } from './patch-items.ts';
import { withoutHistory } from './weights-history.ts';

/** What `POST /datasets/{id}/query` did: found, or changed so many. */
export type DatasetAnswer =
  | { kind: 'items'; page: Page<Item> }
  | { kind: 'annotations'; page: Page<Annotation> }
  | { kind: 'deleted'; count: number }
  | { kind: 'updated'; count: number };

/**
 * Answers an envelope (docs/WIRE.md, Envelope) on a dataset's items or annotations. With `delete` or `update` it changes
 * every match whatever the page, all or none. @throws EntityNotFound, InvalidInput, InvalidFilter, DatasetReadonly
 */
export async function queryDataset(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  input: unknown,
): Promise<DatasetAnswer> {
  const envelope = readEnvelope(input);
  const dataset = await datasetFor(platform.store, actor, datasetId);
  if (envelope.resource !== 'items' && envelope.resource !== 'annotations')
    throw new InvalidInput('query of a dataset', [
      { field: 'resource', problem: 'takes "items" or "annotations"' },
    ]);
  if (envelope.delete || envelope.update !== undefined)
    return changeMatches(platform, actor, datasetId, envelope);
  const query = await scoped(platform.store, dataset, envelope);
  return envelope.resource === 'items'
    ? { kind: 'items', page: await platform.store.query('Item', query) }
    : { kind: 'annotations', page: await platform.store.query('Annotation', query) };
}

/** A page of the dataset's items. @throws EntityNotFound, InvalidInput, InvalidFilter */
export async function queryItems(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  envelope: JsonObject,
): Promise<Page<Item>> {
  const dataset = await datasetFor(platform.store, actor, datasetId);
  return platform.store.query('Item', await scoped(platform.store, dataset, readEnvelope(envelope)));
}

/** A page of the dataset's annotations. @throws EntityNotFound, InvalidInput, InvalidFilter */
export async function queryAnnotations(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  envelope: JsonObject,
): Promise<Page<Annotation>> {
  const dataset = await datasetFor(platform.store, actor, datasetId);
  return platform.store.query('Annotation', await scoped(platform.store, dataset, readEnvelope(envelope)));
}

const updateSchema = z.object({ metadata: z.nullish(jsonObjectSchema) });

function changeMatches(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  envelope: Envelope,
): Promise<DatasetAnswer> {
  const { systemSpace: system } = envelope;
  const patch = envelope.delete ? undefined : parse(updateSchema, envelope.update, 'update of a query');
  return platform.store.transaction(async (store): Promise<DatasetAnswer> => {
    const dataset = await datasetFor(store, actor, datasetId);
    assertWritable(dataset);
    const origin = { platform, actor, dataset };
    const query = await scoped(store, dataset, envelope);
    if (!patch)
      return { kind: 'deleted', count: await deleteMatches(origin, store, envelope.resource, query) };
    const metadata = patch.metadata ?? {};
    const count =
      envelope.resource === 'items'
        ? await patchItems(origin, store, await listMatches(store, 'Item', query), metadata, { system })
        : await patchAnnotations(origin, store, await listMatches(store, 'Annotation', query), metadata, {
            system,
          });
    return { kind: 'updated', count };
  });
}

async function deleteMatches(
  origin: EventOrigin,
  store: EntityStore,
  resource: string,
  query: Query,
): Promise<number> {
  if (resource === 'items') {
    const matches = await listMatches(store, 'Item', query);
    const items = await withoutHistory(matches, (folder) => itemsBelow(store, folder));
    return removeItems(origin, store, items);
  }
  const annotations = await listMatches(store, 'Annotation', query);
  await removeAnnotations(origin, store, annotations);
  return annotations.length;
}

/** The question within the dataset's border. */
async function scoped(
  store: EntityStore,
  { id }: Pick<Dataset, 'id'>,
  { resource, query }: Envelope,
): Promise<Query> {
  const scope = { datasetId: id };
  if (resource !== 'items' || !query.filter) return { ...query, scope };
  return { ...query, scope, filter: await protectSiblings(store, id, query.filter) };
}
