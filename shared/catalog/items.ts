import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { idSchema, jsonObjectSchema } from '../entities/fields.ts';
import { type Item, systemMetadata } from '../entities/item.ts';
import { InvalidInput } from '../errors.ts';
import { canonicalJson } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { assertWritable, datasetFor, itemFor } from './access.ts';
import { itemEvents } from './events.ts';
import { relocate } from './item-move.ts';
import { joinPath, ROOT } from './item-path.ts';
import { removeItems } from './item-removal.ts';
import { nextMetadata } from './next-metadata.ts';
import type { SentFile } from './sent-file.ts';

/** Items that one call moves. */
const MAX_MOVED = 10_000;

/** A file or folder. @throws EntityNotFound, MalformedId */
export async function getItem(platform: Platform, actor: Actor, id: string): Promise<Item> {
  return (await itemFor(platform.store, actor, id)).item;
}

/** A file's bytes. @throws EntityNotFound, MalformedId; InvalidInput for a folder. */
export async function readItem(platform: Platform, actor: Actor, id: string): Promise<SentFile> {
  const item = await getItem(platform, actor, id);
  const { name, filename, content } = item;
  if (!content)
    throw new InvalidInput('item', [
      { field: 'id', problem: `${JSON.stringify(filename)} is a folder and has no bytes` },
    ]);
  const { mimetype } = systemMetadata(item);
  return {
    name,
    ...(typeof mimetype === 'string' && { mimetype }),
    content,
    bytes: platform.content.stream(content),
  };
}

const itemPatchSchema = z.object({
  filename: z.nullish(z.string()),
  hidden: z.nullish(z.boolean()),
  metadata: z.nullish(jsonObjectSchema),
});

/**
 * Merges a diff (docs/WIRE.md, Partial updates): `metadata` deeply, its `system` only with `system`; `filename` renames or
 * moves, a folder with all in it. Nulls on top and keys that are not the caller's are noise.
 * @throws EntityNotFound, MalformedId, DatasetReadonly, InvalidInput, InvalidItemPath, PathTaken
 */
export async function updateItem(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
  options: { system?: boolean } = {},
): Promise<Item> {
  const patch = parse(itemPatchSchema, input, 'update of an item');
  return platform.store.transaction(async (store) => {
    const { item: current, dataset } = await itemFor(store, actor, id);
    assertWritable(dataset);
    const origin = { platform, actor, dataset };
    const moved =
      patch.filename != null && patch.filename !== current.filename
        ? await relocate(origin, store, current, patch.filename)
        : current;
    const next: Item = {
      ...moved,
      hidden: patch.hidden ?? moved.hidden,
      metadata: nextMetadata(moved.metadata, patch.metadata ?? {}, options.system ?? false),
    };
    if (canonicalJson(next) === canonicalJson(current)) return current;
    const updated = await store.update('Item', current.id, () => next);
    await store.appendEvents(itemEvents(origin, 'Updated', [updated]));
    return updated;
  });
}

/** Deletes a file with its annotations, or a folder with all in it. @throws EntityNotFound, MalformedId, DatasetReadonly */
export async function deleteItem(platform: Platform, actor: Actor, id: string): Promise<void> {
  await platform.store.transaction(async (store) => {
    const { item, dataset } = await itemFor(store, actor, id);
    assertWritable(dataset);
    await removeItems({ platform, actor, dataset }, store, [item]);
  });
}

/**
 * Moves items of a dataset into one of its folders, all or none; the dataset's own id stands for its root.
 * @throws EntityNotFound, DatasetReadonly, InvalidInput when the target is no folder, PathTaken
 */
export async function moveItems(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  folderId: string,
  itemIds: unknown,
): Promise<Item[]> {
  const ids = parse(z.array(idSchema).check(z.maxLength(MAX_MOVED)), itemIds, 'list of item ids');
  return platform.store.transaction(async (store) => {
    const dataset = await datasetFor(store, actor, datasetId);
    assertWritable(dataset);
    const origin = { platform, actor, dataset };
    const dir = folderId === datasetId ? ROOT : folderPath(await inDataset(folderId));
    const moved: Item[] = [];
    for (const id of ids) {
      const item = await inDataset(id);
      const filename = joinPath(dir, item.name);
      if (filename === item.filename) continue;
      const next = await relocate(origin, store, item, filename);
      moved.push(await store.update('Item', item.id, () => next));
    }
    await store.appendEvents(itemEvents(origin, 'Updated', moved));
    return moved;

    async function inDataset(id: string): Promise<Item> {
      const { item } = await itemFor(store, actor, id);
      if (item.datasetId !== datasetId)
        throw new InvalidInput('list of item ids', [
          { field: id, problem: `is an item of dataset ${item.datasetId}, not of ${datasetId}` },
        ]);
      return item;
    }
  });
}

function folderPath(item: Item): string {
  if (item.type === 'dir') return item.filename;
  throw new InvalidInput('target folder', [
    { field: 'id', problem: `${JSON.stringify(item.filename)} is a file` },
  ]);
}
