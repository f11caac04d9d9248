import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isModelfnError, systemCode } from '../errors.ts';
import { type ByteSource, chunksOf, WatchedSource } from './byte-source.ts';
import type { ContentInfo, ContentStore } from './content-store.ts';
import { ContentCorrupt, ContentMissing, ContentTooLarge, StorageUnavailable } from './errors.ts';
import { digestFile, readFileChunks, sha256Of } from './file-digest.ts';
import { commitFile, sweepTemporary, writeTemporary } from './temporary-file.ts';

const MAX_HEAD_BYTES = 64 * 1024;

/**
 * Contents as files of a folder: `<directory>/<two first digits>/<sha256>`. Several processes may share it.
 * What is already there and sound is not written again; what was damaged is replaced by the next `put` of it.
 */
export class LocalContentStore implements ContentStore {
  readonly #directory: string;
  readonly #durable: boolean;
  #swept = false;

  /** `durable: false` for contents that need not outlive a power cut, such as those of a test: writing does not wait for the disk. */
  constructor({ directory, durable = true }: { directory: string; durable?: boolean }) {
    this.#directory = directory;
    this.#durable = durable;
  }

  async put(source: ByteSource, maxBytes: number): Promise<ContentInfo> {
    const watched = new WatchedSource(source);
    try {
      await this.#sweepOnce();
      return source instanceof Uint8Array
        ? await this.#putBytes(source, maxBytes)
        : await this.#putStream(watched, maxBytes);
    } catch (error) {
      if (watched.failure) throw watched.failure.error;
      throw unavailable('Writing to the content store', error);
    }
  }

  async bytes(content: ContentInfo): Promise<Uint8Array> {
    const bytes = await this.#read(content, Number.POSITIVE_INFINITY);
    const found = { sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
    if (found.sha256 !== content.sha256) throw new ContentCorrupt(content, found);
    return bytes;
  }

  async *stream(content: ContentInfo): AsyncGenerator<Uint8Array> {
    try {
      yield* readFileChunks(this.#pathOf(content.sha256));
    } catch (error) {
      throw missing(content, error);
    }
  }

  head(content: ContentInfo, sizeBytes: number): Promise<Uint8Array> {
    return this.#read(content, Math.max(0, Math.min(sizeBytes, MAX_HEAD_BYTES)));
  }

  async #read(content: ContentInfo, mostBytes: number): Promise<Uint8Array> {
    try {
      const handle = await open(this.#pathOf(content.sha256), 'r');
      try {
        const { size } = await handle.stat();
        const buffer = new Uint8Array(Math.min(size, mostBytes));
        return buffer.subarray(0, await fill(handle, buffer));
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw missing(content, error);
    }
  }

  async #putBytes(bytes: Uint8Array, maxBytes: number): Promise<ContentInfo> {
    if (bytes.byteLength > maxBytes) throw new ContentTooLarge(maxBytes);
    const content = { sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
    if (await this.#has(content)) return content;
    return this.#putStream(chunksOf(bytes), maxBytes);
  }

  async #putStream(source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<ContentInfo> {
    const durable = this.#durable;
    const { sha256, sizeBytes, path } = await writeTemporary(this.#temporary, source, { maxBytes, durable });
    if (await this.#has({ sha256, sizeBytes })) await rm(path, { force: true });
    else await commitFile({ path }, this.#pathOf(sha256), { durable });
    return { sha256, sizeBytes };
  }

  /** Reading is cheaper than writing and flushing, and finds damage that a look at the name would miss. */
  async #has(content: ContentInfo): Promise<boolean> {
    try {
      return (await digestFile(this.#pathOf(content.sha256))).sha256 === content.sha256;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  async #sweepOnce(): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    await sweepTemporary(this.#temporary);
  }

  get #temporary(): string {
    return join(this.#directory, 'tmp');
  }

  /** The digest comes from an entity, which may come from outside: only hex digits may reach the path. */
  #pathOf(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw Object.assign(new Error('not a sha256'), { code: 'ENOENT' });
    return join(this.#directory, sha256.slice(0, 2), sha256);
  }
}

async function fill(handle: Awaited<ReturnType<typeof open>>, buffer: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < buffer.byteLength) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.byteLength - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

function missing(content: ContentInfo, error: unknown): unknown {
  return systemCode(error) === 'ENOENT'
    ? new ContentMissing(content, error)
    : unavailable('Reading from the content store', error);
}

function unavailable(what: string, error: unknown): unknown {
  return isModelfnError(error) || systemCode(error) === undefined
    ? error
    : new StorageUnavailable(what, error);
}
