import type { Actor } from '../auth/actor.ts';
import { BucketNotFound } from '../buckets/errors.ts';
import type { FolderFile, ItemFolder } from '../buckets/item-folder.ts';
import type { ByteSource } from '../content/byte-source.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { Item } from '../entities/item.ts';
import { hasCode } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { assertWritable, datasetFor, itemFor } from './access.ts';
import { artifactFolder } from './artifact-folder.ts';
import { itemsAt } from './folders.ts';
import { type ItemPath, readItemPath } from './item-path.ts';
import { itemsBelow, removeItems } from './item-removal.ts';
import { placeFiles, receiveFile } from './item-upload.ts';

/**
 * The files below a folder item that the actor may see, for a bucket. Items it makes are the actor's.
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

  constructor(platform: Platform, actor: Actor, folder: Item) {
    this.#platform = platform;
    this.#actor = actor;
    this.#folder = folder;
  }

  async *list(prefix: string): AsyncGenerator<FolderFile> {
    const items = await itemsBelow(this.#platform.store, this.#folder);
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
    return this.#platform.store.transaction(async (store) => {
      const dataset = await datasetFor(store, this.#actor, this.#folder.datasetId);
      assertWritable(dataset);
      const origin = { platform: this.#platform, actor: this.#actor, dataset };
      const [outcome] = await placeFiles(origin, store, [file], ifAbsent ? 'skip' : 'overwrite');
      return outcome && outcome.op !== 'exist' ? this.#toFile(outcome.item) : undefined;
    });
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

  #toFile({ filename, content, createdAt }: Item): FolderFile | undefined {
    return content && { path: filename.slice(this.#folder.filename.length + 1), content, createdAt };
  }
}
