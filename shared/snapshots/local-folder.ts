import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { liesInRoots, realPathOf } from '../content/contained-path.ts';
import { InvalidInput, systemCode } from '../errors.ts';

/**
 * A folder of this machine that a call names: it has to lie in the state folder or in MODELFN_LOCAL_ROOTS, links
 * followed, so that a call cannot read what the machine's owner did not open.
 * @throws InvalidInput
 */
export async function localFolder(
  config: Pick<Config, 'home' | 'localRoots'>,
  path: string,
): Promise<string> {
  const wanted = resolve(path);
  const roots = [config.home, ...config.localRoots];
  if (!(await liesInRoots(wanted, roots)))
    throw refused(path, 'lies outside the state folder and MODELFN_LOCAL_ROOTS; put its parent folder there');
  const found = await stat(wanted).catch((error: unknown) => {
    throw refused(path, systemCode(error) === 'ENOENT' ? 'is not there' : 'cannot be opened');
  });
  if (!found.isDirectory()) throw refused(path, 'is no folder');
  return realPathOf(wanted);
}

function refused(path: string, problem: string): InvalidInput {
  return new InvalidInput('folder', [{ field: 'directory', problem: `${JSON.stringify(path)} ${problem}` }]);
}
