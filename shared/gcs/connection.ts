import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { GcsSettings } from '../config.ts';
import { systemCode } from '../errors.ts';
import type { Secrets } from '../secrets.ts';
import { CredentialsFailure } from './failures.ts';

/** The way to one Cloud Storage with one set of credentials: shared by all calls of a process. */
export interface GcsConnection {
  /** Origin, such as `https://storage.googleapis.com`. */
  readonly origin: string;
  readonly isAnonymous: boolean;
  /** Keeps its sockets between calls. */
  readonly agent: HttpAgent | HttpsAgent;
  /** Headers that show who asks. @throws CredentialsFailure */
  authorize(): Promise<Readonly<Record<string, string>>>;
  /** The headers were refused: makes the next `authorize` fetch new ones. */
  renew(): Promise<void>;
}

const GOOGLE = 'https://storage.googleapis.com';
/** More transfers than this to one host wait for each other. */
const MAX_SOCKETS = 64;

const connections = new Map<string, GcsConnection>();

/** The connection of these settings; the same one for the same settings. Nothing is sent yet. */
export function gcsConnection(settings: Readonly<GcsSettings>): GcsConnection {
  const origin = settings.endpoint ?? GOOGLE;
  const name = JSON.stringify([origin, settings.credentials]);
  const known = connections.get(name);
  if (known) return known;
  const options = { keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: 'lifo' } as const;
  const connection: GcsConnection = {
    origin,
    isAnonymous: settings.credentials === 'anonymous',
    agent: origin.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options),
    ...authorization(settings),
  };
  connections.set(name, connection);
  return connection;
}

function authorization(settings: Readonly<GcsSettings>): Pick<GcsConnection, 'authorize' | 'renew'> {
  const { credentials, secrets } = settings;
  if (credentials === 'anonymous') return { authorize: async () => ({}), renew: async () => {} };
  let opening: ReturnType<typeof openAuth> | undefined;
  // One that failed is opened again: a key file may be put there, a metadata server may wake up.
  const open = () => {
    opening ??= openAuth(credentials, secrets).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    authorize: () =>
      guarded(credentials, async () => {
        const headers = await (await open()).getRequestHeaders();
        return Object.fromEntries(headers.entries());
      }),
    renew: () =>
      guarded(credentials, async () => {
        const client = await (await open()).getClient();
        client.setCredentials({ ...client.credentials, expiry_date: 1 });
      }),
  };
}

/** Google's client knows every kind of credentials; it is loaded only when some are needed. */
async function openAuth(credentials: string, secrets: Secrets | undefined) {
  const key =
    credentials === 'adc'
      ? undefined
      : parseKey(secrets?.get(credentials) ?? (await readFile(credentials, 'utf8')));
  const { Storage } = await import('@google-cloud/storage');
  const { authClient } = new Storage();
  // As its option `credentials`, which prints a warning of its own accord.
  if (key) authClient.jsonContent = key;
  return authClient;
}

function parseKey(text: string): object {
  const key: unknown = JSON.parse(text);
  if (typeof key !== 'object' || key === null) throw new SyntaxError('no JSON object');
  return key;
}

async function guarded<T>(credentials: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw credentialsFailure(credentials, error);
  }
}

/** Says what failed in our own words: messages of the library may repeat requests, and those hold secrets. */
function credentialsFailure(credentials: string, error: unknown): CredentialsFailure {
  const source = credentials === 'adc' ? 'the default credentials' : 'the key of MODELFN_GCS_CREDENTIALS';
  const code = systemCode(error);
  if (code !== undefined && credentials !== 'adc' && ['ENOENT', 'EACCES', 'EISDIR', 'EPERM'].includes(code))
    return new CredentialsFailure(`${source} cannot be read (${code})`, false);
  if (error instanceof SyntaxError) return new CredentialsFailure(`${source} is no JSON`, false);
  const status = statusOf(error);
  const isPassing = status === undefined ? code !== undefined : status >= 500 || status === 429;
  const detail =
    status === undefined ? (code ?? 'none were found, or they are of no known kind') : `HTTP ${status}`;
  return new CredentialsFailure(`${source} gave no token: ${detail}`, isPassing);
}

function statusOf(error: unknown): number | undefined {
  const { status, response } = (error ?? {}) as { status?: unknown; response?: { status?: unknown } };
  return [status, response?.status].find((value) => typeof value === 'number');
}
