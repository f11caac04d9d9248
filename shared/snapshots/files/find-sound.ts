import { createHash } from 'node:crypto';
import type { Bucket } from '../../buckets/bucket.ts';
import { digestChunks } from '../../content/file-digest.ts';
import { inParallel } from '../../content/in-parallel.ts';
import { hasCode } from '../../errors.ts';
import { PART_BYTES } from './fetch-parts.ts';
import { findObjects } from './find-objects.ts';
import { firstOfEach, groupByPack, isPacked, keyOf, type PlacedFile } from './places.ts';
import { readStretch, type Stretch, stretchesOf } from './read-stretch.ts';

/** Reads under way at once. */
const PARALLEL = 8;

/** What says that bytes are not where they were said to be. Anything else that goes wrong is told. */
const ABSENT = ['ObjectNotFound', 'ContentMissing', 'ContentCut', 'ContentTooLarge'];

/**
 * Of files that are said to lie somewhere in a bucket those that do, by digest: their bytes were read and found right. Of
 * several places of one file the first that is there counts.
 */
export async function findSound(
  bucket: Bucket,
  files: readonly PlacedFile[],
  signal: AbortSignal = new AbortController().signal,
): Promise<Map<string, PlacedFile>> {
  const sound = new Map<string, PlacedFile>();
  const found = await findObjects(bucket, [...new Set(files.map(keyOf))]);
  const there = firstOfEach(
    files.filter((file) => found.get(keyOf(file))?.sizeBytes === file.place.object.sizeBytes),
  );
  const { packs, others } = groupByPack(there);
  const range = { canReadRanges: bucket.capabilities.canReadRanges, partBytes: PART_BYTES };
  for (const file of there) if (isPacked(file) && file.sizeBytes === 0) note(file, []);
  const stretches = packs.flatMap((inPack) => stretchesOf(inPack, range));
  await inParallel<PlacedFile | Stretch>([...others, ...stretches], PARALLEL, async (work) => {
    signal.throwIfAborted();
    await unlessAbsent('files' in work ? readPacked(work) : readOne(work));
  });
  return sound;

  async function readOne(file: PlacedFile): Promise<void> {
    const { sha256 } = await digestChunks(bucket.read(keyOf(file), { signal }), signal);
    if (sha256 === file.sha256) sound.set(sha256, file);
  }

  async function readPacked(stretch: Stretch): Promise<void> {
    for await (const { file, chunks } of readStretch(bucket, stretch, signal)) note(file, chunks);
  }

  function note(file: PlacedFile, chunks: readonly Uint8Array[]): void {
    const hash = createHash('sha256');
    for (const chunk of chunks) hash.update(chunk);
    if (hash.digest('hex') === file.sha256) sound.set(file.sha256, file);
  }
}

async function unlessAbsent(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!ABSENT.some((code) => hasCode(error, code))) throw error;
  }
}
