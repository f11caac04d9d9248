import type { RunnerSetup, ServiceRunner } from '../../adapters/service-runner.ts';
import { importModule } from '../codebases/import-module.ts';
import type { PackageModule } from '../entities/package.ts';
import { isModelfnError, messageOf } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Platform } from '../platform.ts';
import { RunnerUnusable } from './errors.ts';
import type { ServiceFunction } from './service-function.ts';

/** A runner's class as a codebase exports it; its own methods are reached by name. */
export type RunnerClass = new (setup: RunnerSetup) => ServiceRunner;

/**
 * The class of a service's module: the export `className` of the codebase's file `entryPoint`. The same
 * code is evaluated once per process, changed code again.
 * @throws RunnerUnusable, and the codes of codebases
 */
export async function loadRunnerClass(
  platform: Pick<Platform, 'openCodebase'>,
  {
    package: { name, projectId },
    revision,
    module,
  }: Pick<ServiceFunction, 'package' | 'revision' | 'module'>,
  signal?: AbortSignal,
): Promise<RunnerClass> {
  const { entryPoint } = module;
  if (!revision.codebase)
    throw new RunnerUnusable(`Package ${name}`, 'has no code', 'Push it with: modelfn packages push.');
  if (entryPoint.endsWith('.py'))
    throw new RunnerUnusable(
      `Package ${name} (${entryPoint})`,
      'is written in Python, which runs adapters here and no functions',
      'Write the function in TypeScript or JavaScript.',
    );
  const codebase = await platform.openCodebase(revision.codebase, projectId);
  const { directory } = await codebase.checkout(signal);
  return chooseRunnerClass(name, module, await importRunner(name, module, directory));
}

/** The class of a module among what its file exports, with all methods that the package declares. @throws RunnerUnusable */
export function chooseRunnerClass(
  packageName: string,
  { className, entryPoint, functions }: PackageModule,
  exported: Record<string, unknown>,
): RunnerClass {
  const where = `Package ${packageName} (${entryPoint})`;
  const found = Object.hasOwn(exported, className) ? exported[className] : undefined;
  if (typeof found !== 'function') {
    const names = Object.keys(exported).filter((name) => typeof exported[name] === 'function');
    const advice = `Its classes are: ${names.join(', ') || 'none'}; the nearest is ${nearest(className, names) ?? 'none'}.`;
    throw new RunnerUnusable(where, `exports no class ${className}`, advice);
  }
  const prototype = found.prototype as Record<string, unknown> | undefined;
  const missing = functions
    .map(({ name }) => name)
    .filter((name) => name in Object.prototype || typeof prototype?.[name] !== 'function');
  if (missing.length === 0) return found as unknown as RunnerClass;
  throw new RunnerUnusable(
    where,
    `has a class ${className} without the method${missing.length === 1 ? '' : 's'} ${missing.join(', ')}`,
    'A function that a package declares is a method of its class, of the same name.',
  );
}

async function importRunner(
  packageName: string,
  { entryPoint }: PackageModule,
  directory: string,
): Promise<Record<string, unknown>> {
  try {
    return await importModule(directory, entryPoint);
  } catch (cause) {
    if (isModelfnError(cause)) throw cause;
    // Messages of the module loader name files; the machine's folders are no one's business.
    const reason = messageOf(cause).replaceAll(`${directory}/`, '');
    throw new RunnerUnusable(
      `Package ${packageName} (${entryPoint})`,
      `cannot be imported: ${reason}`,
      'Push it again with `modelfn packages push`, which bundles what it imports.',
      cause,
    );
  }
}
