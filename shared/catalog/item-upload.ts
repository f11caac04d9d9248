import type { Actor } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import type { ContentInfo } from '../content/content-store.ts';
import { jsonObjectSchema } from '../entities/fields.ts';
import { type Item, systemMetadata } from '../entities/item.ts';
import { hasCode } from '../errors.ts';
import { canonicalJson, type JsonObject, mergePatch } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { assertWritable, datasetFor } from './access.ts';
import { ItemTooLarge, PathTaken } from './errors.ts';
import { type EventOrigin, itemEvents } from './events.ts';
import { ensureFoldersAbove, itemsAt } from './folders.ts';
import { describeMedia, type ItemMedia } from './item-media.ts';
import { type ItemPath, readItemPath } from './item-path.ts';

/** What to do with a path that is taken: leave its item as it is, or give it the new bytes. */
export type UploadMode = 'skip' | 'overwrite';
/** What was done: `exist` when nothing was. The values of the header `x-item-op`. */
export type UploadOp = 'created' | 'overwrite' | 'exist';

export interface UploadOutcome {
  item: Item;
  op: UploadOp;
}

export interface NewUpload {
  datasetId: string;
  /** Full path in the dataset, such as `/folder/a.png`. */
  path: string;
  source: AsyncIterable<Uint8Array> | Uint8Array;
  mode: UploadMode;
  /** Merged into the item's metadata; of `system`, what the bytes tell wins. */
  metadata?: JsonObject | undefined;
  /** What the caller takes the file for; counts where neither bytes nor extension tell. */
  mimetype?: string | undefined;
}

/** A file whose bytes are in the content store, not yet an item. */
export interface ArrivedFile {
  path: ItemPath;
  content: ContentInfo;
  media: ItemMedia;
  metadata: JsonObject;
  /** False when missing. */
  isHidden?: boolean;
}

/**
 * Takes in one file. May be repeated: the same upload again changes nothing. With `skip` on a taken path the source
 * is not read. @throws EntityNotFound, DatasetReadonly, InvalidItemPath, InvalidInput, PathTaken (a folder is there),
 * ItemTooLarge: nothing is kept then.
 */
export async function uploadItem(
  platform: Platform,
  actor: Actor,
  { datasetId, path, source, mode, metadata, mimetype }: NewUpload,
): Promise<UploadOutcome> {
  const itemPath = readItemPath(path);
  const given = parse(jsonObjectSchema, metadata ?? {}, 'metadata of an item');
  const dataset = await datasetFor(platform.store, actor, datasetId);
  assertWritable(dataset);
  const present = (await itemsAt(platform.store, datasetId, [itemPath.filename])).get(itemPath.filename);
  if (present?.type === 'dir') throw new PathTaken(itemPath.filename, 'dir');
  if (present && mode === 'skip') return { item: present, op: 'exist' };
  const file = await receiveFile(platform, itemPath, source, given, mimetype);
  return platform.store.transaction(async (store) => {
    const current = await datasetFor(store, actor, datasetId);
    assertWritable(current);
    const [outcome] = await placeFiles({ platform, actor, dataset: current }, store, [file], mode);
    return outcome!;
  });
}

/** Stores the bytes and looks at what they are. @throws ItemTooLarge */
export async function receiveFile(
  platform: Platform,
  path: ItemPath,
  source: AsyncIterable<Uint8Array> | Uint8Array,
  metadata: JsonObject,
  mimetype?: string,
): Promise<ArrivedFile> {
  const content = await putContent(platform, path, source);
  return {
    path,
    content,
    metadata,
    media: await describeMedia(platform, content, path.name, mimetype),
  };
}

/**
 * Turns arrived files into items, folders included, within a transaction that is open. A path that comes twice
 * is treated as one upload after the other. @throws PathTaken
 */
export async function placeFiles(
  origin: EventOrigin & { platform: Platform },
  store: EntityStore,
  files: readonly ArrivedFile[],
  mode: UploadMode,
): Promise<UploadOutcome[]> {
  const filenames = files.map(({ path }) => path.filename);
  await ensureFoldersAbove(origin, store, filenames);
  const present = await itemsAt(store, origin.dataset.id, filenames);
  const changes = new Map<string, UploadOutcome>();
  const outcomes = files.map((file): UploadOutcome => {
    const { filename } = file.path;
    const current = changes.get(filename)?.item ?? present.get(filename);
    if (current?.type === 'dir') throw new PathTaken(filename, 'dir');
    if (current && mode === 'skip') return { item: current, op: 'exist' };
    const item = current ? replaced(current, file) : created(origin, file);
    const outcome: UploadOutcome = { item, op: current ? 'overwrite' : 'created' };
    if (item !== current)
      changes.set(filename, { item, op: present.has(filename) ? 'overwrite' : 'created' });
    return outcome;
  });
  await writeChanges(origin, store, [...changes.values()]);
  return outcomes;
}

async function writeChanges(
  origin: EventOrigin,
  store: EntityStore,
  changes: readonly UploadOutcome[],
): Promise<void> {
  const itemsOf = (op: UploadOp): Item[] =>
    changes.filter((change) => change.op === op).map(({ item }) => item);
  const [added, changed] = [itemsOf('created'), itemsOf('overwrite')];
  if (added.length > 0) await store.insert('Item', added);
  if (changed.length > 0) await store.upsert('Item', changed);
  const events = [...itemEvents(origin, 'Created', added), ...itemEvents(origin, 'Updated', changed)];
  if (events.length > 0) await store.appendEvents(events);
}

function created(
  { platform, actor, dataset }: EventOrigin & { platform: Platform },
  file: ArrivedFile,
): Item {
  return {
    ...file.path,
    id: platform.ids.objectId(),
    datasetId: dataset.id,
    type: 'file',
    hidden: file.isHidden ?? false,
    annotated: false,
    annotationsCount: 0,
    metadata: withMedia(mergePatch({}, file.metadata), file.media),
    creator: actor.email,
    createdAt: isoTime(platform.clock),
    content: file.content,
  };
}

/** The item with new bytes; the very same object when nothing about it changes. */
function replaced(current: Item, { content, media, metadata, isHidden }: ArrivedFile): Item {
  const next = withMedia(mergePatch(current.metadata, metadata), media);
  const hidden = isHidden ?? current.hidden;
  const isSame =
    current.content?.sha256 === content.sha256 &&
    current.hidden === hidden &&
    canonicalJson(next) === canonicalJson(current.metadata);
  return isSame ? current : { ...current, content, hidden, metadata: next };
}

/** Metadata with the system fields that bytes tell, in place of earlier ones. */
export function withMedia(metadata: JsonObject, media: JsonObject): JsonObject {
  const { width: _width, height: _height, unreadable: _unreadable, ...system } = systemMetadata({ metadata });
  return { ...metadata, system: { ...system, ...media } };
}

async function putContent(
  platform: Platform,
  path: ItemPath,
  source: AsyncIterable<Uint8Array> | Uint8Array,
): Promise<ContentInfo> {
  const { maxItemBytes } = platform.config;
  try {
    return await platform.content.put(source, maxItemBytes);
  } catch (error) {
    throw hasCode(error, 'ContentTooLarge') ? new ItemTooLarge(path.filename, maxItemBytes, error) : error;
  }
}
