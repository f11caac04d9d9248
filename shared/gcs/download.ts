import { agree, Checksum, type Checksums, MAX_MD5_BYTES, parseHashes } from './checksum.ts';
import type { Answer } from './exchange.ts';
import { ConnectionFailure, DamageFailure, hasStatus, ReplacedFailure } from './failures.ts';
import { ask, type GcsPlace, objectTarget } from './object-call.ts';
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
        found ??= describe(answer, { at, end, isWhole });
        checkContinues(answer, at, found);
      } catch (error) {
        answer.discard();
        throw error;
      }
      if (isWhole && !isVerifiedByReader) checksum ??= checksumFor(found);
      for await (const chunk of answer.body) {
        at += chunk.byteLength;
        if (at > found.end) throw new DamageFailure('more bytes came than were promised');
        checksum?.update(chunk);
        yield chunk;
      }
      if (at < found.end) throw new ConnectionFailure('the answer ended before its end');
    } catch (error) {
      // Nothing lies at or after the start.
      if (hasStatus(error, 416) && found === undefined) return;
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

function describe(
  { headers, status }: Answer,
  asked: { at: number; end: number | undefined; isWhole: boolean },
): Found {
  const generation = headers['x-goog-generation'];
  return {
    generation: typeof generation === 'string' && /^\d+$/.test(generation) ? generation : undefined,
    end: status === 206 ? endOfRange(headers['content-range'], asked.end) : lengthOf(headers),
    sums: asked.isWhole ? parseHashes(headers['x-goog-hash']) : {},
  };
}

function checksumFor({ end, sums }: Found): Checksum {
  return new Checksum({ withMd5: end <= MAX_MD5_BYTES || sums.crc32c === undefined });
}

function lengthOf(headers: Answer['headers']): number {
  const length = Number(headers['content-length'] ?? headers['x-goog-stored-content-length'] ?? Number.NaN);
  if (!Number.isSafeInteger(length)) throw new ConnectionFailure('the answer does not tell its length');
  return length;
}

/** A range ends where it was asked to, or with the object. */
function endOfRange(header: string | undefined, end = Number.POSITIVE_INFINITY): number {
  const [, last, total] = /^bytes \d+-(\d+)\/(\d+)$/.exec(header ?? '') ?? [];
  if (last === undefined || Number(last) + 1 !== Math.min(end, Number(total)))
    throw new ConnectionFailure('a part of the range came');
  return Number(last) + 1;
}

/** A server that ignored the range, or a proxy that kept an older object, would otherwise be sewn in. */
function checkContinues({ headers, status }: Answer, at: number, found: Found): void {
  const [, first] = /^bytes (\d+)-/.exec(headers['content-range'] ?? '') ?? [];
  if (status === 206 ? first !== String(at) : at > 0)
    throw new ConnectionFailure('another range came than was asked for');
  const generation = headers['x-goog-generation'];
  if (found.generation !== undefined && generation !== undefined && generation !== found.generation)
    throw new ReplacedFailure();
}
