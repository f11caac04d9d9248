import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { checkoutFolder } from '../../shared/codebases/checkout-folder.ts';
import type { PythonSettings } from '../../shared/config.ts';
import { sha256Of } from '../../shared/content/file-digest.ts';
import { temporaryPath } from '../../shared/content/temporary-file.ts';
import { systemCode } from '../../shared/errors.ts';
import { canonicalJson } from '../../shared/json.ts';
import { PythonRequirementsFailed } from './errors.ts';
import type { Interpreter } from './interpreter.ts';
import { decodeRequirements, readRequirements } from './requirements.ts';

export const REQUIREMENTS = 'requirements.txt';
const LAST_BYTES = 2000;
/** A script's first line names its interpreter; a file that is larger is no such script. */
const MAX_SCRIPT_BYTES = 2 ** 20;

export interface EnvironmentOptions {
  interpreter: Interpreter;
  settings: PythonSettings;
  /** Folder that keeps the environments, one a set of requirements. */
  cacheDirectory: string;
  /** Requirements that the code has beside those of its file; gets the file's lines. */
  inferred?: (requirements: readonly string[]) => readonly string[];
  /** How long pip may take. */
  limitMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Path of a Python that has the packages of the folder's `requirements.txt`; the interpreter itself without such a file.
 * An environment is made once for the same requirements, Python and platform: filled beside its place and renamed to it,
 * so that a run that is killed leaves nothing, and of several that make it at once one wins.
 * @throws PythonRequirementRefused, PythonRequirementsFailed, StorageUnavailable, the signal's reason
 */
export async function pythonFor(directory: string, options: EnvironmentOptions): Promise<string> {
  const { interpreter, cacheDirectory } = options;
  const own = await requirementsOf(directory, options.settings.sources);
  const lines = [...own, ...(options.inferred?.(own) ?? [])];
  if (lines.length === 0) return interpreter.executable;
  // Written by us: pip reads the lines that were checked, in the encoding they were checked in.
  const requirements = `${lines.join('\n')}\n`;
  const { version, platform, executable } = interpreter;
  const key = sha256Of(canonicalJson([requirements, version, platform, executable]));
  const name = `environment-${key.slice(0, 32)}`;
  const place = join(cacheDirectory, name);
  await mkdir(join(cacheDirectory, 'tmp'), { recursive: true });
  await removeBroken(place, temporaryPath(join(cacheDirectory, 'tmp')));
  await checkoutFolder(cacheDirectory, name, (temporary) => fill(temporary, place, requirements, options));
  return programOf(place);
}

async function requirementsOf(directory: string, sources: readonly string[]): Promise<string[]> {
  const bytes = await readFile(join(directory, REQUIREMENTS)).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes === undefined) return [];
  return readRequirements(decodeRequirements(bytes, REQUIREMENTS), { sources, where: REQUIREMENTS });
}

/** An environment that lost its interpreter is made anew; one that another process put there meanwhile stays. */
async function removeBroken(place: string, aside: string): Promise<void> {
  if (!(await isBroken(place))) return;
  try {
    await rename(place, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  // Where a third one is there already, this one is too much.
  if (!(await isBroken(aside))) await rename(aside, place).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
}

/** True when the interpreter it was made with is gone. */
async function isBroken(place: string): Promise<boolean> {
  const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
  return (await isThere(place)) && !(await isThere(programOf(place)));
}

async function fill(
  temporary: string,
  place: string,
  requirements: string,
  options: EnvironmentOptions,
): Promise<void> {
  const { interpreter } = options;
  // Two signals in one: the run's, and the limit of pip.
  const limit = AbortSignal.timeout(options.limitMs);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  const scratch = `${temporary}.files`;
  await mkdir(scratch, { recursive: true });
  try {
    const file = join(scratch, REQUIREMENTS);
    await writeFile(file, requirements);
    const run = (command: string, args: readonly string[]) =>
      runProgram(command, args, { options, scratch, signal, limit });
    await run(interpreter.executable, ['-m', 'venv', '--symlinks', temporary]);
    await run(programOf(temporary), [
      ...['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--no-cache-dir'],
      ...['--progress-bar', 'off', '-r', file],
    ]);
    await moveScripts(temporary, place);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Running {
  options: EnvironmentOptions;
  scratch: string;
  signal: AbortSignal;
  limit: AbortSignal;
}

async function runProgram(
  command: string,
  args: readonly string[],
  { options, scratch, signal, limit }: Running,
): Promise<void> {
  const { environment, installEnvironment } = options.settings;
  let last = '';
  const child = spawn(command, [...args], {
    cwd: scratch,
    // Setup code of packages runs here: it gets what pip needs and nothing else.
    env: { ...environment, ...installEnvironment, HOME: scratch, TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const keep = (stream: Readable) =>
    stream.on('data', (chunk: Buffer) => {
      last = (last + chunk.toString('utf8')).slice(-LAST_BYTES);
    });
  keep(child.stdout);
  keep(child.stderr);
  const stop = () => killGroup(child.pid);
  signal.addEventListener('abort', stop, { once: true });
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (exit, killedBy) => resolve(exit ?? killedBy ?? 'unknown'));
  });
  signal.removeEventListener('abort', stop);
  options.signal?.throwIfAborted();
  if (limit.aborted)
    throw new PythonRequirementsFailed(
      `were not installed within ${options.limitMs / 1000} s`,
      lastLines(last),
    );
  if (code !== 0) throw new PythonRequirementsFailed('could not be installed', lastLines(last));
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}

/** Addresses may hold the credentials of a private index. */
function lastLines(text: string): string {
  return text
    .trim()
    .split('\n')
    .slice(-8)
    .join('\n')
    .replace(/:\/\/[^/\s@]+@/g, '://***@');
}

/** Scripts that pip made name the interpreter by where it was then; they are to name it by where it will be. */
async function moveScripts(from: string, to: string): Promise<void> {
  const folder = join(from, 'bin');
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(folder, entry.name);
    const { size, mode } = await stat(path);
    if (size > MAX_SCRIPT_BYTES) continue;
    const bytes = await readFile(path);
    const text = bytes.toString('utf8');
    if (!text.includes(from) || Buffer.compare(Buffer.from(text), bytes) !== 0) continue;
    await writeFile(`${path}.new`, text.replaceAll(from, to), { mode });
    await rename(`${path}.new`, path);
  }
}

function programOf(place: string): string {
  return join(place, 'bin', 'python');
}
