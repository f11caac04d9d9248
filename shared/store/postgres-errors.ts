import { messageOf } from '../errors.ts';
import { StoreCorrupt, StoreUnavailable } from './errors.ts';

/** PostgreSQL's own codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNIQUE_VIOLATION = '23505';
const STATEMENT_STOPPED = '57014';
const UNDEFINED_TABLE = '42P01';
const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';
/** Classes, and codes of Node, that tell that the connection is gone or was never there. */
const LOST = /^(08|57P0[1235]|25P03|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN)/;
/** What `pg` says of a connection that ended; it has no code for it. */
const LOST_MESSAGE =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|Query read timeout)/;
/** What may pass while a server starts, or when other clients have left. */
const NOT_YET = /^(57P03|53300)/;

const ADVICE: readonly (readonly [code: RegExp, advice: string])[] = [
  [/^55P03/, 'Another process holds it; try again.'],
  [/^57014/, 'It took too long and was stopped; try again, or ask for less.'],
  [/^53100/, 'Its disk is full: make room, then try again. Nothing was half-written.'],
  [/^53300/, 'It has no connection left: allow more, or put a pooler before it.'],
  [/^53/, 'It lacks resources; try again later.'],
  [/^25006/, 'It takes no writes: MODELFN_STORE is to name the primary server.'],
  [/^28/, 'Check user and password in MODELFN_STORE.'],
  [/^3D000/, 'Make the database that MODELFN_STORE names.'],
  [/^42501/, 'Give the user of MODELFN_STORE its tables, and the right to make them in its schema.'],
  [/^(ENOTFOUND|EAI_AGAIN|ENOENT|EACCES)/, 'Check the host in MODELFN_STORE.'],
  [
    /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/,
    'Check sslmode and sslrootcert in MODELFN_STORE.',
  ],
  [LOST, 'Check that the server of MODELFN_STORE runs and can be reached; try again.'],
];

/**
 * What the server, `pg` or the network said to this driver. Errors of others have codes too: of those that the work of a
 * transaction throws, none is taken for one of these.
 */
export class PostgresFailure extends Error {
  override readonly name = 'PostgresFailure';
  /** PostgreSQL's or Node's; empty where there is none. */
  readonly code: string;
  /** True for what the server itself refused: it ends the transaction, or the part of it. */
  readonly isRefusal: boolean;

  constructor(cause: unknown) {
    const { code, severity } = Object(cause) as { code?: unknown; severity?: unknown };
    const known = typeof code === 'string' ? code : '';
    // Node tries several addresses of a host, and then has no word for what it met.
    super(messageOf(cause) || known, { cause });
    this.code = known;
    this.isRefusal = severity !== undefined;
  }
}

/** Another writer came first, and what it wrote cannot be seen from this transaction: it is to be run again. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** Two writers that got in each other's way; one of them is undone, and is to be run again. */
export function isConflict(error: unknown): boolean {
  return error instanceof Overtaken || [SERIALIZATION_FAILURE, DEADLOCK].includes(codeOf(error));
}

/** The connection is gone. What was asked for last may have been done or not. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof PostgresFailure)) return false;
  return LOST.test(error.code) || (error.code === '' && LOST_MESSAGE.test(error.message));
}

/** Connecting again in a moment may succeed. */
export function isNotYet(error: unknown): boolean {
  return NOT_YET.test(codeOf(error));
}

export function isMissingTable(error: unknown): boolean {
  return codeOf(error) === UNDEFINED_TABLE;
}

/** The unique index that a write met, and what PostgreSQL says of the values; `undefined` for any other error. */
export function takenIndex(error: unknown): { index: string; detail: string } | undefined {
  if (!(error instanceof PostgresFailure) || error.code !== UNIQUE_VIOLATION) return undefined;
  const { constraint, detail } = error.cause as { constraint?: unknown; detail?: unknown };
  return { index: String(constraint), detail: typeof detail === 'string' ? detail : '' };
}

/** True for a statement that the server stopped because its time was up, as `told` answers it too. */
export function isStatementTimeout(error: unknown): boolean {
  const failure = error instanceof StoreUnavailable ? error.cause : error;
  return codeOf(failure) === STATEMENT_STOPPED;
}

/** True for what the server itself refused. */
export function isRefusal(error: unknown): boolean {
  return error instanceof PostgresFailure && error.isRefusal;
}

/** A failure in our words; any other error is answered as it is. */
export function told(error: unknown): unknown {
  if (isConflict(error)) return new StoreUnavailable(error, 'Other writers were in the way; try again.');
  if (!(error instanceof PostgresFailure)) return error;
  const { code, cause, message } = error;
  const [, advice] = ADVICE.find(([known]) => known.test(code)) ?? [];
  if (advice !== undefined) return new StoreUnavailable(error, advice);
  if (isLost(error) || /SSL|TLS/.test(message))
    return new StoreUnavailable(error, 'Check the server and the sslmode of MODELFN_STORE; try again.');
  if (/^(XX00[12]|42P0[17])/.test(code))
    return new StoreCorrupt(error, 'Restore the database, or name an empty one in MODELFN_STORE.');
  return cause;
}

function codeOf(error: unknown): string {
  return error instanceof PostgresFailure ? error.code : '';
}
