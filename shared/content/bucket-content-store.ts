import { open, rm } from 'node:fs/promises';
import { hasCode, isModelfnError } from '../errors.ts';
import { type ByteSource, chunksOf, RepeatableSource, WatchedSource } from './byte-source.ts';
import type { ContentInfo, ContentStore } from './content-store.ts';
import { ContentCorrupt, ContentMissing, ContentTooLarge, StorageUnavailable } from './errors.ts';
import { sha256Of } from './file-digest.ts';
import { writeTemporary } from './temporary-file.ts';

/** What a content store needs of a bucket: flat keys to bytes that appear whole. */
export interface ContentBucket {
  /** `undefined` when there is none. */
  stat(key: string): Promise<{ readonly sizeBytes: number } | undefined>;
  /** `end` is one past the last byte. @throws ObjectNotFound */
  read(key: string, options?: { start?: number; end?: number }): AsyncIterable<Uint8Array>;
  /** @throws PreconditionFailed when the key is taken and `ifAbsent` was asked for */
  write(key: string, source: ByteSource, options?: { ifAbsent?: boolean }): Promise<unknown>;
}

const MAX_HEAD_BYTES = 64 * 1024;
const DIGEST = /^[0-9a-f]{64}$/;

/**
 * Contents as objects of a bucket that all containers reach: `<two first digits>/<sha256>`. A name is written once, by
 * whoever comes first; what is there in its size is not sent again. A stream lies in a file of `spool` until its digest
 * is known.
 */
export class BucketContentStore implements ContentStore {
  readonly #bucket: ContentBucket;
  readonly #spool: string;

  constructor(options: { bucket: ContentBucket; spool: string }) {
    this.#bucket = options.bucket;
    this.#spool = options.spool;
  }

  async put(source: ByteSource, maxBytes: number): Promise<ContentInfo> {
    if (!(source instanceof Uint8Array)) return this.#putStream(source, maxBytes);
    if (source.byteLength > maxBytes) throw new ContentTooLarge(maxBytes);
    const content = { sha256: sha256Of(source), sizeBytes: source.byteLength };
    await this.#send(content, source);
    return content;
  }

  async bytes(content: ContentInfo): Promise<Uint8Array> {
    const bytes = await this.#read(content, undefined);
    const found = { sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
    if (found.sha256 !== content.sha256) throw new ContentCorrupt(content, found);
    return bytes;
  }

  async *stream(content: ContentInfo): AsyncGenerator<Uint8Array> {
    yield* this.#chunks(content, undefined);
  }

  head(content: ContentInfo, sizeBytes: number): Promise<Uint8Array> {
    return this.#read(content, Math.max(0, Math.min(sizeBytes, MAX_HEAD_BYTES)));
  }

  async #putStream(source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<ContentInfo> {
    const watched = new WatchedSource(source);
    const spooled = await writeTemporary(this.#spool, watched, { maxBytes, durable: false }).catch(
      (error: unknown) => {
        if (watched.failure) throw watched.failure.error;
        throw isModelfnError(error) ? error : new StorageUnavailable('Taking in a content', error);
      },
    );
    const content = { sha256: spooled.sha256, sizeBytes: spooled.sizeBytes };
    try {
      const file = await open(spooled.path, 'r');
      try {
        await this.#send(
          content,
          new RepeatableSource(() => file.createReadStream({ autoClose: false, start: 0 })),
        );
      } finally {
        await file.close();
      }
      return content;
    } finally {
      await rm(spooled.path, { force: true }).catch(() => {});
    }
  }

  /** An object of another size was put there by somebody else: it is replaced. */
  async #send(content: ContentInfo, source: ByteSource): Promise<void> {
    const key = keyOf(content);
    const there = await this.#bucket.stat(key);
    if (there?.sizeBytes === content.sizeBytes) return;
    try {
      await this.#bucket.write(key, source, { ifAbsent: there === undefined });
    } catch (error) {
      // Another container has sent the same bytes meanwhile.
      if (!hasCode(error, 'PreconditionFailed')) throw error;
    }
  }

  async #read(content: ContentInfo, end: number | undefined): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#chunks(content, end)) chunks.push(chunk);
    return new Uint8Array(Buffer.concat(chunks));
  }

  async *#chunks(content: ContentInfo, end: number | undefined): AsyncGenerator<Uint8Array> {
    if (!DIGEST.test(content.sha256)) throw new ContentMissing(content);
    const part = end === undefined ? {} : { start: 0, end: Math.min(end, content.sizeBytes) };
    try {
      yield* chunksOf(this.#bucket.read(keyOf(content), part));
    } catch (error) {
      throw hasCode(error, 'ObjectNotFound') ? new ContentMissing(content, error) : error;
    }
  }
}

function keyOf({ sha256 }: ContentInfo): string {
  return `${sha256.slice(0, 2)}/${sha256}`;
}
