import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import * as z from 'zod/mini';
import type { PythonSettings } from '../../shared/config.ts';
import { messageOf, systemCode } from '../../shared/errors.ts';
import { PythonMissing } from './errors.ts';

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

/** Asks the program what it is. @throws PythonMissing */
export async function findInterpreter(settings: PythonSettings, signal?: AbortSignal): Promise<Interpreter> {
  const { command } = settings;
  const { executable, version, platform } = await probe(settings, signal);
  if (executable === '') throw new PythonMissing(command, 'does not know its own path: give it in full');
  const [major, minor] = version;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw new PythonMissing(command, `is Python ${version.join('.')}`);
  return { executable, version: version.join('.'), platform };
}

async function probe({ command, environment }: PythonSettings, signal?: AbortSignal) {
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
