import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Metafile } from 'esbuild';

/** What a bundle was built from and by, kept beside it as `<outdir>/<name>.build.json`. */
export interface BuildRecord {
  /** Version of esbuild and of the build's own options. */
  builder: string;
  /** Input file -> time of change and size; paths relative to the root. */
  inputs: Record<string, string>;
  metafile: Metafile;
}

/** Path of a function's record. It lies outside the function's folder, so that it is not deployed. */
export function recordPath(outdir: string, name: string): string {
  return join(outdir, `${name}.build.json`);
}

/** The record of the last build; `undefined` when there is none that can be read. */
export async function readRecord(outdir: string, name: string): Promise<BuildRecord | undefined> {
  try {
    return JSON.parse(await readFile(recordPath(outdir, name), 'utf8')) as BuildRecord;
  } catch {
    return undefined;
  }
}

/** Time of change and size of every file; a file changed after `since` counts as unknown, for the build may have read it before. */
export async function stampInputs(
  root: string,
  paths: readonly string[],
  since = Number.POSITIVE_INFINITY,
): Promise<Record<string, string>> {
  const stamps = await Promise.all(
    paths.map(async (path) => {
      const found = await stat(resolve(root, path)).catch(() => undefined);
      const known = found !== undefined && found.mtimeMs <= since;
      return [path, known ? `${found.mtimeMs} ${found.size}` : 'unknown'] as const;
    }),
  );
  return Object.fromEntries(stamps);
}

/** True when no input changed since the build and all it put out is still there. */
export async function isRecordCurrent(record: BuildRecord, root: string, builder: string): Promise<boolean> {
  if (record.builder !== builder) return false;
  const now = await stampInputs(root, Object.keys(record.inputs));
  if (Object.entries(record.inputs).some(([path, stamp]) => stamp === 'unknown' || now[path] !== stamp))
    return false;
  const outputs = await stampInputs(root, Object.keys(record.metafile.outputs));
  return Object.values(outputs).every((stamp) => stamp !== 'unknown');
}
