import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import * as z from 'zod/mini';
import { assertModules } from '../shared/catalog/packages.ts';
import { packFolder } from '../shared/codebases/archive.ts';
import { newPackageSchema, type PackageModule } from '../shared/entities/package.ts';
import { InvalidInput, messageOf, systemCode } from '../shared/errors.ts';
import { isJsonObject } from '../shared/json.ts';
import { parse } from '../shared/parse.ts';
import { RunnerUnusable } from '../shared/services/errors.ts';
import { assertName } from '../shared/services/names.ts';
import { chooseRunnerClass } from '../shared/services/runner-class.ts';
import { bundleFile, importBundle } from './bundle-file.ts';
import { PackageNotBundled, PathUnusable } from './errors.ts';

/** What a folder with functions is read for, in this order; the second is how Dataloop's client keeps it. */
const MANIFESTS = ['modelfn.json', 'package.json'];

const { name, modules, slots, requirements, serviceConfig } = newPackageSchema.shape;
const manifestSchema = z.object({ name, modules, slots, requirements, serviceConfig });

/** A user's package, bundled and checked, ready to be pushed. */
export interface ReadPackage extends Omit<z.output<typeof manifestSchema>, 'modules'> {
  /** Their entry points are files of the archive. */
  modules: PackageModule[];
  /** A zip of its code: equal sources give equal bytes. */
  archive: Uint8Array;
  sizeBytes: number;
}

/**
 * The package of a folder: its manifest checked, each module's file bundled with what it imports, its class found with a
 * method for every function. The code is imported by that, and run no further.
 * @throws PathUnusable, InvalidInput, InvalidName, PackageNotBundled, RunnerUnusable
 */
export async function readPackage(folder: string): Promise<ReadPackage> {
  const manifest = await readManifest(folder);
  assertName('package', manifest.name);
  assertModules(manifest.modules);
  const directory = await mkdtemp(join(tmpdir(), 'modelfn-package-'));
  try {
    const bundled: PackageModule[] = [];
    let sizeBytes = 0;
    for (const module of manifest.modules) {
      const source = await bundleFile(entryOf(folder, manifest.name, module), 'bundle.mjs', refuse);
      // Named by its place: two modules may have files of one name.
      const entryPoint = `module-${bundled.length}.mjs`;
      await writeFile(join(directory, entryPoint), source);
      const exported = await importBundle(module.entryPoint, join(directory, entryPoint), refuse);
      chooseRunnerClass(manifest.name, module, exported);
      bundled.push({ ...module, entryPoint });
      sizeBytes += source.byteLength;
    }
    return { ...manifest, modules: bundled, archive: await packFolder(directory), sizeBytes };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function readManifest(folder: string): Promise<z.output<typeof manifestSchema>> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new PathUnusable(folder, 'is no folder', `Give the folder with ${MANIFESTS[0]}.`);
  for (const file of MANIFESTS) {
    const text = await readText(join(folder, file));
    if (text === undefined) continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new InvalidInput(file, [{ field: '', problem: `it is no JSON: ${messageOf(error)}` }], error);
    }
    // npm's package.json is no manifest of functions.
    if (file === 'package.json' && !(isJsonObject(value) && 'modules' in value)) continue;
    const manifest = parse(manifestSchema, value, file);
    if (manifest.modules.length > 0) return manifest;
    throw new InvalidInput(file, [{ field: 'modules', problem: 'there are none; a module is a class' }]);
  }
  throw new PathUnusable(
    folder,
    `has no ${MANIFESTS[0]}`,
    'It names the package, and each class with its functions: {"name": ..., "modules": [...]}.',
  );
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new PathUnusable(path, `cannot be read (${messageOf(error)})`, 'Make it readable.', error);
  }
}

function entryOf(folder: string, packageName: string, { entryPoint }: PackageModule): string {
  if (entryPoint.endsWith('.py'))
    throw new RunnerUnusable(
      `Package ${packageName} (${entryPoint})`,
      'is written in Python, which runs adapters here and no functions',
      'Write the function in TypeScript or JavaScript; it may call a Python adapter through a loaded Snapshot.',
    );
  const path = resolve(folder, entryPoint);
  if (relative(folder, path).startsWith('..'))
    throw new PathUnusable(entryPoint, 'is outside of the package', 'Name a file of its folder.');
  return path;
}

function refuse(file: string, problems: readonly string[], cause: unknown): PackageNotBundled {
  return new PackageNotBundled(file, problems, cause);
}
