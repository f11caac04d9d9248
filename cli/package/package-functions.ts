import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../shared/errors.ts';
import { buildFunctions } from '../local/build.ts';
import type { Architecture } from './architecture.ts';
import { PackageFailed } from './errors.ts';
import { addNativeParts } from './native-parts.ts';

export interface PackageOptions {
  /** Folder with `serverless.yml` and `functions/`; the bundles go to its `dist/`. */
  root: string;
  architecture: Architecture;
  /** Part of every name in the account. */
  stage: string;
  region: string;
  /** Folder of the package, relative to the root. What is in it is replaced. */
  packageFolder: string;
}

/** A package, ready to be deployed. */
export interface Package {
  /** Absolute path of the CloudFormation template. */
  template: string;
  /** Function name -> absolute path of its zip. */
  zips: ReadonlyMap<string, string>;
}

const run = promisify(execFile);

/**
 * Builds every function anew, lays the native parts of the target beside the bundles, and has osls write template and
 * zips. Needs no credentials, and no network but for native parts of another architecture than this machine's.
 * @throws BuildFailed, NativePartsMissing, PackageFailed
 */
export async function packageFunctions(options: PackageOptions): Promise<Package> {
  const { root, architecture, stage, region, packageFolder } = options;
  const outdir = join(root, 'dist');
  const built = await buildFunctions({ root, outdir, clean: true });
  await addNativeParts(
    { root, outdir, architecture },
    built.map(({ name }) => name),
  );
  const params = [`--param=architecture=${architecture}`, `--param=region=${region}`];
  await osls(root, ['package', '--package', packageFolder, '--stage', stage, ...params]);
  return {
    template: join(root, packageFolder, 'cloudformation-template-update-stack.json'),
    zips: new Map(built.map(({ name }) => [name, join(root, packageFolder, `${name}.zip`)])),
  };
}

async function osls(root: string, options: readonly string[]): Promise<void> {
  const bin = createRequire(join(root, 'package.json')).resolve('osls/bin/serverless.js');
  try {
    await run(process.execPath, [bin, ...options], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new PackageFailed('osls package', `${stdout}\n${stderr}` || messageOf(error), error);
  }
}
