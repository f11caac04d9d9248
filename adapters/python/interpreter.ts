import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod/mini';
import type { PythonSettings } from '../../shared/config.ts';
import { hasCode, messageOf, systemCode } from '../../shared/errors.ts';
import { PythonMissing, PythonVersionMissing } from './errors.ts';

const run = promisify(execFile);
const PROBE_LIMIT_MS = 30_000;
const OLDEST = [3, 8] as const;

/** What the program behind `MODELFN_PYTHON` is. */
export interface Interpreter {
  /** Path of the program itself: shims and links are followed by Python. */
  executable: string;
  /** As `3.11.7`. */
  version: string;
  /** What packages are built for, as `cpython-311-linux-x86_64`, and where the interpreter is installed. */
  platform: string;
}

const PROBE = `
import json, sys, sysconfig
print(json.dumps({
    "executable": sys.executable,
    "version": list(sys.version_info[:3]),
    "platform": "-".join([sys.implementation.cache_tag or sys.implementation.name, sysconfig.get_platform(), sys.base_prefix]),
}))
`;

const probeSchema = z.object({
  executable: z.string(),
  version: z.tuple([z.number(), z.number(), z.number()]),
  platform: z.string(),
});

/**
 * The interpreter that the settings name, or an installed one of the wanted version, such as `3.8` or `3.8.20`: that of the
 * settings, one of `PATH`, or the newest of the folders of installations.
 * @throws PythonMissing
 */
export async function findInterpreter(
  settings: PythonSettings,
  { version, signal }: { version?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Interpreter> {
  if (version === undefined) return probe(settings.command, settings, signal);
  const found: string[] = [];
  for (const command of await candidatesFor(version, settings)) {
    const interpreter = await probe(command, settings, signal).catch((error: unknown) => {
      if (hasCode(error, 'PythonMissing')) return undefined;
      throw error;
    });
    if (interpreter && isVersion(interpreter.version, version)) return interpreter;
    if (interpreter) found.push(interpreter.version);
  }
  const installed = (await installationsIn(settings)).map((each) => each.version);
  throw new PythonVersionMissing(version, [...new Set([...found, ...installed])].sort(byVersion));
}

/** Programs to try, the likeliest first. */
async function candidatesFor(version: string, settings: PythonSettings): Promise<string[]> {
  const [major, minor] = version.split('.');
  const installed = (await installationsIn(settings))
    .filter((each) => isVersion(each.version, version))
    .sort((a, b) => byVersion(b.version, a.version))
    .map(({ path }) => join(path, 'bin', 'python3'));
  return [settings.command, `python${major}.${minor}`, ...installed, 'python3'];
}

interface Installation {
  version: string;
  path: string;
}

/** Folders of installations have one folder per version: `3.8.20` of pyenv, `cpython-3.8.20-linux-x86_64-gnu` of uv. */
async function installationsIn({ installations }: PythonSettings): Promise<Installation[]> {
  const found: Installation[] = [];
  for (const folder of installations)
    for (const name of await readdir(folder).catch(() => [])) {
      const version = /^(?:cpython-)?(\d+\.\d+\.\d+)(?:-|$)/.exec(name)?.[1];
      if (version !== undefined) found.push({ version, path: join(folder, name) });
    }
  return found;
}

function isVersion(version: string, wanted: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`);
}

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Runs the program to see what it is. @throws PythonMissing */
async function probe(command: string, settings: PythonSettings, signal?: AbortSignal): Promise<Interpreter> {
  const { executable, version, platform } = await runProbe(command, settings, signal);
  if (executable === '') throw new PythonMissing(command, 'does not know its own path: give it in full');
  const [major, minor] = version;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw new PythonMissing(command, `is Python ${version.join('.')}`);
  return { executable, version: version.join('.'), platform };
}

async function runProbe(command: string, { environment }: PythonSettings, signal?: AbortSignal) {
  try {
    const { stdout } = await run(command, ['-c', PROBE], {
      env: { ...environment, HOME: tmpdir() },
      timeout: PROBE_LIMIT_MS,
      ...(signal && { signal }),
    });
    return z.parse(probeSchema, JSON.parse(stdout));
  } catch (cause) {
    signal?.throwIfAborted();
    const problem =
      systemCode(cause) === 'ENOENT' ? 'is not there' : `does not run (${messageOf(cause).split('\n')[0]})`;
    throw new PythonMissing(command, problem, cause);
  }
}
