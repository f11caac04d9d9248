import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ContentInfo } from './content-store.ts';

const CHUNK_BYTES = 1 << 20;
/** A small file is not to cost a large buffer. */
const FIRST_BYTES = 1 << 16;

/** sha256 of bytes in memory, 64 lower-case hex digits. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** sha256 and size of a file, read once from start to end. */
export function digestFile(path: string, signal?: AbortSignal): Promise<ContentInfo> {
  return digestChunks(readFileChunks(path, signal), signal);
}

/** sha256 and size of all that a stream brings. */
export async function digestChunks(
  chunks: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<ContentInfo> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

/**
 * The bytes of a file from `start` to before `end`, in chunks of up to 1 MiB. The file is opened once, so that one who
 * replaces it meanwhile does not mix into what is read.
 */
export async function* readFileChunks(
  path: string,
  signal?: AbortSignal,
  start = 0,
  end = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    let chunkBytes = FIRST_BYTES;
    let buffer = Buffer.alloc(0);
    for (let position = start; position < end; ) {
      signal?.throwIfAborted();
      // What a short read left of the last buffer is enough to find that nothing more comes.
      if (buffer.length === 0) buffer = Buffer.allocUnsafe(Math.min(chunkBytes, end - position));
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end - position), position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
      buffer = buffer.subarray(bytesRead);
      chunkBytes = CHUNK_BYTES;
    }
  } finally {
    await handle.close();
  }
}

/**
 * All bytes of a file, `undefined` when it has more than `maxBytes`. In place: a tenth of what the same costs by
 * promises, which counts where there are thousands; who reads many lets others have a turn in between.
 */
export function readSmallFile(path: string, maxBytes: number): Uint8Array | undefined {
  const descriptor = openSync(path, 'r');
  try {
    return fstatSync(descriptor).size > maxBytes ? undefined : readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
