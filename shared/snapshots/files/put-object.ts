import type { Bucket, ObjectInfo } from '../../buckets/bucket.ts';
import { type ByteSource, RepeatableSource } from '../../content/byte-source.ts';
import type { ContentInfo } from '../../content/content-store.ts';
import { digestChunks } from '../../content/file-digest.ts';
import { hasCode } from '../../errors.ts';
import { WeightsCorrupt } from '../errors.ts';

export interface PutOptions {
  /** Names the object in an error. */
  file: string;
  snapshotId: string;
  signal?: AbortSignal | undefined;
  /** What was found under the key a moment ago; it is looked for when this is not given. */
  there?: ObjectInfo | undefined;
}

/**
 * Makes a bucket hold bytes under a key that is derived from them, and answers how many bytes were sent. What is
 * there and sound stays; what is there and damaged is replaced. In the end the bucket's own bytes were found right: by
 * itself where it proves its writes, else they were read back.
 * @throws WeightsCorrupt when the bucket does not give back what it was sent
 */
export async function putObject(
  bucket: Bucket,
  key: string,
  content: ContentInfo,
  open: () => ByteSource,
  options: PutOptions,
): Promise<number> {
  const { signal } = options;
  const there = 'there' in options ? options.there : await bucket.stat(key);
  if (there?.sizeBytes === content.sizeBytes && (await isSound(bucket, key, content, signal))) return 0;
  if (bucket.link && (await bucket.link(key, content)) && (await isSound(bucket, key, content, signal)))
    return 0;
  const sent = await send(bucket, key, open, { ifAbsent: there === undefined, ...(signal && { signal }) });
  if (sent && bucket.capabilities.provesWrites) return content.sizeBytes;
  const found = await digestObject(bucket, key, signal);
  if (found.sha256 === content.sha256) return sent ? content.sizeBytes : 0;
  throw new WeightsCorrupt('the bucket holds other bytes than it was sent', {
    snapshotId: options.snapshotId,
    file: options.file,
    expected: content.sha256,
    found: found.sha256,
  });
}

function digestObject(bucket: Bucket, key: string, signal: AbortSignal | undefined): Promise<ContentInfo> {
  return digestChunks(bucket.read(key, { isVerifiedByReader: true, ...(signal && { signal }) }), signal);
}

async function isSound(
  bucket: Bucket,
  key: string,
  content: ContentInfo,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    return (await digestObject(bucket, key, signal)).sha256 === content.sha256;
  } catch (error) {
    if (hasCode(error, 'ObjectNotFound') || hasCode(error, 'ContentMissing')) return false;
    throw error;
  }
}

/** False when another save brought the same object meanwhile. */
async function send(
  bucket: Bucket,
  key: string,
  open: () => ByteSource,
  options: { ifAbsent: boolean; signal?: AbortSignal },
): Promise<boolean> {
  try {
    await bucket.write(key, repeatable(open), options);
    return true;
  } catch (error) {
    if (hasCode(error, 'PreconditionFailed')) return false;
    throw error;
  }
}

/** Bytes in memory stay as they are: buckets send them in one request. */
function repeatable(open: () => ByteSource): ByteSource {
  let opened: ByteSource | undefined = open();
  if (opened instanceof Uint8Array) return opened;
  return new RepeatableSource(() => {
    const source = opened ?? open();
    opened = undefined;
    return source;
  });
}
