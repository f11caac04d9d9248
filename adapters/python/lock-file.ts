import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { messageOf } from '../../shared/errors.ts';
import { parse } from '../../shared/parse.ts';
import { maskPatterns } from '../../shared/redact.ts';
import type { Installer } from './installer.ts';

const LOCK_FILE = 'modelfn-lock.json';
/** The first pip that writes a report with the hashes of what it installed. */
const REPORTING_PIP = [22, 2] as const;

/** Packages of an environment, recorded in the lineage of weights that were made with it. */
export interface EnvironmentLock {
  /** Version of Python, such as `3.8.20`. */
  python: string;
  /** Exact requirements of all that was installed, with hashes where pip reports them; null when nothing was installed. */
  packages: string[] | null;
}

const lockSchema = z.object({ python: z.string(), packages: z.nullable(z.array(z.string())) });

const reportSchema = z.object({
  install: z.array(
    z.object({
      metadata: z.object({ name: z.string(), version: z.string() }),
      is_direct: z.optional(z.boolean()),
      download_info: z.object({
        url: z.string(),
        archive_info: z.optional(z.object({ hashes: z.optional(z.record(z.string(), z.string())) })),
        vcs_info: z.optional(z.object({ vcs: z.string(), commit_id: z.string() })),
      }),
    }),
  ),
});

/** Arguments that make pip write its report to a file; none for a pip that cannot. */
export async function reportArguments(installer: Installer, python: string, file: string): Promise<string[]> {
  const version = await installer.run(python, ['-c', 'import pip; print(pip.__version__)'], {
    isQuiet: true,
  });
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = REPORTING_PIP;
  const isReporting = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  return isReporting ? ['--report', file] : [];
}

/** Exact requirements of what was installed, sorted: from pip's report, or by `pip freeze` without one. */
export async function readInstalled(
  installer: Installer,
  python: string,
  report: string | undefined,
): Promise<string[]> {
  if (report !== undefined) {
    const text = await readFile(report, 'utf8');
    return parse(reportSchema, JSON.parse(text), 'report of pip').install.map(toLine).sort();
  }
  const frozen = await installer.run(python, ['-m', 'pip', 'freeze', '--disable-pip-version-check'], {
    isQuiet: true,
  });
  return frozen
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(maskPatterns)
    .sort();
}

function toLine({
  metadata,
  is_direct,
  download_info,
}: z.output<typeof reportSchema>['install'][number]): string {
  const { url, archive_info, vcs_info } = download_info;
  if (vcs_info) return `${metadata.name} @ ${vcs_info.vcs}+${maskPatterns(url)}@${vcs_info.commit_id}`;
  const sha256 = archive_info?.hashes?.sha256;
  const exact = is_direct
    ? `${metadata.name} @ ${maskPatterns(url)}`
    : `${metadata.name}==${metadata.version}`;
  return sha256 === undefined ? exact : `${exact} --hash=sha256:${sha256}`;
}

export async function writeLock(directory: string, lock: EnvironmentLock): Promise<void> {
  await writeFile(join(directory, LOCK_FILE), `${JSON.stringify(lock, null, 2)}\n`);
}

/** @throws Error for an environment without a readable lock file */
export async function readLock(directory: string): Promise<EnvironmentLock> {
  try {
    return parse(lockSchema, JSON.parse(await readFile(join(directory, LOCK_FILE), 'utf8')), LOCK_FILE);
  } catch (cause) {
    throw new Error(`the lock file of a Python environment cannot be read: ${messageOf(cause)}`, { cause });
  }
}
