import type { Json, JsonObject } from './json.ts';

const MARKER = Symbol.for('modelfn.error');

export interface ErrorFields {
  /** JSON-safe facts for programs: never a secret, never a machine's path outside the state folder. */
  details?: JsonObject;
  cause?: unknown;
}

/** The shape of an error on the wire: what every HTTP reply, batch item and execution record carries. */
export interface ErrorBody {
  statusCode: number;
  message: string;
  code: string;
  details: JsonObject;
}

/**
 * Base of every error modelfn throws on purpose. Each subclass sets a literal `name` (equal to its `code`,
 * so that a Step Functions `Retry`/`Catch` can match it) and builds its message from typed fields:
 * what was wrong, where, what to do.
 */
export abstract class ModelfnError extends Error {
  /** Stable identifier; a program may branch on it. */
  abstract readonly code: string;
  /** HTTP status that fits; also decides the CLI's exit code. */
  abstract readonly statusCode: number;
  /** Whether the same call may succeed when repeated later without any change. */
  readonly retryable: boolean = false;
  readonly details: JsonObject;
  readonly [MARKER] = true;

  constructor(message: string, fields: ErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.details = fields.details ?? {};
  }

  toJSON(): ErrorBody {
    return { statusCode: this.statusCode, message: this.message, code: this.code, details: this.details };
  }
}

/**
 * Tells our errors from others. A marker instead of `instanceof`: an adapter is bundled with its own copy
 * of these classes, and its errors must be known here too.
 */
export function isModelfnError(error: unknown): error is ModelfnError {
  return typeof error === 'object' && error !== null && MARKER in error;
}

/** Any thrown value as the wire shape. What is not ours becomes `InternalError` and shows no inner text of the system. */
export function toErrorBody(error: unknown): ErrorBody {
  const { statusCode, message, code, details } = asModelfnError(error);
  return { statusCode, message, code, details };
}

/**
 * Any thrown value as an error with a stable code. A refusal of the system that concerns its storage, such as a full disk, is
 * a StorageUnavailable wherever it comes from; what is left is an InternalError.
 */
export function asModelfnError(error: unknown): ModelfnError {
  if (isModelfnError(error)) return error;
  const isOfStorage = Object.hasOwn(STORAGE_ADVICE, systemCode(error) ?? '');
  return isOfStorage ? new StorageUnavailable('A file operation', error) : new InternalError(error);
}

/** True when a thrown value is ours and has this code. */
export function hasCode(error: unknown, code: string): boolean {
  return isModelfnError(error) && error.code === code;
}

/** A fault that nobody foresaw. Thrown by no one on purpose: `toErrorBody` makes it from foreign errors. */
export class InternalError extends ModelfnError {
  override readonly name = 'InternalError';
  readonly code = 'InternalError';
  readonly statusCode = 500;
  constructor(cause: unknown) {
    super(
      `Unexpected failure: ${messageOf(cause)}. This is a fault of modelfn or of the adapter; the log has the stack.`,
      {
        cause,
      },
    );
  }
}

/** The disk cannot be read or written just now: full, read-only, not permitted. Nothing was half-written. */
export class StorageUnavailable extends ModelfnError {
  override readonly name = 'StorageUnavailable';
  readonly code = 'StorageUnavailable';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(what: string, cause: unknown) {
    super(`${what} failed: ${briefly(cause)}. ${storageAdvice(cause)}`, {
      details: { systemCode: systemCode(cause) ?? null },
      cause,
    });
  }
}

/** The system's own words for a failure, without the machine's paths that follow them. */
export function briefly(error: unknown): string {
  const message = messageOf(error);
  return systemCode(error) === undefined ? message : (message.split(',')[0] ?? message);
}

/** Advice for a failure of the disk. */
export function storageAdvice(error: unknown): string {
  const code = systemCode(error) ?? '';
  return (
    (Object.hasOwn(STORAGE_ADVICE, code) ? STORAGE_ADVICE[code] : undefined) ??
    'Try again; if it goes on, look at the disk and at the log.'
  );
}

const NOT_PERMITTED = 'The process may not touch the file: correct its owner or permissions, then try again.';
const DISK_FAULT = 'The disk reported a fault: check it before writing more.';

/** By the system's code: what is wrong with the storage of the machine, and what to do. */
const STORAGE_ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: free some space, then try again. Nothing was half-written.',
  EDQUOT: 'The disk quota is used up: free some space, then try again. Nothing was half-written.',
  EFBIG: 'The file is larger than the file system or its limit (ulimit -f) takes.',
  EROFS: 'The file system is read-only: set MODELFN_HOME to a folder that can be written.',
  EACCES: NOT_PERMITTED,
  EPERM: NOT_PERMITTED,
  ENOTDIR: 'A file is where a folder should be: move it away, then try again.',
  EMFILE: 'Too many files are open: raise the limit of open files (ulimit -n), then try again.',
  ENFILE: 'Too many files are open on this machine: close some, then try again.',
  ENOMEM: 'The machine has no memory left for the operation: end other processes, then try again.',
  EIO: DISK_FAULT,
  ENXIO: DISK_FAULT,
  ENODEV: DISK_FAULT,
  ESTALE: 'The network file system was mounted again or lost the file: try again.',
};

/** One problem of an input: where it is and what is wrong with it. */
export type InputProblem = { field: string; problem: string };

/** An input that does not have the right shape. Lists every problem, each with its field. */
export class InvalidInput extends ModelfnError {
  override readonly name = 'InvalidInput';
  readonly code = 'InvalidInput';
  readonly statusCode = 400;
  constructor(what: string, problems: readonly InputProblem[], cause?: unknown) {
    const list = problems.map(({ field, problem }) => (field === '' ? problem : `${field}: ${problem}`));
    super(`Invalid ${what}: ${list.join('; ')}.`, {
      details: { problems: problems.map((p) => ({ ...p })) },
      cause,
    });
  }
}

/** A write that meets a name or revision already taken. */
export class Conflict extends ModelfnError {
  override readonly name: string = 'Conflict';
  readonly code: string = 'Conflict';
  readonly statusCode: number = 409;
}

/** The caller stopped the run: by terminate, by closing, or at the deadline. */
export class Cancelled extends ModelfnError {
  override readonly name = 'Cancelled';
  readonly code = 'Cancelled';
  readonly statusCode = 499;
  constructor(what: string, reason?: unknown) {
    super(
      `InterruptedError: ${what} was stopped${reason === undefined ? '' : ` (${messageOf(reason)})`}. Nothing of it was kept.`,
      {
        cause: reason,
      },
    );
  }
}

/** Text of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's error code (`ENOSPC`, `EACCES`...) of a thrown value, if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code: unknown =
    typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Detail values that may be missing are left out rather than sent as null. */
export function compact(fields: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
}
