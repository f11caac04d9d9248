import type { GcsSettings } from '../config.ts';
import type { ByteSource } from '../content/byte-source.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import { type Asked, codedFailure } from '../gcs/coded-failure.ts';
import { download } from '../gcs/download.ts';
import { hasStatus, isBucketMissing } from '../gcs/failures.ts';
import { askForObject, askForPage, type GcsPlace, type StoredObject } from '../gcs/object-call.ts';
import { gcsPlace } from '../gcs/place.ts';
import { remove } from '../gcs/remove.ts';
import { upload } from '../gcs/upload.ts';
import type {
  Bucket,
  BucketCapabilities,
  ListOptions,
  ObjectInfo,
  ReadOptions,
  WriteOptions,
} from './bucket.ts';
import { InvalidKey, ObjectNotFound, PreconditionFailed } from './errors.ts';

/** What Cloud Storage takes as a name, in UTF-8. */
const MAX_NAME_BYTES = 1024;

type GcsBucketSpec = Extract<BucketSpec, { type: 'gcs' }>;

/** Opens a bucket with this process's settings. @throws GcsPlaceNotAllowed */
export async function openGcsBucket(
  spec: GcsBucketSpec,
  settings: Readonly<GcsSettings>,
): Promise<GcsBucket> {
  return new GcsBucket(spec, gcsPlace(settings, spec));
}

/**
 * A bucket of Google Cloud Storage, below a prefix. The etag is the object's generation; changes of its metadata leave
 * it as it is. Whole reads are checked against the service's checksums at their end. Reads of a range are not, as it has
 * none for parts: who reads ranges compares a digest of the whole, as the loader of snapshots does.
 * The list is in order of the keys' UTF-8 bytes, and leaves out names that end in "/", which consoles make for folders.
 */
export class GcsBucket implements Bucket {
  readonly spec: BucketSpec;
  readonly capabilities: BucketCapabilities = {
    canWrite: true,
    canReadRanges: true,
    hasPreconditions: true,
    provesWrites: true,
    hasDigestEtags: false,
    prefersFewObjects: true,
  };
  readonly #place: GcsPlace;
  readonly #prefix: string;

  constructor(spec: GcsBucketSpec, place: GcsPlace) {
    this.spec = spec;
    this.#place = place;
    this.#prefix =
      spec.gcsPrefix === '' || spec.gcsPrefix.endsWith('/') ? spec.gcsPrefix : `${spec.gcsPrefix}/`;
  }

  async *list(prefix = '', { skip }: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    let pageToken: string | undefined;
    do {
      const page = await this.#coded({ operation: 'list', key: undefined }, () =>
        askForPage(this.#place, this.#prefix + prefix, pageToken),
      );
      for (const { name, ...stored } of page.items ?? []) {
        const key = name.slice(this.#prefix.length);
        if (!name.endsWith('/') && !skip?.(key)) yield toObject(key, stored);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  stat(key: string): Promise<ObjectInfo | undefined> {
    return this.#coded({ operation: 'stat', key }, () => this.#find(key));
  }

  async *read(key: string, { start = 0, end, ...options }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    try {
      // Cloud Storage has no way to ask for no bytes.
      if (start === end && (await this.#find(key)) === undefined)
        throw new ObjectNotFound(this.spec.type, key);
      if (start !== end) yield* download(this.#place, this.#nameOf(key), { start, end, ...options });
    } catch (error) {
      throw codedFailure(this.#place, { operation: 'read', key }, error);
    }
  }

  async write(
    key: string,
    source: ByteSource,
    { ifAbsent = false, signal }: WriteOptions = {},
  ): Promise<ObjectInfo> {
    const stored = await this.#coded({ operation: 'write', key }, () =>
      upload(this.#place, this.#nameOf(key), source, { ifAbsent, signal }),
    );
    if (stored === undefined) throw new PreconditionFailed(this.spec.type, key);
    return toObject(key, stored);
  }

  delete(key: string): Promise<void> {
    return this.#coded({ operation: 'delete', key }, () => remove(this.#place, this.#nameOf(key)));
  }

  async #find(key: string): Promise<ObjectInfo | undefined> {
    try {
      return toObject(key, await askForObject(this.#place, this.#nameOf(key)));
    } catch (error) {
      if (hasStatus(error, 404) && !isBucketMissing(error)) return undefined;
      throw error;
    }
  }

  #nameOf(key: string): string {
    const name = this.#prefix + key;
    if (Buffer.byteLength(name) > MAX_NAME_BYTES)
      throw new InvalidKey(key, `with the bucket's prefix it is longer than ${MAX_NAME_BYTES} bytes`);
    return name;
  }

  async #coded<T>(asked: Asked, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw codedFailure(this.#place, asked, error);
    }
  }
}

function toObject(key: string, { size, generation, timeCreated }: Omit<StoredObject, 'name'>): ObjectInfo {
  return {
    key,
    sizeBytes: size,
    etag: generation,
    ...(timeCreated !== undefined && { updatedAt: timeCreated }),
  };
}
