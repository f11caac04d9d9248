import type { Bucket } from '../../buckets/bucket.ts';
import { sha256Of } from '../../content/file-digest.ts';
import { PART_BYTES } from './fetch-parts.ts';
import { firstOfEach, groupByPack, type PlacedFile } from './places.ts';
import { readStretch, type Stretch, stretchesOf } from './read-stretch.ts';

/** Stretches kept in memory, each of the bytes of one part or so. */
const KEPT = 8;

type Bytes = ReadonlyMap<string, Uint8Array>;

/**
 * Files out of packs one at a time, for who goes through all of them: what lies beside a file came with it and is still
 * in memory when it is asked for.
 */
export class StretchReader {
  readonly #bucket: Bucket;
  readonly #signal: AbortSignal;
  readonly #stretches = new Map<string, Stretch>();
  /** The one used last is the last. */
  readonly #kept = new Map<Stretch, Promise<Bytes>>();

  /** `files`: those that will be asked for, of any packs. */
  constructor(
    bucket: Bucket,
    files: readonly PlacedFile[],
    signal: AbortSignal = new AbortController().signal,
  ) {
    this.#bucket = bucket;
    this.#signal = signal;
    const range = { canReadRanges: bucket.capabilities.canReadRanges, partBytes: PART_BYTES };
    for (const inPack of groupByPack(firstOfEach(files)).packs)
      for (const stretch of stretchesOf(inPack, range))
        for (const { sha256 } of stretch.files) this.#stretches.set(sha256, stretch);
  }

  /**
   * The bytes and their digest. When that is another one than the file's it is so where they lie: they were asked for
   * once more. @throws as `readStretch`
   */
  async bytesOf(file: PlacedFile): Promise<{ bytes: Uint8Array; sha256: string }> {
    const first = withDigest(await this.#bytesOf(file));
    if (first.sha256 === file.sha256) return first;
    this.#kept.clear();
    return withDigest(await this.#bytesOf(file));
  }

  async #bytesOf({ sha256 }: PlacedFile): Promise<Uint8Array> {
    const stretch = this.#stretches.get(sha256);
    // Empty files lie in none.
    if (stretch === undefined) return new Uint8Array();
    const kept = this.#kept.get(stretch) ?? this.#read(stretch);
    this.#kept.delete(stretch);
    this.#kept.set(stretch, kept);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    try {
      return (await kept).get(sha256)!;
    } catch (error) {
      this.#kept.delete(stretch);
      throw error;
    }
  }

  async #read(stretch: Stretch): Promise<Bytes> {
    const bytes = new Map<string, Uint8Array>();
    for await (const { file, chunks } of readStretch(this.#bucket, stretch, this.#signal))
      bytes.set(file.sha256, new Uint8Array(Buffer.concat(chunks)));
    return bytes;
  }
}

function withDigest(bytes: Uint8Array): { bytes: Uint8Array; sha256: string } {
  return { bytes, sha256: sha256Of(bytes) };
}
