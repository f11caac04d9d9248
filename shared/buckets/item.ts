import type { ByteSource } from '../content/byte-source.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type {
  Bucket,
  BucketCapabilities,
  ListOptions,
  ObjectInfo,
  ReadOptions,
  WriteOptions,
} from './bucket.ts';
import { ObjectNotFound, PreconditionFailed } from './errors.ts';
import type { FolderFile, ItemFolder } from './item-folder.ts';

/** The files below a folder item as a bucket: people see them as items of the dataset. The etag is the sha256. */
export class ItemBucket implements Bucket {
  readonly spec: BucketSpec;
  readonly capabilities: BucketCapabilities = {
    canWrite: true,
    canReadRanges: false,
    hasPreconditions: true,
    provesWrites: false,
    hasDigestEtags: true,
    prefersFewObjects: false,
  };
  readonly link?: NonNullable<Bucket['link']>;
  readonly #folder: ItemFolder;

  constructor(spec: BucketSpec, folder: ItemFolder) {
    this.spec = spec;
    this.#folder = folder;
    if (folder.link)
      this.link = async (key, content) => {
        const file = await folder.link!(key, content);
        return file && toObject(file);
      };
  }

  async *list(prefix = '', { skip }: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    for await (const file of this.#folder.list(prefix, { isVisible: skip !== undefined }))
      if (!skip?.(file.path)) yield toObject(file);
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    const file = await this.#folder.stat(key);
    return file && toObject(file);
  }

  async *read(key: string, { start = 0, end, signal }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const file = await this.#folder.stat(key);
    if (file === undefined) throw new ObjectNotFound(this.spec.type, key);
    yield* cut(this.#folder.read(file), start, end ?? file.content.sizeBytes, signal);
  }

  async write(
    key: string,
    source: ByteSource,
    { ifAbsent = false, signal }: WriteOptions = {},
  ): Promise<ObjectInfo> {
    const file = await this.#folder.write(key, source, { ifAbsent, ...(signal && { signal }) });
    if (file === undefined) throw new PreconditionFailed(this.spec.type, key);
    return toObject(file);
  }

  delete(key: string): Promise<void> {
    return this.#folder.delete(key);
  }
}

function toObject({ path, content, createdAt }: FolderFile): ObjectInfo {
  return {
    key: path,
    sizeBytes: content.sizeBytes,
    etag: content.sha256,
    ...(createdAt !== undefined && { updatedAt: createdAt }),
  };
}

async function* cut(
  chunks: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let position = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    const from = Math.max(0, start - position);
    const to = Math.min(chunk.byteLength, end - position);
    if (to > from) yield chunk.subarray(from, to);
    position += chunk.byteLength;
    if (position >= end) return;
  }
}
