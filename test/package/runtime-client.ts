import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../shared/errors.ts';

const VERSION = '4.0.2';
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/modelfn', `aws-lambda-ric-${VERSION}`);
const run = promisify(execFile);

/**
 * Path of AWS's own runtime interface client, the program that calls a handler in Lambda. Installed on demand without its
 * scripts: they would compile a client of the Runtime API in C++, in whose place `rapid-client.ts` stands.
 * @throws where the registry cannot be reached and nothing was installed before
 */
export async function runtimeClient(): Promise<string> {
  const entry = join(CACHE, 'node_modules', 'aws-lambda-ric', 'index.mjs');
  if (await isThere(join(dirname(entry), 'package.json'))) return entry;
  const fresh = `${CACHE}-${process.pid}`;
  try {
    await mkdir(fresh, { recursive: true });
    const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', fresh];
    await run('npm', ['install', ...options, `aws-lambda-ric@${VERSION}`], { cwd: fresh, timeout: 180_000 });
    await rename(fresh, CACHE).catch(async (error) => {
      // Another run was first.
      if (!(await isThere(join(dirname(entry), 'package.json')))) throw error;
    });
  } catch (cause) {
    throw new Error(
      `aws-lambda-ric@${VERSION} cannot be installed from the npm registry: ${messageOf(cause)}`,
      { cause },
    );
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return entry;
}

async function isThere(manifest: string): Promise<boolean> {
  const text = await readFile(manifest, 'utf8').catch(() => '{}');
  return (JSON.parse(text) as { version?: string }).version === VERSION;
}
