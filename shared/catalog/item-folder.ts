import type { Actor } from '../auth/actor.ts';
import { BucketNotFound } from '../buckets/errors.ts';
import type { FolderFile, ItemFolder } from '../buckets/item-folder.ts';
import type { ByteSource } from '../content/byte-source.ts';
import type { ContentInfo } from '../content/content-store.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { Item } from '../entities/item.ts';
import { hasCode } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { isProtocolKey } from '../snapshots/files/manifest.ts';
import { assertWritable, datasetFor, itemFor } from './access.ts';
import { listMatches } from './all-matches.ts';
import { artifactFolder } from './artifact-folder.ts';
import { itemsAt } from './folders.ts';
import { describeMedia } from './item-media.ts';
import { belowFolder, type ItemPath, readItemPath } from './item-path.ts';
import { itemsBelow, removeItems } from './item-removal.ts';
import { type ArrivedFile, placeFiles, receiveFile, type UploadMode } from './item-upload.ts';

/**
 * The files below a folder item that the actor may see, for a bucket. Items it makes are the actor's; those of saved
 * revisions are hidden, so that clients list, download and delete the visible files alone.
 * @throws BucketNotFound
 */
export async function openItemFolder(platform: Platform, actor: Actor, itemId: string): Promise<ItemFolder> {
  return new CatalogFolder(platform, actor, await readFolder(platform, actor, itemId));
}

/**
 * The item bucket of a snapshot, made in the project's Binaries where a client would put it (docs/WIRE.md, Buckets).
 * @throws EntityNotFound, InvalidItemPath, PathTaken
 */
export async function createItemBucket(
  platform: Platform,
  actor: Actor,
  { projectId, modelName, snapshotName }: { projectId: string; modelName: string; snapshotName: string },
): Promise<BucketSpec> {
  const path = `/models/${modelName}/snapshots/${snapshotName}`;
  return { type: 'item', itemId: await artifactFolder(platform, actor, projectId, path) };
}

async function readFolder(platform: Platform, actor: Actor, itemId: string): Promise<Item> {
  try {
    const { item } = await itemFor(platform.store, actor, itemId);
    if (item.type === 'dir') return item;
  } catch (error) {
    if (!hasCode(error, 'EntityNotFound') && !hasCode(error, 'InvalidInput')) throw error;
    throw new BucketNotFound(
      `no folder item ${JSON.stringify(itemId)} that the snapshot's project may use`,
      'Make one with `modelfn buckets create`, or give the snapshot a local bucket.',
      error,
    );
  }
  throw new BucketNotFound(`item ${itemId} is a file`, 'Name the folder item that holds the files.');
}

class CatalogFolder implements ItemFolder {
  readonly #platform: Platform;
  readonly #actor: Actor;
  readonly #folder: Item;
  #isHistoryHidden = false;

  constructor(platform: Platform, actor: Actor, folder: Item) {
    this.#platform = platform;
    this.#actor = actor;
    this.#folder = folder;
  }

  async *list(prefix: string, { isVisible } = { isVisible: false }): AsyncGenerator<FolderFile> {
    const { store } = this.#platform;
    const items = isVisible ? await this.#visibleItems(store) : await itemsBelow(store, this.#folder);
    const files = items.flatMap((item) => this.#toFile(item) ?? []);
    files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    for (const file of files) if (file.path.startsWith(prefix)) yield file;
  }

  async stat(path: string): Promise<FolderFile | undefined> {
    const item = await this.#find(this.#platform.store, path);
    return item && this.#toFile(item);
  }

  read({ content }: FolderFile): AsyncIterable<Uint8Array> {
    return this.#platform.content.stream(content);
  }

  async write(
    path: string,
    source: ByteSource,
    { ifAbsent, signal }: { ifAbsent: boolean; signal?: AbortSignal },
  ): Promise<FolderFile | undefined> {
    const itemPath = this.#pathOf(path);
    if (ifAbsent && (await this.#find(this.#platform.store, path))) return undefined;
    const file = await receiveFile(this.#platform, itemPath, source, {});
    signal?.throwIfAborted();
    return this.#place({ ...file, isHidden: isProtocolKey(path) }, ifAbsent ? 'skip' : 'overwrite');
  }

  async link(path: string, content: ContentInfo): Promise<FolderFile | undefined> {
    const itemPath = this.#pathOf(path);
    try {
      const media = await describeMedia(this.#platform, content, itemPath.name);
      const file = { path: itemPath, content, media, metadata: {}, isHidden: isProtocolKey(path) };
      return await this.#place(file, 'overwrite');
    } catch (error) {
      if (hasCode(error, 'ContentMissing')) return undefined;
      throw error;
    }
  }

  async #place(file: ArrivedFile, mode: UploadMode): Promise<FolderFile | undefined> {
    const outcome = await this.#platform.store.transaction(async (store) => {
      const dataset = await datasetFor(store, this.#actor, this.#folder.datasetId);
      assertWritable(dataset);
      const origin = { platform: this.#platform, actor: this.#actor, dataset };
      if (!this.#isHistoryHidden) await this.#hideHistory(store);
      const [placed] = await placeFiles(origin, store, [file], mode);
      return placed!;
    });
    this.#isHistoryHidden = true;
    return mode === 'skip' && outcome.op === 'exist' ? undefined : this.#toFile(outcome.item);
  }

  /** Hides saved revisions of a version that did not hide them, so that clients do not take them for weights. */
  async #hideHistory(store: Platform['store']): Promise<void> {
    const shown = (await this.#visibleItems(store)).filter((item) => isProtocolKey(this.#keyOf(item)));
    if (shown.length === 0) return;
    const hidden = shown.map((item) => ({ ...item, hidden: true }));
    await store.upsert('Item', hidden);
  }

  #visibleItems(store: Platform['store']): Promise<Item[]> {
    return listMatches(store, 'Item', {
      filter: { $and: [{ type: 'file' }, { hidden: false }, belowFolder(this.#folder.filename)] },
      scope: { datasetId: this.#folder.datasetId },
    });
  }

  #keyOf({ filename }: Pick<Item, 'filename'>): string {
    return filename.slice(this.#folder.filename.length + 1);
  }

  async delete(path: string): Promise<void> {
    await this.#platform.store.transaction(async (store) => {
      const item = await this.#find(store, path);
      if (!item) return;
      const dataset = await datasetFor(store, this.#actor, this.#folder.datasetId);
      assertWritable(dataset);
      await removeItems({ platform: this.#platform, actor: this.#actor, dataset }, store, [item]);
    });
  }

  /** The file at a path below the folder; a folder there is none. */
  async #find(store: Platform['store'], path: string): Promise<Item | undefined> {
    const { filename } = this.#pathOf(path);
    const item = (await itemsAt(store, this.#folder.datasetId, [filename])).get(filename);
    return item?.type === 'file' ? item : undefined;
  }

  #pathOf(path: string): ItemPath {
    return readItemPath(`${this.#folder.filename}/${path}`);
  }

  #toFile(item: Item): FolderFile | undefined {
    const { content, createdAt } = item;
    return content && { path: this.#keyOf(item), content, createdAt };
  }
}
