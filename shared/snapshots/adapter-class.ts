import { join } from 'node:path';
import type { BuiltInAdapters } from '../../adapters/built-in-adapters.ts';
import type { ModelAdapterClass } from '../../adapters/model-adapter.ts';
import { importModule } from '../codebases/import-module.ts';
import type { Model } from '../entities/model.ts';
import { isModelfnError, ModelfnError, messageOf } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { nearest } from '../nearest.ts';
import type { Platform } from '../platform.ts';
import { BUILT_IN_CODE } from '../version.ts';
import { ADAPTER_METHODS, type AdapterMethod, assertMethods, listOfferedMethods } from './offered-methods.ts';

/** An adapter class ready for use, and the name of its exact code. */
export interface LoadedClass {
  adapterClass: ModelAdapterClass;
  /** `builtin:<entry point>@<version>+<digest of the built-in adapters' sources>`, or the codebase's digest. */
  codeDigest: string;
  /** Runtime of hosted code, such as the versions of its packages. */
  runtime?: Readonly<JsonObject> | undefined;
}

/** The code of a model's adapter cannot be used. */
export class AdapterUnusable extends ModelfnError {
  override readonly name = 'AdapterUnusable';
  readonly code = 'AdapterUnusable';
  readonly statusCode = 422;
  constructor(model: Model, problem: string, advice: string, cause?: unknown) {
    super(
      `The adapter of model ${model.name} (${model.entryPoint}, ${model.className}) ${problem}. ${advice}`,
      {
        details: { model: model.id, entryPoint: model.entryPoint, className: model.className },
        cause,
      },
    );
  }
}

/**
 * The class of a model's adapter: a built-in one by its entry point `modelfn/<name>`, else the export `className` of
 * the codebase's file `entryPoint`, or what runs a file of another language. The same code is evaluated once per process,
 * changed code again.
 * `needs`: the methods that the caller will use; code of another language that clearly lacks one is refused before its packages
 * are installed.
 * @throws AdapterUnusable, AdapterMethodMissing, and the codes of codebases
 */
export async function loadAdapterClass(
  platform: Platform,
  builtIns: BuiltInAdapters,
  model: Model,
  signal?: AbortSignal,
  needs: readonly AdapterMethod[] = [],
): Promise<LoadedClass> {
  const loaded = model.entryPoint.startsWith('modelfn/')
    ? {
        adapterClass: await builtIns.load(model.entryPoint),
        codeDigest: `builtin:${model.entryPoint}@${BUILT_IN_CODE}`,
      }
    : await loadFromCodebase(platform, builtIns, model, signal, needs);
  assertMethods(loaded.adapterClass, `${model.entryPoint} (${model.className})`, needs);
  return loaded;
}

async function loadFromCodebase(
  platform: Platform,
  builtIns: BuiltInAdapters,
  model: Model,
  signal: AbortSignal | undefined,
  needs: readonly AdapterMethod[],
): Promise<LoadedClass> {
  const codebase = await platform.openCodebase(model.codebase, model.projectId);
  const { directory, digest } = await codebase.checkout(signal);
  const { entryPoint, className } = model;
  if (entryPoint.split(/[\\/]/).includes('..') || entryPoint.startsWith('/'))
    throw new AdapterUnusable(
      model,
      'has an entry point outside its codebase',
      'Name a file of the codebase.',
    );
  const { cacheDirectory, config, log } = platform;
  // An item goes to another process as it is: `prepare` there is optional.
  const hostedNeeds = needs.filter((method) => method !== 'prepare');
  const code = {
    ...{ directory, entryPoint, className, cacheDirectory, log },
    ...{ python: config.python, needs: hostedNeeds, environment: model.environment },
    homeDirectory: join(cacheDirectory, 'python', 'homes', model.id),
  };
  const hosted = builtIns.host?.(code, signal);
  if (hosted === undefined) return { adapterClass: await importClass(model, directory), codeDigest: digest };
  const adapterClass = await hosted;
  return { adapterClass, codeDigest: digest, runtime: adapterClass.runtime };
}

async function importClass(model: Model, directory: string): Promise<ModelAdapterClass> {
  const { entryPoint, className } = model;
  let exported: Record<string, unknown>;
  try {
    exported = await importModule(directory, entryPoint);
  } catch (cause) {
    if (isModelfnError(cause)) throw cause;
    const advice = 'Push the code again with `modelfn models push`, which bundles what it imports.';
    throw new AdapterUnusable(
      model,
      `cannot be imported: ${withoutFolder(messageOf(cause), directory)}`,
      advice,
      cause,
    );
  }
  const found = exported[className];
  if (typeof found !== 'function') {
    const names = Object.keys(exported).filter((name) => typeof exported[name] === 'function');
    const advice = `Its classes are: ${names.join(', ') || 'none'}; the nearest is ${nearest(className, names) ?? 'none'}.`;
    throw new AdapterUnusable(model, 'has no such export', advice);
  }
  const adapterClass = found as unknown as ModelAdapterClass;
  if (listOfferedMethods(adapterClass).length === 0)
    throw new AdapterUnusable(
      model,
      `has none of the methods ${ADAPTER_METHODS.join(', ')}`,
      'Extend ModelAdapter and write those that its users call.',
    );
  return adapterClass;
}

/** Messages of the module loader name files; the machine's folders are no one's business. */
function withoutFolder(message: string, directory: string): string {
  return message.replaceAll(`${directory}/`, '');
}
