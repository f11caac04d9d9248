import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '../../shared/parse.ts';
import type { HostedCode } from '../built-in-adapters.ts';
import { PythonChild } from './child.ts';
import { PythonTimedOut } from './errors.ts';
import { HOST_FILES, HOST_NAME } from './host-script.ts';
import { type Description, descriptionSchema } from './messages.ts';

/** How long importing the adapter may take. */
const START_LIMIT_MS = 180_000;

/** A Python process with the adapter imported, and the folder that belongs to it. */
export interface Session {
  child: PythonChild;
  description: Description;
  /** Temporary files of this process; gone with it. */
  directory: string;
  /** Ends process and folder. Never throws; may be called twice. */
  end(): Promise<void>;
}

/** Starts a process with `python` and imports the adapter in it. @throws PythonAdapterUnusable, PythonDied, PythonTimedOut */
export async function openSession(code: HostedCode, python: string, signal?: AbortSignal): Promise<Session> {
  const directory = await mkdtemp(join(tmpdir(), 'modelfn-python-'));
  const remove = () => rm(directory, { recursive: true, force: true }).catch(() => undefined);
  try {
    const child = await startChild(code, python, directory);
    const end = async () => {
      await child.end();
      await remove();
    };
    try {
      return { child, directory, end, description: await describe(code, child, signal) };
    } catch (error) {
      await end();
      throw error;
    }
  } catch (error) {
    await remove();
    throw error;
  }
}

async function startChild(code: HostedCode, python: string, directory: string): Promise<PythonChild> {
  const scripts = join(directory, 'host');
  const scratch = join(directory, 'scratch');
  const home = join(directory, 'place');
  for (const folder of [scripts, scratch, home]) await mkdir(folder);
  for (const [name, text] of Object.entries(HOST_FILES)) await writeFile(join(scripts, name), text);
  return new PythonChild({
    command: python,
    arguments: [join(scripts, HOST_NAME), code.directory, code.entryPoint, code.className, scratch],
    environment: environmentOf(code, home, scratch),
    directory: scratch,
    entryPoint: code.entryPoint,
    log: code.log,
  });
}

async function describe(code: HostedCode, child: PythonChild, signal?: AbortSignal): Promise<Description> {
  const limit = AbortSignal.timeout(START_LIMIT_MS);
  try {
    const said = await child.request(
      'describe_adapter',
      {},
      { signal: signal ? AbortSignal.any([signal, limit]) : limit },
    );
    return parse(descriptionSchema, said, `description of the adapter ${code.entryPoint}`);
  } catch (error) {
    signal?.throwIfAborted();
    throw limit.aborted ? new PythonTimedOut(code.entryPoint, 'import', START_LIMIT_MS) : error;
  }
}

/** All that the adapter's process is told of this one: where programs are, how many threads, and no word of what we know. */
function environmentOf({ python }: HostedCode, home: string, scratch: string): Record<string, string> {
  const threads = String(availableParallelism());
  return {
    LANG: 'C.UTF-8',
    ...python.environment,
    HOME: home,
    TMPDIR: scratch,
    OMP_NUM_THREADS: threads,
    OPENBLAS_NUM_THREADS: threads,
    MKL_NUM_THREADS: threads,
    PYTHONUNBUFFERED: '1',
    PYTHONIOENCODING: 'utf-8:backslashreplace',
    PYTHONNOUSERSITE: '1',
    // The codebase is shared: nothing is written beside it.
    PYTHONDONTWRITEBYTECODE: '1',
    // Sets and dictionaries of text are gone through in the same order in every process: the same seed, the same weights.
    PYTHONHASHSEED: '0',
    PYTHONFAULTHANDLER: '1',
  };
}
