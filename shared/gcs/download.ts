import { agree, Checksum, type Checksums, MAX_MD5_BYTES, parseHashes } from './checksum.ts';
import type { Answer } from './exchange.ts';
import { ConnectionFailure, DamageFailure, hasStatus, ReplacedFailure } from './failures.ts';
import { ask, askForObject, type GcsPlace, objectTarget } from './object-call.ts';
import { Retries } from './retries.ts';

export interface DownloadOptions {
  /** First byte, 0 when missing. */
  start?: number;
  /** One past the last byte; the object's end when missing. */
  end?: number | undefined;
  /** Reads this generation or none; the newest when missing. */
  generation?: string | undefined;
  /** Leaves Cloud Storage's checksums alone: of small objects they cost as much as all the rest. */
  isVerifiedByReader?: boolean;
  signal?: AbortSignal | undefined;
}

/** What the first answer told: all later ones must fit to it. */
interface Found {
  generation: string | undefined;
  /** Where the bytes asked for end. */
  end: number;
  /** Sums of the whole object; empty when only a part was asked for, as there are none for parts. */
  sums: Checksums;
}

/** Fewer bytes than this between two failures do not renew the patience. */
const PROGRESS_BYTES = 1 << 20;

/**
 * The bytes of an object, all of one generation: a connection that breaks is taken up where it broke, of the same
 * generation. The whole object is checked against Cloud Storage's checksums at its end, unless the reader has a digest to
 * compare; a part cannot be, so who reads parts has one.
 * @throws ReplyFailure, ConnectionFailure, CredentialsFailure, ReplacedFailure, DamageFailure, or the signal's reason
 */
export async function* download(
  place: GcsPlace,
  name: string,
  { start = 0, end, generation, isVerifiedByReader = false, signal }: DownloadOptions = {},
): AsyncGenerator<Uint8Array> {
  const isWhole = start === 0 && end === undefined;
  const retries = new Retries(place.pace, signal);
  let found: Found | undefined;
  let checksum: Checksum | undefined;
  let at = start;
  let renewedAt = start;
  while (found === undefined || at < found.end) {
    try {
      const target = objectTarget(place, name, { alt: 'media', generation: found?.generation ?? generation });
      const headers = isWhole && at === 0 ? {} : { range: `bytes=${at}-${end === undefined ? '' : end - 1}` };
      const answer = await ask(place, { method: 'GET', target, headers, signal }, 200, 206);
      try {
        checkEncoding(answer);
        found ??= describe(answer, { end, isWhole });
        checkContinues(answer, at, found);
      } catch (error) {
        answer.discard();
        throw error;
      }
      if (isWhole && !isVerifiedByReader) checksum ??= checksumFor(found);
      // A server that ignores ranges answers 200 with the whole object: only the bytes asked for are taken.
      const isRest = answer.status === 206 || (isWhole && at === 0);
      for await (const chunk of isRest ? answer.body : cut(answer.body, at, found.end)) {
        at += chunk.byteLength;
        if (at > found.end) throw new DamageFailure('more bytes came than were promised');
        checksum?.update(chunk);
        yield chunk;
      }
      if (at < found.end) throw new ConnectionFailure('the answer ended before its end');
    } catch (thrown) {
      const isRangeRefused = hasStatus(thrown, 416);
      if (isRangeRefused && found === undefined && (await isEmptyFrom(place, name, start, signal))) return;
      const error = isRangeRefused
        ? new ConnectionFailure('bytes that are there were refused', thrown)
        : thrown;
      if (hasStatus(error, 404, 412) && found !== undefined) throw new ReplacedFailure();
      if (found !== undefined && found.generation === undefined) throw error;
      if (at - renewedAt >= PROGRESS_BYTES) {
        retries.progressed();
        renewedAt = at;
      }
      await retries.after(error);
    }
  }
  if (checksum !== undefined && !agree(checksum.sums(), found.sums))
    throw new DamageFailure('the bytes that came do not have the checksum that Cloud Storage tells');
}

/** True when the object has no byte at or after `start`. */
async function isEmptyFrom(
  place: GcsPlace,
  name: string,
  start: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  return (await askForObject(place, name, signal)).size <= start;
}

function describe(
  { headers, status }: Answer,
  { end = Number.POSITIVE_INFINITY, isWhole }: { end: number | undefined; isWhole: boolean },
): Found {
  const generation = headers['x-goog-generation'];
  return {
    generation: typeof generation === 'string' && /^\d+$/.test(generation) ? generation : undefined,
    end: Math.min(end, status === 206 ? totalOf(headers['content-range']) : lengthOf(headers)),
    sums: isWhole ? parseHashes(headers['x-goog-hash']) : {},
  };
}

/**
 * Cloud Storage sends an object as it is stored. A proxy that compresses or unpacks it on the way changes what positions
 * and sizes mean.
 */
function checkEncoding({ headers }: Answer): void {
  const stored = headers['x-goog-stored-content-encoding'];
  if (typeof stored === 'string' && stored !== (headers['content-encoding'] ?? 'identity'))
    throw new ConnectionFailure('the object came in another encoding than it is stored in');
}

function checksumFor({ end, sums }: Found): Checksum {
  return new Checksum({ withMd5: end <= MAX_MD5_BYTES || sums.crc32c === undefined });
}

function lengthOf(headers: Answer['headers']): number {
  const length = Number(headers['content-length'] ?? headers['x-goog-stored-content-length'] ?? Number.NaN);
  if (!Number.isSafeInteger(length)) throw new ConnectionFailure('the answer does not tell its length');
  return length;
}

/** Size of the object that a range was taken from. */
function totalOf(header: string | undefined): number {
  const [, total] = /^bytes \d+-\d+\/(\d+)$/.exec(header ?? '') ?? [];
  if (total === undefined) throw new ConnectionFailure('the answer does not tell which range it is');
  return Number(total);
}

/** Guards against a reply with another range, or with an older object from a proxy's cache. */
function checkContinues({ headers, status }: Answer, at: number, found: Found): void {
  const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(headers['content-range'] ?? '') ?? [];
  if (status === 206 && (first !== String(at) || Number(last) >= found.end))
    throw new ConnectionFailure('another range came than was asked for');
  const generation = headers['x-goog-generation'];
  if (found.generation !== undefined && generation !== undefined && generation !== found.generation)
    throw new ReplacedFailure();
}

/** The bytes from `start` to before `end`. */
async function* cut(
  chunks: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  let position = 0;
  for await (const chunk of chunks) {
    const from = Math.max(0, start - position);
    const to = Math.min(chunk.byteLength, end - position);
    if (from < to) yield chunk.subarray(from, to);
    position += chunk.byteLength;
    if (position >= end) return;
  }
}
