import { availableParallelism, homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import type { BucketType } from './entities/bucket-spec.ts';
import { ModelfnError } from './errors.ts';
import { readGitHosts } from './git/hosts.ts';
import { memoryGiven } from './memory.ts';
import { nearest } from './nearest.ts';
import { type Redact, redactorOf } from './redact.ts';
import { SECRET_NAME, SECRET_PREFIX, Secrets } from './secrets.ts';
import { SETTINGS } from './settings.ts';

/** Everything modelfn reads from its environment. Paths are absolute. */
export interface Config {
  /** State folder: store, contents, buckets, caches. Safe to copy while nothing runs. */
  home: string;
  /** Address of the store, `sqlite:<path>` or `postgres://...`, which may hold a password; SQLite in the state folder when undefined. */
  store: string | undefined;
  /** Bucket of Cloud Storage that keeps the bytes of items; the state folder does when undefined. */
  content: { readonly bucketName: string; readonly prefix: string } | undefined;
  /** Bucket of Cloud Storage below which snapshots have theirs when they are given none; the state folder when undefined. */
  bucket: { readonly bucketName: string; readonly prefix: string; readonly projectName: string } | undefined;
  /** Types of bucket that show the current revision's files under their own names. */
  visibleWeights: readonly BucketType[];
  /**
   * Where a call goes that is answered before it ran: `self`, an asynchronous invocation of the same Lambda function, or
   * the ARN of a state machine. Undefined where the container offers a way of its own.
   */
  dispatch: string | undefined;
  /** Name of the Lambda function that is called when something was left in the outbox; nobody is when undefined. */
  relay: string | undefined;
  /** What the relay works with; no other function has it. */
  cloud: CloudSettings;
  port: number;
  /** Loopback only, as long as the server has no authentication. */
  host: string;
  /** Folders that `local` buckets and codebases may lie in; the state folder always may. */
  localRoots: readonly string[];
  /** A snapshot id this function is pinned to: its weights are fetched during init. */
  pinnedSnapshot: string | undefined;
  maxItemBytes: number;
  /** Bytes of the pixels that decoding one image may take. */
  maxImageBytes: number;
  /** Share of the items of a run, 0..1, that may be unreadable before the run fails; rounded up to whole items. */
  maxUnreadableShare: number;
  /** Longest time that a run waits for storage that is unavailable, in milliseconds. */
  storagePatienceMs: number;
  /** Limit of the cache of loaded weights, on disk. */
  cacheBytes: number;
  /** Adapters kept loaded in one warm process. */
  maxLoadedSnapshots: number;
  /** Memory that adapters kept loaded may take together; by default half of what the process was given. */
  loadedBytes: number;
  /** Processes the local server keeps for one function. */
  workersPerFunction: number;
  /** How long a container may be silent before another one may take its run over, in milliseconds. */
  leaseMs: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Origins that git may use, e.g. `https://github.com`. Empty: https to any host, without credentials. */
  gitHosts: readonly string[];
  /** The variables MODELFN_SECRET_*, which entities may name. */
  secrets: Secrets;
  /** How `gcs` buckets and codebases are reached. */
  gcs: GcsSettings;
  /** How adapters written in Python are run. */
  python: PythonSettings;
}

/** Places on AWS, as the relay is told them. */
export interface CloudSettings {
  /** Name of the EventBridge bus that takes dataset events. */
  eventBus: string | undefined;
  /** Address of the SQS queue for events that the bus never takes. */
  eventDeadLetters: string | undefined;
  /** ARN of the functions, `*` in the place of a name. */
  functions: string | undefined;
  /** Name of the group of EventBridge Scheduler that holds the schedules of cron triggers. */
  scheduleGroup: string | undefined;
  /** ARN of the role under which those schedules call functions. */
  scheduleRole: string | undefined;
  /** ARN of the state machines of pipelines, `*` in the place of what tells one from the others. */
  pipelines: string | undefined;
  /** ARN of the role that those state machines run under. */
  pipelineRole: string | undefined;
}

export interface PythonSettings {
  /** The program, by name or path. */
  command: string;
  /** A process above so many bytes is started anew between two requests; never when undefined. */
  memoryBytes: number | undefined;
  /** Of this process's variables, those an adapter's process gets: where programs and devices are. */
  environment: Readonly<Record<string, string>>;
  /** Those that pip gets besides: how packages are reached. */
  installEnvironment: Readonly<Record<string, string>>;
  /** Addresses and folders that requirements may name as an index or a folder of packages, beside the index of `installEnvironment`. */
  sources: readonly string[];
  /** How long creating an environment may take. */
  installMs: number;
  /** Folders with installations of Python, one folder per version: those of pyenv and uv. */
  installations: readonly string[];
  /** Names of secrets that adapters may have, and all secrets. */
  secrets: { readonly allowed: readonly string[]; readonly values: Secrets };
}

export interface GcsSettings {
  /**
   * `adc`: what Google's client finds by itself (workload identity, gcloud's login). `anonymous`: none. A name of `secrets`: the
   * key itself, as a Lambda function is given it. Else the path of a key file.
   */
  credentials: 'adc' | 'anonymous' | (string & {});
  /** Origin of another server than Google's, such as `http://127.0.0.1:4443`. */
  endpoint: string | undefined;
  /** Buckets, or `bucket/prefix`, that specs may name; any the credentials reach when undefined. */
  buckets: readonly string[] | undefined;
  secrets?: Secrets;
}

export const DEFAULT_LEASE_SECONDS = 30;
const DEFAULT_INSTALL_SECONDS = 1800;

/** A list of what is handed on, and never of what is held back: a credential that nobody thought of stays here. */
const PYTHON_ENVIRONMENT = /^(PATH|TZ|LD_LIBRARY_PATH|CUDA_VISIBLE_DEVICES|NVIDIA_VISIBLE_DEVICES)$/;
const INSTALL_ENVIRONMENT =
  /^(PIP_[A-Z_]+|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE)$/;

export const DEFAULT_MAX_ITEM_BYTES = 1024 ** 3;
/** A hundred million pixels in colour. */
export const DEFAULT_MAX_IMAGE_BYTES = 300_000_000;
export const DEFAULT_MAX_UNREADABLE_SHARE = 0.01;
const DEFAULT_STORAGE_PATIENCE_SECONDS = 60;
/** The other half is for items, predictions, and the runtime. */
const LOADED_SHARE = 0.5;

/** A setting of the environment that cannot be used. Lists all of them at once. */
export class InvalidConfig extends ModelfnError {
  override readonly name = 'InvalidConfig';
  readonly code = 'InvalidConfig';
  readonly statusCode = 500;
  constructor(problems: readonly string[]) {
    super(
      `The environment has settings that cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
      {
        details: { problems: [...problems] },
      },
    );
  }
}

/**
 * Reads the environment once. `cwd` is where relative folders start.
 * @throws InvalidConfig naming every bad variable, what it got, what it takes and an example.
 */
export function readConfig(
  env: Record<string, string | undefined> = process.env,
  cwd: string = process.cwd(),
): Readonly<Config> {
  const problems = unknownNames(env);
  const read = <N extends keyof typeof SETTINGS>(
    name: N,
  ): z.output<(typeof SETTINGS)[N]['schema']> | undefined => {
    const text = env[name];
    if (text === undefined || text === '') return undefined;
    const { schema, takes, example } = SETTINGS[name];
    const result = z.safeParse(schema, text);
    if (result.success) return result.data as z.output<(typeof SETTINGS)[N]['schema']>;
    problems.push(`${name}=${JSON.stringify(text)}: takes ${takes}, e.g. ${name}=${example}`);
    return undefined;
  };
  const config: Config = {
    home: toFolder(read('MODELFN_HOME') ?? '.modelfn', cwd),
    store: read('MODELFN_STORE'),
    content: read('MODELFN_CONTENT'),
    bucket: read('MODELFN_BUCKET'),
    visibleWeights: read('MODELFN_VISIBLE_WEIGHTS') ?? Object.freeze(['item' as const]),
    dispatch: read('MODELFN_DISPATCH'),
    relay: read('MODELFN_RELAY'),
    cloud: Object.freeze({
      eventBus: read('MODELFN_EVENT_BUS'),
      eventDeadLetters: read('MODELFN_EVENT_DEAD_LETTERS'),
      functions: read('MODELFN_FUNCTIONS'),
      scheduleGroup: read('MODELFN_SCHEDULE_GROUP'),
      scheduleRole: read('MODELFN_SCHEDULE_ROLE'),
      pipelines: read('MODELFN_PIPELINES'),
      pipelineRole: read('MODELFN_PIPELINE_ROLE'),
    }),
    port: read('PORT') ?? 3700,
    host: read('HOST') ?? '127.0.0.1',
    localRoots: (read('MODELFN_LOCAL_ROOTS') ?? '')
      .split(':')
      .filter((root) => root !== '')
      .map((root) => toFolder(root, cwd)),
    pinnedSnapshot: read('MODELFN_SNAPSHOT'),
    maxItemBytes: read('MODELFN_MAX_ITEM_BYTES') ?? DEFAULT_MAX_ITEM_BYTES,
    maxImageBytes: read('MODELFN_MAX_IMAGE_BYTES') ?? DEFAULT_MAX_IMAGE_BYTES,
    maxUnreadableShare: read('MODELFN_MAX_UNREADABLE_SHARE') ?? DEFAULT_MAX_UNREADABLE_SHARE,
    storagePatienceMs: (read('MODELFN_STORAGE_PATIENCE_SECONDS') ?? DEFAULT_STORAGE_PATIENCE_SECONDS) * 1000,
    cacheBytes: read('MODELFN_CACHE_BYTES') ?? 10 * 1024 ** 3,
    maxLoadedSnapshots: read('MODELFN_MAX_LOADED_SNAPSHOTS') ?? 8,
    loadedBytes: read('MODELFN_LOADED_BYTES') ?? Math.floor(memoryGiven(env) * LOADED_SHARE),
    workersPerFunction: read('MODELFN_WORKERS') ?? 2,
    leaseMs: (read('MODELFN_LEASE_SECONDS') ?? DEFAULT_LEASE_SECONDS) * 1000,
    logLevel: read('MODELFN_LOG_LEVEL') ?? 'info',
    gitHosts: readGitHosts(read('MODELFN_GIT_HOSTS') ?? '') ?? [],
    secrets: new Secrets(secretsOf(env)),
    gcs: gcsSettings(
      read('MODELFN_GCS_CREDENTIALS'),
      read('MODELFN_GCS_ENDPOINT') ?? read('STORAGE_EMULATOR_HOST'),
      read('MODELFN_GCS_BUCKETS'),
      cwd,
      new Secrets(secretsOf(env)),
    ),
    python: Object.freeze({
      command: read('MODELFN_PYTHON') ?? 'python3',
      memoryBytes: read('MODELFN_PYTHON_MEMORY_BYTES'),
      environment: variablesOf(env, PYTHON_ENVIRONMENT),
      installEnvironment: variablesOf(env, INSTALL_ENVIRONMENT),
      sources: Object.freeze(read('MODELFN_PYTHON_SOURCES') ?? []),
      installMs: (read('MODELFN_PYTHON_INSTALL_SECONDS') ?? DEFAULT_INSTALL_SECONDS) * 1000,
      installations: Object.freeze(installationFolders(env)),
      secrets: Object.freeze({
        allowed: Object.freeze(read('MODELFN_ADAPTER_SECRETS') ?? []),
        values: new Secrets(secretsOf(env)),
      }),
    }),
  };
  const { credentials } = config.gcs;
  if (SECRET_NAME.test(credentials) && config.secrets.get(credentials) === undefined)
    problems.push(
      `MODELFN_GCS_CREDENTIALS=${credentials}: there is no such variable; put the key's JSON into it`,
    );
  if (sendsTokensInClear(config.gcs))
    problems.push(
      `MODELFN_GCS_ENDPOINT=${JSON.stringify(config.gcs.endpoint)}: credentials are not sent over http to another machine; ` +
        'give an https address, or set MODELFN_GCS_CREDENTIALS=anonymous',
    );
  if (problems.length > 0) throw new InvalidConfig(problems);
  return Object.freeze(config);
}

/**
 * The environment that `readConfig` reads this configuration from: what a process started with it is given. Variables
 * that are not modelfn's own come from `base`.
 */
export function toEnvironment(
  config: Readonly<Config>,
  base: Record<string, string | undefined> = process.env,
): Record<string, string | undefined> {
  const own: Record<keyof typeof SETTINGS, string | undefined> = {
    MODELFN_HOME: config.home,
    MODELFN_STORE: config.store,
    MODELFN_CONTENT: config.content && `gcs://${config.content.bucketName}/${config.content.prefix}`,
    MODELFN_BUCKET:
      config.bucket &&
      `gcs://${config.bucket.bucketName}/${config.bucket.prefix}?project=${config.bucket.projectName}`,
    MODELFN_VISIBLE_WEIGHTS: config.visibleWeights.join(','),
    MODELFN_DISPATCH: config.dispatch,
    MODELFN_RELAY: config.relay,
    MODELFN_EVENT_BUS: config.cloud.eventBus,
    MODELFN_EVENT_DEAD_LETTERS: config.cloud.eventDeadLetters,
    MODELFN_FUNCTIONS: config.cloud.functions,
    MODELFN_SCHEDULE_GROUP: config.cloud.scheduleGroup,
    MODELFN_SCHEDULE_ROLE: config.cloud.scheduleRole,
    MODELFN_PIPELINES: config.cloud.pipelines,
    MODELFN_PIPELINE_ROLE: config.cloud.pipelineRole,
    PORT: String(config.port),
    HOST: config.host,
    MODELFN_LOCAL_ROOTS: config.localRoots.join(':'),
    MODELFN_SNAPSHOT: config.pinnedSnapshot,
    MODELFN_MAX_ITEM_BYTES: String(config.maxItemBytes),
    MODELFN_MAX_IMAGE_BYTES: String(config.maxImageBytes),
    MODELFN_MAX_UNREADABLE_SHARE: String(config.maxUnreadableShare),
    MODELFN_STORAGE_PATIENCE_SECONDS: String(config.storagePatienceMs / 1000),
    MODELFN_CACHE_BYTES: String(config.cacheBytes),
    MODELFN_MAX_LOADED_SNAPSHOTS: String(config.maxLoadedSnapshots),
    MODELFN_LOADED_BYTES: String(config.loadedBytes),
    MODELFN_WORKERS: String(config.workersPerFunction),
    MODELFN_LEASE_SECONDS: String(config.leaseMs / 1000),
    MODELFN_LOG_LEVEL: config.logLevel,
    MODELFN_GIT_HOSTS: config.gitHosts.join(','),
    MODELFN_GCS_CREDENTIALS: config.gcs.credentials,
    MODELFN_GCS_ENDPOINT: config.gcs.endpoint,
    MODELFN_GCS_BUCKETS: config.gcs.buckets?.join(','),
    MODELFN_PYTHON: config.python.command,
    MODELFN_PYTHON_MEMORY_BYTES: config.python.memoryBytes?.toString(),
    MODELFN_PYTHON_SOURCES: config.python.sources.join(','),
    MODELFN_PYTHON_INSTALL_SECONDS: String(config.python.installMs / 1000),
    MODELFN_ADAPTER_SECRETS: config.python.secrets.allowed.join(','),
    // MODELFN_GCS_ENDPOINT carries what it said.
    STORAGE_EMULATOR_HOST: undefined,
  };
  const secrets = config.secrets.names.map((name) => [name, config.secrets.get(name)]);
  const { environment, installEnvironment } = config.python;
  const [pyenv, uv] = config.python.installations;
  return {
    ...base,
    ...environment,
    ...installEnvironment,
    PYENV_ROOT: pyenv && dirname(pyenv),
    UV_PYTHON_INSTALL_DIR: uv,
    ...own,
    ...Object.fromEntries(secrets),
  };
}

/** An emulator takes no credentials unless some are asked for. */
function gcsSettings(
  credentials: string | undefined,
  endpoint: string | undefined,
  buckets: string | undefined,
  cwd: string,
  secrets: Secrets,
): GcsSettings {
  const named = credentials ?? (endpoint === undefined ? 'adc' : 'anonymous');
  return Object.freeze({
    credentials:
      named === 'adc' || named === 'anonymous' || SECRET_NAME.test(named) ? named : toFolder(named, cwd),
    endpoint,
    secrets,
    buckets: buckets
      ?.split(',')
      .map((bucket) => bucket.trim().replace(/\/+$/, ''))
      .filter((bucket) => bucket !== ''),
  });
}

function sendsTokensInClear({ credentials, endpoint }: GcsSettings): boolean {
  if (credentials === 'anonymous' || endpoint === undefined) return false;
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'http:' && !['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}

/** Masks the secrets of an environment that may hold invalid settings: for errors before a configuration is read. */
export function environmentRedactor(env: Record<string, string | undefined> = process.env): Redact {
  return redactorOf({ secrets: new Secrets(secretsOf(env)), store: env.MODELFN_STORE });
}

/** The environment of this process itself, for code that hides variables of it. Settings are read by `readConfig`. */
export function liveEnvironment(): Record<string, string | undefined> {
  return process.env;
}

/** The environment of a process as it was at one moment. */
export interface CapturedEnvironment {
  /** @throws InvalidConfig */
  config(): Readonly<Config>;
  /** Masks its secrets, whether its settings are valid or not. */
  redact(): Redact;
}

/**
 * Captures the environment before the code of an adapter is imported into the process. In a Lambda container modelfn's own
 * variables are removed from `env` then: adapters do not find secrets there, nor the address of the store.
 */
export function captureEnvironment(
  env: Record<string, string | undefined> = process.env,
): CapturedEnvironment {
  const captured = { ...env };
  if (env.AWS_LAMBDA_FUNCTION_NAME)
    for (const name of Object.keys(env)) if (name.startsWith('MODELFN_')) delete env[name];
  return { config: () => readConfig(captured), redact: () => environmentRedactor(captured) };
}

/** What a Lambda container is and may do, as AWS tells it in the environment. */
export interface LambdaEnvironment {
  region: string;
  functionName: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | undefined;
  /** Where AWS's services answer instead of their own hosts: the setting that AWS's own clients read. */
  endpoint: string | undefined;
}

/** Reads what Lambda sets; undefined outside of Lambda. Read when it is needed: it holds credentials. */
export function readLambdaEnvironment(
  env: Record<string, string | undefined> = process.env,
): LambdaEnvironment | undefined {
  const { AWS_REGION, AWS_LAMBDA_FUNCTION_NAME, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = env;
  if (!AWS_REGION || !AWS_LAMBDA_FUNCTION_NAME || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY)
    return undefined;
  return {
    region: AWS_REGION,
    functionName: AWS_LAMBDA_FUNCTION_NAME,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: env.AWS_SESSION_TOKEN || undefined,
    endpoint: env.AWS_ENDPOINT_URL || undefined,
  };
}

function toFolder(text: string, cwd: string): string {
  return resolve(cwd, text.startsWith('~/') ? `${homedir()}${text.slice(1)}` : text);
}

/** Lambda gives a function one vCPU for so many megabytes, whatever number of cores it shows. */
const LAMBDA_MB_PER_CPU = 1769;

/** Cores that this process may keep busy, at least 1. More threads than that wait for each other. */
export function cpusGiven(env: Record<string, string | undefined> = process.env): number {
  const memoryMb = Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE);
  if (!(memoryMb > 0)) return availableParallelism();
  return Math.min(availableParallelism(), Math.max(1, Math.floor(memoryMb / LAMBDA_MB_PER_CPU)));
}

function unknownNames(env: Record<string, string | undefined>): string[] {
  const known = Object.keys(SETTINGS);
  return Object.keys(env)
    .filter((name) => name.startsWith('MODELFN_') && !known.includes(name) && !SECRET_NAME.test(name))
    .map((name) =>
      name.startsWith(SECRET_PREFIX)
        ? `${name}: is not the name of a secret; takes capitals, digits and "_", e.g. ${SECRET_PREFIX}GIT_TOKEN`
        : `${name}: there is no such setting; the nearest is ${nearest(name, known)}`,
    );
}

function variablesOf(env: Record<string, string | undefined>, wanted: RegExp): Record<string, string> {
  return Object.freeze(
    Object.fromEntries(
      Object.entries(env).filter(
        (entry): entry is [string, string] => wanted.test(entry[0]) && entry[1] !== undefined,
      ),
    ),
  );
}

/** Folders in which pyenv and uv install interpreters; empty without a home folder. */
function installationFolders(env: Record<string, string | undefined>): string[] {
  const { HOME, PYENV_ROOT, UV_PYTHON_INSTALL_DIR, XDG_DATA_HOME } = env;
  const pyenv = PYENV_ROOT || (HOME && join(HOME, '.pyenv'));
  const data = XDG_DATA_HOME || (HOME && join(HOME, '.local', 'share'));
  const uv = UV_PYTHON_INSTALL_DIR || (data && join(data, 'uv', 'python'));
  return pyenv && uv ? [join(pyenv, 'versions'), uv] : [];
}

function secretsOf(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        SECRET_NAME.test(entry[0]) && entry[1] !== undefined && entry[1] !== '',
    ),
  );
}
