import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { realPathOf } from '../content/contained-path.ts';
import { isAllowedPath } from '../content/local-roots.ts';
import { InvalidInput, systemCode } from '../errors.ts';
import { localRootsOf } from '../state-folder.ts';

/**
 * Returns the real path of a folder that a call names. It must lie in MODELFN_LOCAL_ROOTS, links followed, and neither
 * lie in the state folder nor contain it: a call reads only what the machine's owner opened, and no other project's files.
 * @throws InvalidInput
 */
export async function localFolder(
  config: Pick<Config, 'home' | 'localRoots' | 'store'>,
  path: string,
): Promise<string> {
  const wanted = resolve(path);
  if (!(await isAllowedPath(wanted, localRootsOf(config))))
    throw refused(
      path,
      'is not a folder below MODELFN_LOCAL_ROOTS, or overlaps the state folder; add its parent folder to that setting',
    );
  const found = await stat(wanted).catch((error: unknown) => {
    throw refused(path, systemCode(error) === 'ENOENT' ? 'is not there' : 'cannot be opened');
  });
  if (!found.isDirectory()) throw refused(path, 'is no folder');
  return realPathOf(wanted);
}

function refused(path: string, problem: string): InvalidInput {
  return new InvalidInput('folder', [{ field: 'directory', problem: `${JSON.stringify(path)} ${problem}` }]);
}
