import { cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownArchitecture } from '../../cli/package/architecture.ts';
import { type Package, packageFunctions } from '../../cli/package/package-functions.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Packages the project for this machine's processor, so that the zips run here, in a folder of links: the project's own
 * `dist` belongs to whoever works in it.
 */
export async function packageProject(): Promise<Package & { close(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'modelfn-package-'));
  for (const name of await readdir(ROOT)) {
    if (['dist', '.git', '.serverless', '.modelfn'].includes(name)) continue;
    if (name === 'serverless.yml') await cp(join(ROOT, name), join(root, name));
    else await symlink(join(ROOT, name), join(root, name));
  }
  const made = await packageFunctions({
    root,
    architecture: ownArchitecture(),
    stage: 'test',
    region: 'eu-west-1',
    packageFolder: '.serverless',
  });
  return { ...made, close: () => rm(root, { recursive: true, force: true }) };
}
