import type { Bucket } from '../../buckets/bucket.ts';
import { isModelfnError } from '../../errors.ts';

/**
 * Bytes of an object from `start` to before `end`, for who compares their digest. A failure that the bucket calls passing is met once by asking again
 * for what is still to come.
 */
export async function* readSteadily(
  bucket: Bucket,
  key: string,
  { start = 0, end, signal }: { start?: number; end?: number | undefined; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  let position = start;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const range = { ...(position > 0 && { start: position }), ...(end !== undefined && { end }) };
      for await (const chunk of bucket.read(key, { ...range, isVerifiedByReader: true, signal })) {
        position += chunk.byteLength;
        yield chunk;
      }
      return;
    } catch (error) {
      const mayPass = isModelfnError(error) && error.retryable && !signal.aborted;
      if (!mayPass || attempt === 2) throw error;
    }
  }
}
