import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json, JsonObject } from '../../shared/json.ts';
import type { Log } from '../../shared/log.ts';
import { parse } from '../../shared/parse.ts';
import type { HostedCode, RunApi } from '../built-in-adapters.ts';
import { PythonChild, type RequestOptions } from './child.ts';
import { PythonTimedOut } from './errors.ts';
import { Gate } from './gate.ts';
import { HOST_FILES, HOST_NAME } from './host-script.ts';
import { type Description, descriptionSchema } from './messages.ts';
import { processEnvironment } from './process-environment.ts';

/** How long importing the adapter may take. */
const START_LIMIT_MS = 180_000;
/** Of a process that was imported before any run wanted it. */
const UNKNOWN_EMAIL = 'adapter@modelfn';

/** The run of a request. */
interface Served {
  api: RunApi | undefined;
  log: Log | undefined;
}

/** A Python process with the adapter imported, and what belongs to it: a folder, and a gate to the API if it asked for one. */
export class Session {
  readonly child: PythonChild;
  /** Temporary files of this process; gone with it. */
  readonly directory: string;
  readonly #code: HostedCode;
  readonly #gate: Gate;
  /** Requests the process has not answered, in the order in which it serves them. */
  readonly #served: Served[];
  #description: Description | undefined;

  constructor(code: HostedCode, child: PythonChild, directory: string, served: Served[]) {
    this.#code = code;
    this.#served = served;
    this.child = child;
    this.directory = directory;
    this.#gate = new Gate(() => this.#served[0]?.api);
  }

  /** What the adapter said of itself when it was imported. */
  get description(): Description {
    return this.#description!;
  }

  /** A request of the run that calls now. @throws what the child's `request` does */
  async request(method: string, params: JsonObject = {}, options: RequestOptions = {}): Promise<Json> {
    const request = { api: this.#code.currentApi?.(), log: this.#code.currentLog?.() };
    this.#served.push(request);
    try {
      return await this.child.request(method, params, options);
    } finally {
      this.#served.splice(this.#served.indexOf(request), 1);
    }
  }

  /** Imports the adapter. @throws PythonAdapterUnusable, PythonTimedOut, PythonDied */
  async importAdapter(signal?: AbortSignal): Promise<void> {
    const { entryPoint } = this.#code;
    const limit = AbortSignal.timeout(START_LIMIT_MS);
    try {
      const said = await this.request(
        'describe_adapter',
        {},
        {
          signal: signal ? AbortSignal.any([signal, limit]) : limit,
          onCall: ({ name }) => (name === 'openApi' ? this.#openApi() : null),
        },
      );
      this.#description = parse(descriptionSchema, said, `description of the adapter ${entryPoint}`);
    } catch (error) {
      signal?.throwIfAborted();
      throw limit.aborted ? new PythonTimedOut(entryPoint, 'import', START_LIMIT_MS) : error;
    }
  }

  /** Ends process, gate and folder. Never throws; may be called twice. */
  async end(): Promise<void> {
    this.#gate.close();
    await this.child.end();
    await rm(this.directory, { recursive: true, force: true }).catch(() => undefined);
  }

  async #openApi(): Promise<Json> {
    const { currentApi } = this.#code;
    if (currentApi === undefined) return null;
    return { ...(await this.#gate.open(currentApi()?.email ?? UNKNOWN_EMAIL)) };
  }
}

/** Starts a process with `python` and imports the adapter in it. @throws PythonAdapterUnusable, PythonDied, PythonTimedOut */
export async function openSession(code: HostedCode, python: string, signal?: AbortSignal): Promise<Session> {
  const directory = await mkdtemp(join(tmpdir(), 'modelfn-python-'));
  let session: Session | undefined;
  try {
    const served: Served[] = [];
    const child = await startChild(code, python, directory, () => served[0]?.log ?? code.log);
    session = new Session(code, child, directory, served);
    await session.importAdapter(signal);
    return session;
  } catch (error) {
    await session?.end();
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

async function startChild(
  code: HostedCode,
  python: string,
  directory: string,
  currentLog: () => Log,
): Promise<PythonChild> {
  const scripts = join(directory, 'host');
  const scratch = join(directory, 'scratch');
  const home = code.homeDirectory ?? join(directory, 'home');
  for (const folder of [scripts, scratch]) await mkdir(folder);
  await mkdir(home, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(HOST_FILES)) await writeFile(join(scripts, name), text);
  return new PythonChild({
    command: python,
    arguments: [join(scripts, HOST_NAME), code.directory, code.entryPoint, code.className, scratch],
    environment: processEnvironment(code, { home, scratch }),
    directory: scratch,
    entryPoint: code.entryPoint,
    currentLog,
  });
}
