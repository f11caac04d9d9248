import { messageOf, systemCode } from '../errors.ts';

/**
 * A reply of Cloud Storage that is no success. Holds what is safe to show: never the request, whose headers and address
 * carry credentials.
 */
export class ReplyFailure extends Error {
  override readonly name = 'ReplyFailure';
  readonly status: number;
  /** Google's word for it, such as `rateLimitExceeded`; empty when the reply gave none. */
  readonly reason: string;
  /** What `Retry-After` asked for. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, reason: string, text: string, retryAfterMs?: number) {
    super(`HTTP ${status}${text === '' ? '' : `: ${text}`}`);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A connection that broke, was never made, or fell silent. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure';
  readonly code: string | undefined;

  constructor(problem: string, cause?: unknown) {
    super(problem, { cause });
    this.code = systemCode(cause);
  }
}

/** Credentials that cannot be had. The library's own error is left out: it carries requests with their secrets. */
export class CredentialsFailure extends Error {
  override readonly name = 'CredentialsFailure';
  /** The place that gives them out is not reached just now. */
  readonly isPassing: boolean;

  constructor(problem: string, isPassing: boolean) {
    super(problem);
    this.isPassing = isPassing;
  }
}

/** Bytes that are not those that were sent. `found` by us, `expected` by Cloud Storage or the other way round. */
export class DamageFailure extends Error {
  override readonly name = 'DamageFailure';
}

/** The generation that a read was pinned to went away during the read. */
export class ReplacedFailure extends Error {
  override readonly name = 'ReplacedFailure';
}

/** An upload session that is gone before its end. Nothing of it was seen; a new session has to send all bytes again. */
export class SessionLostFailure extends Error {
  override readonly name = 'SessionLostFailure';

  constructor(cause: unknown) {
    super(`the upload session is gone (${messageOf(cause)})`, { cause });
  }
}

const PASSING_STATUSES = [408, 429, 500, 502, 503, 504];
const RATE_REASONS = ['rateLimitExceeded', 'userRateLimitExceeded'];
const TRUST_CODES = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** Whether the same request may succeed in a moment. List: https://cloud.google.com/storage/docs/retry-strategy */
export function isPassing(error: unknown): boolean {
  if (error instanceof ReplyFailure)
    return (
      PASSING_STATUSES.includes(error.status) || (error.status === 403 && RATE_REASONS.includes(error.reason))
    );
  if (error instanceof ConnectionFailure) return !TRUST_CODES.test(error.code ?? '');
  return error instanceof CredentialsFailure && error.isPassing;
}

/** Bytes that were damaged on their way, as we see it or as Cloud Storage does. */
export function isDamage(error: unknown): boolean {
  return (
    error instanceof DamageFailure ||
    (hasStatus(error, 400) && /hash|checksum|crc32c|md5/i.test(error.message))
  );
}

/** True for a reply with this status. */
export function hasStatus(error: unknown, ...statuses: readonly number[]): error is ReplyFailure {
  return error instanceof ReplyFailure && statuses.includes(error.status);
}

/** A 404 is of an object or of the whole bucket; only its text tells which. */
export function isBucketMissing(error: unknown): boolean {
  return hasStatus(error, 404) && /bucket does not exist|bucket not found/i.test(error.message);
}
