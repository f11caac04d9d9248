import { readFileSync } from 'node:fs';
import type { ClientConfig } from 'pg';
import { InvalidInput, messageOf } from '../errors.ts';

/** A server and how it is spoken to, read from an address. */
export interface PostgresAddress {
  connection: ClientConfig;
  /** Connections of this process at once. */
  poolSize: number;
}

const DEFAULT_POOL_SIZE = 2;
const MAX_POOL_SIZE = 50;
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof SSL_MODES)[number];
const PARAMETERS = ['host', 'user', 'sslmode', 'sslrootcert', 'channel_binding', 'application_name', 'pool'];
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Reads `postgres://user:password@host:5432/database?sslmode=verify-full`. Nothing else counts: neither the PG variables
 * of the environment nor a file of passwords. What is wrong is told without the address, as it may hold a password.
 *
 * `sslmode` means what it means to PostgreSQL's own programs. Without it a server of another machine is spoken to by TLS
 * alone and its certificate is checked (`verify-full`).
 * @throws InvalidInput
 */
export function readPostgresAddress(address: string): PostgresAddress {
  const url = /^postgres(ql)?:\/\//.test(address) ? URL.parse(address) : null;
  if (!url) throw wrong('it is no address like postgres://user:password@host:5432/database');
  if (url.hash !== '') throw wrong('it has a "#"; within a password write %23');
  const options = parametersOf(url);
  // Before an empty host no user can be written.
  const user = decoded(url.username, 'user') || (options.get('user') ?? '');
  if (user === '') throw wrong('it names no user');
  const database = decoded(url.pathname.slice(1), 'database');
  if (database === '' || database.includes('/')) throw wrong('it names no database, or more than one');
  const host = hostOf(url, options.get('host'));
  return {
    connection: {
      user,
      password: decoded(url.password, 'password'),
      host,
      port: url.port === '' ? 5432 : Number(url.port),
      database,
      application_name: options.get('application_name') ?? 'modelfn',
      ssl: host.startsWith('/') ? false : sslOf(url.hostname, options),
      enableChannelBinding: ['require', 'prefer'].includes(options.get('channel_binding') ?? ''),
    },
    poolSize: poolSizeOf(options.get('pool')),
  };
}

function parametersOf(url: URL): Map<string, string> {
  const options = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!PARAMETERS.includes(name))
      throw wrong(`it has a parameter that is not known; there are ${PARAMETERS.join(', ')}`);
    if (options.has(name)) throw wrong(`it has ${name} twice`);
    options.set(name, assertPrintable(value, name));
  }
  return options;
}

/** A socket's folder is given as a parameter, as PostgreSQL's own programs take it. */
function hostOf(url: URL, folder: string | undefined): string {
  if (folder !== undefined && (!folder.startsWith('/') || url.hostname !== ''))
    throw wrong(
      'its parameter host is the folder of a socket, e.g. /var/run/postgresql, beside an empty host',
    );
  const host = folder ?? decoded(url.hostname, 'host').replace(/^\[(.+)\]$/, '$1');
  if (host === '') throw wrong('it names no host');
  if (folder === undefined && host.startsWith('/')) throw wrong('its host is a path; use the parameter host');
  return host;
}

function sslOf(hostname: string, options: ReadonlyMap<string, string>): ClientConfig['ssl'] {
  const mode = options.get('sslmode') ?? (LOOPBACK.test(hostname) ? 'disable' : 'verify-full');
  if (!isSslMode(mode)) throw wrong(`sslmode is one of ${SSL_MODES.join(', ')}`);
  const path = options.get('sslrootcert');
  if (mode === 'disable') return false;
  if (mode === 'verify-ca' && path === undefined) throw wrong('sslmode=verify-ca needs sslrootcert');
  const ca = path === undefined || path === 'system' ? {} : { ca: certificatesIn(path) };
  const checksName = mode === 'verify-full';
  return {
    ...ca,
    rejectUnauthorized: mode !== 'require' || 'ca' in ca,
    ...(!checksName && { checkServerIdentity: () => undefined }),
  };
}

function isSslMode(mode: string): mode is SslMode {
  return (SSL_MODES as readonly string[]).includes(mode);
}

function certificatesIn(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw wrong(`the file of sslrootcert cannot be read: ${messageOf(error)}`);
  }
}

function poolSizeOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_POOL_SIZE;
  const size = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > MAX_POOL_SIZE) throw wrong(`pool is a number from 1 to ${MAX_POOL_SIZE}`);
  return size;
}

function decoded(text: string, what: string): string {
  try {
    return assertPrintable(decodeURIComponent(text), what);
  } catch (error) {
    if (error instanceof URIError) throw wrong(`its ${what} has a "%" that begins no code; write %25`);
    throw error;
  }
}

function assertPrintable(text: string, what: string): string {
  if (/\p{Cc}/u.test(text)) throw wrong(`its ${what} holds a control character`);
  return text;
}

function wrong(problem: string): InvalidInput {
  return new InvalidInput('store', [{ field: 'address', problem }]);
}
