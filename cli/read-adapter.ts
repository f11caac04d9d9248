import { join } from 'node:path';
import type { ModelAdapterClass } from '../adapters/model-adapter.ts';
import { builtInAdapters } from '../adapters/registry.ts';
import { packFolder } from '../shared/codebases/archive.ts';
import { readConfig } from '../shared/config.ts';
import type { AdapterEnvironment } from '../shared/entities/adapter-environment.ts';
import { currentRunApi } from '../shared/invoke/run-api.ts';
import { jsonLog, silentLog } from '../shared/log.ts';
import { BUNDLE_NAME, bundleAdapter } from './bundle-adapter.ts';
import type { Desk } from './desk.ts';
import { findPythonEntry } from './find-python-entry.ts';

/** A user's adapter, in whatever language, ready to be checked and pushed. */
export interface ReadAdapter {
  /** Its export, or the class of its Python file. */
  className: string;
  adapterClass: ModelAdapterClass;
  /** A zip of its code: equal sources give equal bytes. */
  archive: Uint8Array;
  sizeBytes: number;
  /** The file of the archive to start from. */
  entryPoint: string;
}

/** Which adapter of a path, and what its process is given. */
export interface AdapterChoice {
  className?: string | undefined;
  /** Path of its file within the folder, with slashes. */
  entryPoint?: string | undefined;
  environment?: AdapterEnvironment | undefined;
}

/**
 * The adapter of a file or folder. One in TypeScript or JavaScript is bundled with what it imports; one in Python is taken
 * with the folder that was given, else with the folder it lies in. Its code is run by that.
 * @throws PathUnusable, AdapterNotBundled, AdapterClassNotFound, FileRefused, ArchiveRefused, and the codes of adapters/python
 */
export async function readAdapter(
  desk: Desk,
  path: string,
  { className, entryPoint, environment }: AdapterChoice = {},
): Promise<ReadAdapter> {
  const { home, python } = readConfig({ ...desk.io.env }, desk.io.cwd);
  const entry = await findPythonEntry(path, { python, className, entryPoint });
  if (entry === undefined) {
    const file = entryPoint === undefined ? path : join(path, entryPoint);
    return { ...(await bundleAdapter(file, className)), entryPoint: BUNDLE_NAME };
  }
  const { directory } = entry;
  const archive = await packFolder(directory);
  const code = {
    directory,
    entryPoint: entry.file,
    className: entry.className,
    python,
    environment,
    // Installing takes minutes: its lines show that it goes on.
    onInstall: (line: string) => void desk.io.stderr.write(`install: ${line}\n`),
  };
  const log = desk.mode.verbose
    ? jsonLog('info', (line) => desk.io.stderr.write(line), desk.io.now)
    : silentLog;
  const adapterClass = await builtInAdapters.host!({
    ...code,
    cacheDirectory: join(home, 'cache'),
    log,
    // Checks run as if they were runs.
    currentApi: currentRunApi,
  })!;
  return {
    className: code.className,
    adapterClass,
    archive,
    sizeBytes: archive.byteLength,
    entryPoint: code.entryPoint,
  };
}
