import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { ContentInfo } from './content-store.ts';

const CHUNK_BYTES = 1 << 20;

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
 * The bytes of a file from `start` to before `end`, in chunks of 1 MiB. The file is opened once, so that one who
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
    for (let position = start; position < end; ) {
      signal?.throwIfAborted();
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
