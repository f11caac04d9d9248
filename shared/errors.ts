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
  if (isModelfnError(error))
    return { statusCode: error.statusCode, message: error.message, code: error.code, details: error.details };
  return new InternalError(error).toJSON();
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
