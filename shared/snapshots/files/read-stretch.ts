import type { Bucket } from '../../buckets/bucket.ts';
import { ContentCut, ContentTooLarge } from '../../content/errors.ts';
import { keyOf, type PlacedFile } from './places.ts';
import { readSteadily } from './read-steadily.ts';

/** Bytes between two wanted files that are read and dropped: another request would cost more. */
const GAP_BYTES = 256 * 1024;

/** Wanted files of one pack that come with one request, in the order in which they lie there. */
export interface Stretch<T extends PlacedFile = PlacedFile> {
  start: number;
  /** One past the last byte; `undefined` to read the pack to its end, and to notice when it is too long. */
  end: number | undefined;
  files: readonly T[];
}

/**
 * Cuts the wanted files of one pack into stretches of about `partBytes` at most: what lies side by side comes together.
 * Empty files lie in no stretch. From a bucket that cannot read ranges all comes in one.
 */
export function stretchesOf<T extends PlacedFile>(
  files: readonly T[],
  { canReadRanges, partBytes }: { canReadRanges: boolean; partBytes: number },
): Stretch<T>[] {
  const inOrder = files
    .filter(({ sizeBytes }) => sizeBytes > 0)
    .sort((a, b) => a.place.start - b.place.start);
  if (inOrder.length === 0) return [];
  if (!canReadRanges) return [{ start: 0, end: undefined, files: inOrder }];
  const groups: T[][] = [];
  for (const file of inOrder) {
    const group = groups.at(-1);
    const isNear =
      group !== undefined &&
      file.place.start - endOf(group.at(-1)!) <= GAP_BYTES &&
      endOf(file) - group[0]!.place.start <= partBytes;
    if (isNear) group.push(file);
    else groups.push([file]);
  }
  return groups.map((group) => {
    const end = endOf(group.at(-1)!);
    const isLast = end === group[0]!.place.object.sizeBytes;
    return { start: group[0]!.place.start, end: isLast ? undefined : end, files: group };
  });
}

/**
 * The files of a stretch, no two of one digest, each as soon as it is whole; the last when the stretch has ended where it should. What the
 * bytes are is for the caller to check. Memory: one file.
 * @throws ContentCut, ContentTooLarge when the pack is shorter or longer; the bucket's codes
 */
export async function* readStretch<T extends PlacedFile>(
  bucket: Bucket,
  { start, end, files }: Stretch<T>,
  signal: AbortSignal,
  onBytes: (sizeBytes: number) => void = () => {},
): AsyncGenerator<{ file: T; chunks: Uint8Array[] }> {
  const packBytes = files[0]!.place.object.sizeBytes;
  const last = files.length - 1;
  let at = start;
  let next = 0;
  let chunks: Uint8Array[] = [];
  for await (const chunk of readSteadily(bucket, keyOf(files[0]!), { start, end, signal })) {
    const from = at;
    at += chunk.byteLength;
    onBytes(chunk.byteLength);
    if (at > (end ?? packBytes)) throw new ContentTooLarge(packBytes);
    while (next <= last && files[next]!.place.start < at) {
      const file = files[next]!;
      const begin = Math.max(file.place.start - from, 0);
      const stop = Math.min(endOf(file) - from, chunk.byteLength);
      if (stop > begin) chunks.push(chunk.subarray(begin, stop));
      if (endOf(file) > at || next === last) break;
      yield { file, chunks };
      chunks = [];
      next += 1;
    }
  }
  if (at < (end ?? packBytes)) throw new ContentCut(packBytes, at);
  yield { file: files[last]!, chunks };
}

function endOf({ place, sizeBytes }: PlacedFile): number {
  return place.start + sizeBytes;
}
