import type { Actor } from '../auth/actor.ts';
import { type Item, systemMetadata } from '../entities/item.ts';
import { Cancelled, isModelfnError } from '../errors.ts';
import { canonicalJson, type JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { assertWritable, datasetFor } from './access.ts';
import { allMatches } from './all-matches.ts';
import { itemEvents } from './events.ts';
import { describeMedia } from './item-media.ts';
import { withMedia } from './item-upload.ts';

export interface RescanResult {
  /** Files that were looked at. */
  items: number;
  /** Items whose metadata changed. */
  changed: number;
  /** Images that cannot be decoded, each with its reason. */
  unreadable: { path: string; problem: string }[];
}

/**
 * Reads type, size in pixels and readability of every file of a dataset again, for items of an earlier release. Repeating it
 * changes nothing. @throws EntityNotFound, DatasetReadonly; Cancelled on abort, after which the items before stay changed
 */
export async function rescanItems(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number) => void } = {},
): Promise<RescanResult> {
  assertWritable(await datasetFor(platform.store, actor, datasetId));
  const result: RescanResult = { items: 0, changed: 0, unreadable: [] };
  const query = { filter: { type: 'file' }, scope: { datasetId } };
  for await (const page of allMatches(platform.store, 'Item', query)) {
    const found: Found[] = [];
    for (const item of page) {
      if (signal?.aborted) throw new Cancelled('The scan', signal.reason);
      const media = await readMedia(platform, item);
      if (typeof media.unreadable === 'string')
        result.unreadable.push({ path: item.filename, problem: media.unreadable });
      if (isNew(item, media)) found.push({ item, media });
    }
    result.changed += await write(platform, actor, datasetId, found);
    result.items += page.length;
    onProgress?.(result.items);
  }
  return result;
}

/** An item, and the system metadata that its bytes tell. */
interface Found {
  item: Item;
  media: JsonObject;
}

function isNew({ metadata }: Item, media: JsonObject): boolean {
  return canonicalJson(withMedia(metadata, media)) !== canonicalJson(metadata);
}

async function readMedia(platform: Platform, item: Item): Promise<JsonObject> {
  const { originalname, mimetype } = systemMetadata(item);
  const claimed = typeof mimetype === 'string' ? mimetype : undefined;
  try {
    const media = await describeMedia(platform, item.content!, item.name, claimed);
    return { ...media, ...(originalname !== undefined && { originalname }) };
  } catch (error) {
    // Bytes that are gone or changed are the item's own fault; all else ends the scan.
    if (!isModelfnError(error) || !['ContentMissing', 'ContentCorrupt'].includes(error.code)) throw error;
    return { unreadable: error.message };
  }
}

/** Writes what was found, unless an item has other bytes by now. */
function write(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  found: readonly Found[],
): Promise<number> {
  if (found.length === 0) return Promise.resolve(0);
  return platform.store.transaction(async (store) => {
    const dataset = await datasetFor(store, actor, datasetId);
    assertWritable(dataset);
    const changed: Item[] = [];
    for (const { item, media } of found) {
      const current = await store.get('Item', item.id);
      if (current?.content?.sha256 === item.content?.sha256)
        changed.push({ ...current!, metadata: withMedia(current!.metadata, media) });
    }
    if (changed.length === 0) return 0;
    await store.upsert('Item', changed);
    await store.appendEvents(itemEvents({ platform, actor, dataset }, 'Updated', changed));
    return changed.length;
  });
}
