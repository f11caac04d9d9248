import { randomUUID } from 'node:crypto';
import { type ByteSource, isRepeatable } from '../content/byte-source.ts';
import { agree, Checksum, MAX_MD5_BYTES } from './checksum.ts';
import { orAborted } from './exchange.ts';
import { DamageFailure, hasStatus, SessionLostFailure } from './failures.ts';
import { askForObject, type GcsPlace, type StoredObject } from './object-call.ts';
import { piecesOf } from './pieces.ts';
import { removeGeneration } from './remove.ts';
import { Retries } from './retries.ts';
import { uploadInPieces } from './upload-in-pieces.ts';
import { uploadWhole } from './upload-whole.ts';

export interface UploadOptions {
  /** Resolves to `undefined` when the name is taken, and leaves what is there. */
  ifAbsent: boolean;
  signal?: AbortSignal | undefined;
}

/** One upload, from its first request to its last retry. */
export interface Upload extends UploadOptions {
  place: GcsPlace;
  name: string;
  /** Kept in the object's metadata: tells an upload whose answer was lost from somebody else's. */
  id: string;
  checksum: Checksum;
}

const ID_FIELD = 'modelfn-upload';

/**
 * Stores a source under a name: the new object appears whole at the end or not at all. Memory: two pieces.
 *
 * Why every request of it may be sent again:
 * - It names the generation that it replaces (0 for none). Without that, a request taken for lost could arrive late and
 *   put old bytes over those of a later write that had succeeded. What this cannot keep off: nothing looks like nothing,
 *   so an object deleted at once may come back by a late request of its own upload.
 * - A small object is sent in one request. When somebody else was faster, it is sent again over what is there then.
 * - A large one goes through an upload session, which Cloud Storage completes once, however often its pieces come. Its
 *   source may be one that cannot be read twice: when somebody else was faster, the write fails, and may be repeated by its
 *   caller. A session that is gone before its end (404, 410) is replaced by a new one where the source can be read again.
 * - An answer "precondition failed" may be the echo of our own first try: the upload's id and checksums tell.
 *
 * Checksums go with the bytes, so that Cloud Storage refuses damaged ones before they are seen, and its answer is
 * compared with ours again.
 * @throws what the source throws, else as `download`
 */
export async function upload(
  place: GcsPlace,
  name: string,
  source: ByteSource,
  options: UploadOptions,
): Promise<StoredObject | undefined> {
  const retries = new Retries(place.pace, options.signal);
  for (;;) {
    try {
      return await uploadOnce(place, name, source, options);
    } catch (error) {
      if (!(error instanceof SessionLostFailure) || !isRepeatable(source)) throw error;
      await retries.pause(error);
    }
  }
}

async function uploadOnce(
  place: GcsPlace,
  name: string,
  source: ByteSource,
  options: UploadOptions,
): Promise<StoredObject | undefined> {
  const { signal } = options;
  const pieces = piecesOf(source, place.pieceBytes);
  try {
    const next = () => orAborted(pieces.next(), signal);
    const first = await next();
    if (first.done === true) throw new TypeError('a source has at least one piece');
    const { bytes, isLast } = first.value;
    const checksum = new Checksum({ withMd5: isLast && bytes.byteLength <= MAX_MD5_BYTES });
    checksum.update(bytes);
    const work: Upload = { ...options, place, name, id: randomUUID(), checksum };
    return isLast ? await uploadWhole(work, bytes) : await uploadInPieces(work, bytes, next);
  } finally {
    // Not awaited: a source that hangs would hold up who has stopped the upload.
    pieces.return(undefined).catch(() => {});
  }
}

/** What an object of this upload says of itself. */
export function resourceOf({ id }: Upload): { contentType: string; metadata: Record<string, string> } {
  return { contentType: 'application/octet-stream', metadata: { [ID_FIELD]: id } };
}

/** The object under the upload's name, `undefined` when there is none. */
export async function findStored({ place, name, signal }: Upload): Promise<StoredObject | undefined> {
  try {
    return await askForObject(place, name, signal);
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

/** True when this upload made the object, and made it whole. */
export function isOwn({ id, checksum }: Upload, stored: StoredObject | undefined): stored is StoredObject {
  return (
    stored !== undefined &&
    stored.metadata?.[ID_FIELD] === id &&
    stored.size === checksum.sizeBytes &&
    agree(checksum.sums(), { crc32c: stored.crc32c, md5: stored.md5Hash })
  );
}

/**
 * Hands the object back when it is what was sent. One that is not goes away again: it is nobody's.
 * @throws DamageFailure
 */
export async function checkStored(work: Upload, stored: StoredObject): Promise<StoredObject> {
  const { place, name, checksum, signal } = work;
  const isEqual =
    stored.size === checksum.sizeBytes &&
    agree(checksum.sums(), { crc32c: stored.crc32c, md5: stored.md5Hash });
  if (isEqual) return stored;
  await removeGeneration(place, name, stored.generation, signal);
  throw new DamageFailure('what was stored does not have the checksum of what was sent');
}
