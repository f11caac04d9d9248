import { strToU8, Zip, ZipDeflate } from 'fflate';
import * as z from 'zod/mini';
import { type Actor, maySee } from '../auth/actor.ts';
import type { Annotation } from '../entities/annotation.ts';
import type { Dataset } from '../entities/dataset.ts';
import { jsonObjectSchema } from '../entities/fields.ts';
import type { Item } from '../entities/item.ts';
import type { Json, JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { readEnvelope } from '../query/envelope.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { datasetFor } from './access.ts';
import { chunksOf, listMatches } from './all-matches.ts';
import { type Command, finishedCommand } from './command.ts';
import { binariesDataset } from './datasets.ts';
import { removeItems } from './item-removal.ts';
import { uploadItem } from './item-upload.ts';

/** Archives lie here in the project's Binaries: the dataset itself may be locked, and is not to have them among its items. */
const FOLDER = '/exports';
/** An archive is fetched right after it was made; an older one is removed by the next export. */
const KEEP_MS = 3600 * 1000;

const exportSchema = z.object({
  /** Envelopes of a query; missing: every file, every annotation. */
  itemsQuery: z.nullish(jsonObjectSchema),
  annotationsQuery: z.nullish(jsonObjectSchema),
  annotations: z.nullish(z.object({ include: z.nullish(z.boolean()), filter: z.nullish(z.boolean()) })),
  /** `V1` names an item without its extension, `V2` with it. */
  exportVersion: z.nullish(z.string()),
});

/** The form that an export gives to what it holds. */
export interface ExportForm {
  item(item: Item): JsonObject;
  annotation(annotation: Annotation): JsonObject;
}

/**
 * Puts the annotations of a dataset's items into a zip that mirrors its folders: a JSON file an item, with the item and
 * its `annotations`. Masks stay in the JSON. `spec.outputItemId` of the answer is the zip's item, kept for an hour.
 * @throws EntityNotFound, InvalidInput, InvalidFilter
 */
export async function exportAnnotations(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  input: unknown,
  form: ExportForm,
): Promise<Command> {
  const wish = parse(exportSchema, input ?? {}, 'export of a dataset');
  const dataset = await datasetFor(platform.store, actor, datasetId);
  const projectId = dataset.projects.find((id) => maySee(actor, id))!;
  const binaries = await binariesDataset(platform, actor, projectId);
  await removeOldArchives(platform, actor, binaries);
  const { item } = await uploadItem(platform, actor, {
    datasetId: binaries.id,
    path: `${FOLDER}/${platform.ids.objectId()}.zip`,
    source: zipOf(entriesOf(platform.store, dataset, wish, form)),
    mode: 'skip',
  });
  return finishedCommand(platform, 'ExportDatasetAsZip', { outputItemId: item.id, datasetId });
}

interface Entry {
  path: string;
  json: Json;
}

/** Some hundred items are in memory at a time. */
async function* entriesOf(
  store: EntityStore,
  dataset: Dataset,
  wish: z.output<typeof exportSchema>,
  form: ExportForm,
): AsyncGenerator<Entry> {
  const { filter, sort } = readEnvelope({ resource: 'items', ...wish.itemsQuery }).query;
  const scope = { datasetId: dataset.id };
  const files = { $and: [{ type: 'file' }, filter ?? {}] };
  const items = await listMatches(store, 'Item', { filter: files, ...(sort && { sort }), scope });
  for (const chunk of chunksOf(items)) {
    const annotations = await annotationsOf(store, dataset, chunk, wish);
    for (const item of chunk) {
      const own = (annotations.get(item.id) ?? []).map((each) => form.annotation(each));
      yield { path: pathOf(item, wish.exportVersion), json: { ...form.item(item), annotations: own } };
    }
  }
}

async function annotationsOf(
  store: EntityStore,
  dataset: Dataset,
  items: readonly Item[],
  { annotations, annotationsQuery }: z.output<typeof exportSchema>,
): Promise<Map<string, Annotation[]>> {
  if (annotations?.include === false) return new Map();
  const wanted = annotations?.filter === true && annotationsQuery ? annotationsQuery : {};
  const { filter } = readEnvelope({ ...wanted, resource: 'annotations' }).query;
  const found = await listMatches(store, 'Annotation', {
    filter: { $and: [{ itemId: { $in: items.map(({ id }) => id) } }, filter ?? {}] },
    scope: { datasetId: dataset.id },
  });
  return Map.groupBy(found, ({ itemId }) => itemId);
}

function pathOf({ filename }: Item, version: string | null | undefined): string {
  const path = filename.replace(/^\/+/, '');
  return `${version === 'V2' ? path : path.replace(/(?<=[^/])\.[^./]+$/, '')}.json`;
}

async function* zipOf(entries: AsyncIterable<Entry>): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    ready.push(chunk);
  });
  const taken = () => ready.splice(0);
  for await (const { path, json } of entries) {
    const file = new ZipDeflate(path);
    zip.add(file);
    file.push(strToU8(JSON.stringify(json)), true);
    yield* taken();
  }
  zip.end();
  yield* taken();
}

async function removeOldArchives(platform: Platform, actor: Actor, binaries: Dataset): Promise<void> {
  const before = new Date(platform.clock.now() - KEEP_MS).toISOString();
  const filter = { $and: [{ dir: { $in: [FOLDER] } }, { type: 'file' }, { createdAt: { $lt: before } }] };
  await platform.store.transaction(async (store) => {
    const old = await listMatches(store, 'Item', { filter, scope: { datasetId: binaries.id } });
    if (old.length > 0) await removeItems({ platform, actor, dataset: binaries }, store, old);
  });
}
