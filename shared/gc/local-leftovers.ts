import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { allMatches, chunksOf } from '../catalog/all-matches.ts';
import { bytesBelow, findAbandoned } from '../content/temporary-file.ts';
import type { CodebaseSpec } from '../entities/codebase-spec.ts';
import { toErrorBody } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { cachedBytes, trimCache } from '../snapshots/files/cache-limit.ts';
import { HandedFolders } from '../snapshots/files/handed-folders.ts';
import { stateFolder } from '../state-folder.ts';
import { addTo, type Freed, nothing } from './freed.ts';
import { namesIn } from './names-in.ts';

/** What can be freed of this machine's folders. */
export interface LocalLeftovers {
  /** Files of uploads and loads that were killed. */
  temporary: Freed;
  /** Unpacked code that no model has in any version; unpacked anew when it is wanted again. */
  codebases: Freed;
  /** Fetched weights beyond the limit, longest unused first; fetched anew when they are wanted again. */
  cachedWeights: { usedBytes: number; limitBytes: number; excessBytes: number; freedBytes: number };
  /** Reason why some files could not be removed. They are not counted as freed, and the next run finds them again. */
  problems: LocalProblem[];
}

export interface LocalProblem {
  what: 'temporary' | 'codebases' | 'cachedWeights';
  code: string;
  message: string;
}

/** Finds, and with `free` removes, what is older than `olderThanMs` and wanted by no one. */
export async function collectLocal(
  platform: Platform,
  { olderThanMs, free }: { olderThanMs: number; free: boolean },
): Promise<LocalLeftovers> {
  const problems: LocalProblem[] = [];
  const remove = async (what: LocalProblem['what'], path: string): Promise<boolean> => {
    if (!free) return true;
    try {
      await rm(path, { recursive: true, force: true });
      return true;
    } catch (error) {
      problems.push(problemOf(what, error));
      return false;
    }
  };
  const temporary = await temporaryFiles(platform, olderThanMs, (path) => remove('temporary', path));
  const codebases = await oldCodebases(platform, olderThanMs, (path) => remove('codebases', path));
  const cachedWeights = await excessWeights(platform, free).catch((error: unknown) => {
    problems.push(problemOf('cachedWeights', error));
    return excessWeights(platform, false);
  });
  return { temporary, codebases, cachedWeights, problems };
}

function problemOf(what: LocalProblem['what'], error: unknown): LocalProblem {
  const { code, message } = toErrorBody(error);
  return { what, code, message };
}

/** True when the path is gone, or would be. */
type Remove = (path: string) => Promise<boolean>;

async function temporaryFiles(
  { config, cacheDirectory }: Platform,
  olderThanMs: number,
  remove: Remove,
): Promise<Freed> {
  const folders = [
    join(stateFolder(config.home).contents, 'tmp'),
    join(cacheDirectory, 'tmp'),
    join(cacheDirectory, 'codebases', 'tmp'),
  ];
  const total = nothing();
  for (const folder of folders)
    for (const file of await findAbandoned(folder, 0, olderThanMs))
      if (await remove(file.path)) addTo(total, file);
  return total;
}

async function oldCodebases(platform: Platform, olderThanMs: number, remove: Remove): Promise<Freed> {
  const folder = join(platform.cacheDirectory, 'codebases');
  const total = nothing();
  const wanted = await digestsInUse(platform);
  for (const name of await namesIn(folder)) {
    if (!/^[0-9a-f]{64}$/.test(name) || wanted.has(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || found.mtimeMs >= olderThanMs) continue;
    const sizeBytes = await bytesBelow(path);
    if (await remove(path)) addTo(total, { sizeBytes });
  }
  return total;
}

/** Digests of the archives that any version of any model names. */
async function digestsInUse({ store }: Platform): Promise<Set<string>> {
  const ids = new Set<string>();
  const note = (codebase: CodebaseSpec): void => {
    if (codebase.type === 'item') ids.add(codebase.itemId);
  };
  // A codebase that a damaged model names is unpacked again when it is needed.
  for await (const models of allMatches(store, 'Model', { skipsUnreadable: true }))
    for (const { codebase, revisions = [] } of models)
      for (const each of [codebase, ...revisions.map((revision) => revision.codebase)]) note(each);
  const digests = new Set<string>();
  for (const chunk of chunksOf([...ids]))
    for (const { entity } of await store.getMany('Item', chunk))
      if (entity.content) digests.add(entity.content.sha256);
  return digests;
}

async function excessWeights({ config, cacheDirectory }: Platform, free: boolean) {
  const limitBytes = config.cacheBytes;
  const usedBytes = await cachedBytes(cacheDirectory);
  const excessBytes = Math.max(0, usedBytes - limitBytes);
  if (free) await trimCache(cacheDirectory, limitBytes, new HandedFolders(join(cacheDirectory, 'handed')));
  const freedBytes = free ? Math.max(0, usedBytes - (await cachedBytes(cacheDirectory))) : 0;
  return { usedBytes, limitBytes, excessBytes, freedBytes };
}
