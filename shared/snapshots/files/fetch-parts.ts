import type { FileHandle } from 'node:fs/promises';
import type { Bucket } from '../../buckets/bucket.ts';
import { ContentCut, ContentTooLarge } from '../../content/errors.ts';
import { inParallel } from '../../content/in-parallel.ts';
import { HeldBytes, OrderedDigest, type Part } from './ordered-digest.ts';
import { readSteadily } from './read-steadily.ts';
import { RequestBudget } from './request-budget.ts';

/** One request brings this much of a file at most, where the bucket reads ranges (docs/BENCHMARKS.md). */
export const PART_BYTES = 4 * 2 ** 20;
/** Written in one call: 64 kB at a time costs several times as much. */
const WRITE_BYTES = 1 << 20;
/** Bytes of all files that came before their turn to be hashed and are kept in memory. */
const HELD_BYTES = 64 * 2 ** 20;

/** What the loads of one container share of the line and of memory. */
export interface Line {
  readonly requests: RequestBudget;
  readonly held: HeldBytes;
  readonly partBytes: number;
}

export function openLine({
  requests = new RequestBudget(),
  held = new HeldBytes(HELD_BYTES),
  partBytes = PART_BYTES,
}: Partial<Line> = {}): Line {
  return { requests, held, partBytes };
}

/** One object as a fetch needs it. */
export interface RemoteObject {
  bucket: Bucket;
  key: string;
  sizeBytes: number;
}

/**
 * Writes an object into an open, empty file, its parts side by side, and answers the sha256 of what came. When one
 * part fails the others are stopped first.
 * @throws ContentCut, ContentTooLarge when it has not `sizeBytes`; the bucket's codes; the system's errors
 */
export async function fetchParts(
  object: RemoteObject,
  handle: FileHandle,
  line: Line,
  signal: AbortSignal,
): Promise<string> {
  const parts = partsOf(object, line.partBytes);
  const readBack = async (buffer: Uint8Array, position: number) =>
    (await handle.read(buffer, 0, buffer.byteLength, position)).bytesRead;
  const digest = new OrderedDigest(parts, line.held, readBack);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  try {
    await inParallel([...parts.keys()], line.requests.limit, async (index) => {
      try {
        await line.requests.run(either, () => fetchPart(index, parts, { object, handle, digest }, either));
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    });
    return await digest.digest();
  } finally {
    digest.drop();
  }
}

/** All bytes of a small object, in memory. @throws as `fetchParts` */
export function fetchWhole(object: RemoteObject, line: Line, signal: AbortSignal): Promise<Uint8Array[]> {
  const { bucket, key, sizeBytes } = object;
  return line.requests.run(signal, async () => {
    const chunks: Uint8Array[] = [];
    let foundBytes = 0;
    for await (const chunk of readSteadily(bucket, key, { signal })) {
      foundBytes += chunk.byteLength;
      if (foundBytes > sizeBytes) throw new ContentTooLarge(sizeBytes);
      chunks.push(chunk);
    }
    if (foundBytes < sizeBytes) throw new ContentCut(sizeBytes, foundBytes);
    return chunks;
  });
}

function partsOf({ bucket, sizeBytes }: RemoteObject, partBytes: number): Part[] {
  const step = bucket.capabilities.canReadRanges ? partBytes : Math.max(1, sizeBytes);
  const count = Math.max(1, Math.ceil(sizeBytes / step));
  return Array.from({ length: count }, (_, index) => ({
    start: index * step,
    end: Math.min(sizeBytes, (index + 1) * step),
  }));
}

interface Incoming {
  object: RemoteObject;
  handle: FileHandle;
  digest: OrderedDigest;
}

async function fetchPart(
  index: number,
  parts: readonly Part[],
  { object, handle, digest }: Incoming,
  signal: AbortSignal,
): Promise<void> {
  const { bucket, key, sizeBytes } = object;
  const { start, end } = parts[index]!;
  let batch: Uint8Array[] = [];
  let written = start;
  let arrived = start;
  const flush = async (): Promise<void> => {
    const chunks = batch;
    batch = [];
    await writeAll(handle, chunks, written);
    written = arrived;
    await digest.stored(index);
  };
  // The last part is asked for without an end: an object that is too long is noticed by what comes after it.
  const until = index === parts.length - 1 ? undefined : end;
  for await (const chunk of readSteadily(bucket, key, { start, end: until, signal })) {
    signal.throwIfAborted();
    arrived += chunk.byteLength;
    if (arrived > end) throw new ContentTooLarge(sizeBytes);
    digest.arrived(index, chunk);
    batch.push(chunk);
    if (arrived - written >= WRITE_BYTES) await flush();
  }
  if (arrived < end) throw new ContentCut(sizeBytes, arrived);
  await flush();
}

async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> {
  if (chunks.length === 0) return;
  const total = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  let { bytesWritten } = await handle.writev(chunks, position);
  // A disk may take less than it was given; what it then says about the rest is the error to tell.
  for (const rest = bytesWritten < total ? Buffer.concat(chunks) : undefined; bytesWritten < total; )
    bytesWritten += (await handle.write(rest!, bytesWritten, total - bytesWritten, position + bytesWritten))
      .bytesWritten;
}
