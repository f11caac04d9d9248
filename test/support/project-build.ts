import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type BuiltFunction, buildFunctions } from '../../cli/local/build.ts';
import { recordPath } from '../../cli/local/build-record.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * The project's bundles, and nothing beside them, in `outdir`: as deployed, where no `node_modules` is near. They are
 * built in the project's `dist`, which takes seconds, by the first test that wants them, and copied from there.
 */
export async function buildProject(outdir: string, names?: readonly string[]): Promise<BuiltFunction[]> {
  const dist = join(ROOT, 'dist');
  const built = await buildFunctions({ root: ROOT, outdir: dist, ...(names && { names }) });
  const isBuilt = (path: string) => basename(path) !== 'node_modules';
  for (const { name } of built) {
    await cp(join(dist, name), join(outdir, name), { recursive: true, filter: isBuilt });
    await cp(recordPath(dist, name), recordPath(outdir, name));
  }
  return built.map((each) => ({ ...each, bundle: join(outdir, each.name, basename(each.bundle)) }));
}
