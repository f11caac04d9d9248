import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { buildFunctions } from '../../../cli/local/build.ts';
import { jsonLog, type Log } from '../../../shared/log.ts';

/** A folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelfn-local-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files given by their relative paths. */
export async function writeFiles(root: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

/** Builds functions given by the source of their handlers; answers name -> bundle. */
export async function buildFixtures(sources: Record<string, string>): Promise<Map<string, string>> {
  const root = await temporaryFolder();
  const files = Object.entries(sources).map(([name, source]) => [`functions/${name}/handler.ts`, source]);
  await writeFiles(root, Object.fromEntries(files));
  const built = await buildFunctions({ root, outdir: join(root, 'dist') });
  return new Map(built.map(({ name, bundle }) => [name, bundle]));
}

/** A log that keeps its lines; `seen` resolves with the first line that satisfies the test. */
export function recordingLog() {
  const lines: Record<string, unknown>[] = [];
  const waiting: { test: (line: Record<string, unknown>) => boolean; found: (line: object) => void }[] = [];
  const log: Log = jsonLog('debug', (text) => {
    const line = JSON.parse(text) as Record<string, unknown>;
    lines.push(line);
    for (const { test, found } of waiting) if (test(line)) found(line);
  });
  const seen = (test: (line: Record<string, unknown>) => boolean): Promise<object> => {
    const found = lines.find(test);
    return found ? Promise.resolve(found) : new Promise((resolve) => waiting.push({ test, found: resolve }));
  };
  return { log, lines, seen };
}
