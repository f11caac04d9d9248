import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkoutFolder } from '../../shared/codebases/checkout-folder.ts';
import type { PythonSettings } from '../../shared/config.ts';
import { sha256Of } from '../../shared/content/file-digest.ts';
import { temporaryPath } from '../../shared/content/temporary-file.ts';
import type { AdapterEnvironment } from '../../shared/entities/adapter-environment.ts';
import { systemCode } from '../../shared/errors.ts';
import { canonicalJson } from '../../shared/json.ts';
import { maskPatterns } from '../../shared/redact.ts';
import { Installer } from './installer.ts';
import type { Interpreter } from './interpreter.ts';
import { type EnvironmentLock, readInstalled, readLock, reportArguments, writeLock } from './lock-file.ts';
import { decodeRequirements, readRequirements } from './requirements.ts';

export const REQUIREMENTS = 'requirements.txt';
/** A script's first line names its interpreter; a larger file is not such a script. */
const MAX_SCRIPT_BYTES = 2 ** 20;
/** Increased when environments of an earlier form must not be used any more. */
const FORM = 2;

export interface EnvironmentOptions {
  interpreter: Interpreter;
  settings: PythonSettings;
  /** Requirements to install: the folder's file or lines in its place, and additional lines. */
  wanted?: Pick<AdapterEnvironment, 'requirements' | 'packages'> | undefined;
  /** Folder that keeps the environments, one per set of requirements. */
  cacheDirectory: string;
  /** Requirements that the code has beside the given lines. Not used where the model skips the codebase's requirements. */
  inferred?: (requirements: readonly string[]) => readonly string[];
  signal?: AbortSignal | undefined;
  /** Gets the lines of the installation as they come. */
  onLine?: ((line: string) => void) | undefined;
}

/** A Python with packages. */
export interface PreparedPython {
  /** Path of the program. */
  executable: string;
  lock: EnvironmentLock;
}

/**
 * A Python that has the packages of the folder's `requirements.txt`, or those that are wanted in its place; the interpreter
 * itself when there are none. An environment is created once for the same requirements, Python and platform: filled beside
 * its place and renamed to it, so that a run that is killed leaves nothing, and one of several concurrent ones wins.
 * @throws PythonRequirementRefused, PythonRequirementsFailed, StorageUnavailable, the signal's reason
 */
export async function pythonFor(directory: string, options: EnvironmentOptions): Promise<PreparedPython> {
  const { interpreter, cacheDirectory } = options;
  const { version, platform, executable } = interpreter;
  const own = await requirementsOf(directory, options);
  const isInferred = options.wanted?.requirements !== 'none';
  const lines = [...own, ...((isInferred && options.inferred?.(own)) || [])];
  if (lines.length === 0) return { executable, lock: { python: version, packages: null } };
  // Written by us: pip reads the lines that were checked, in the encoding they were checked in.
  const requirements = `${lines.join('\n')}\n`;
  const key = sha256Of(canonicalJson([FORM, requirements, version, platform, executable]));
  const name = `environment-${key.slice(0, 32)}`;
  const place = join(cacheDirectory, name);
  await mkdir(join(cacheDirectory, 'tmp'), { recursive: true });
  await removeBroken(place, temporaryPath(join(cacheDirectory, 'tmp')));
  await checkoutFolder(cacheDirectory, name, (temporary) => fill(temporary, place, requirements, options));
  return { executable: programOf(place), lock: await readLock(place) };
}

/** Lines for pip: those of the file or in its place, then the additional ones. */
async function requirementsOf(
  directory: string,
  { settings: { sources }, wanted = {} }: EnvironmentOptions,
): Promise<string[]> {
  const { requirements = 'codebase', packages = [] } = wanted;
  const check = (lines: readonly string[], where: string) =>
    lines.flatMap((line) => readRequirements(line, { sources, where }));
  const additional = check(packages, 'environment.packages');
  if (requirements === 'none') return additional;
  if (requirements !== 'codebase') return [...check(requirements, 'environment.requirements'), ...additional];
  const bytes = await readFile(join(directory, REQUIREMENTS)).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes === undefined) return additional;
  const own = readRequirements(decodeRequirements(bytes, REQUIREMENTS), { sources, where: REQUIREMENTS });
  return [...own, ...additional];
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
  const { interpreter, settings, signal, onLine = () => undefined } = options;
  const scratch = `${temporary}.files`;
  await mkdir(scratch, { recursive: true });
  const installer = new Installer({
    // Setup code of packages runs here: it gets what pip needs and nothing else.
    environment: { ...settings.environment, ...settings.installEnvironment, HOME: scratch, TMPDIR: scratch },
    directory: scratch,
    limitMs: settings.installMs,
    signal,
    onLine: (line) => onLine(maskPatterns(line)),
  });
  try {
    const count = requirements.trimEnd().split('\n').length;
    onLine(`creating an environment with Python ${interpreter.version} for ${count} requirements`);
    const file = join(scratch, REQUIREMENTS);
    await writeFile(file, requirements);
    await installer.run(interpreter.executable, ['-m', 'venv', '--symlinks', temporary]);
    const python = programOf(temporary);
    const report = await reportArguments(installer, python, join(scratch, 'report.json'));
    await installer.run(python, [
      ...['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--no-cache-dir'],
      ...['--progress-bar', 'off', ...report, '-r', file],
    ]);
    const packages = await readInstalled(installer, python, report[1]);
    await writeLock(temporary, { python: interpreter.version, packages });
    await moveScripts(temporary, place);
    onLine(`installed ${packages.length} packages`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
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
