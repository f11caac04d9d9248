import { isModelAdapterClass, type ModelAdapterClass } from '../adapters/model-adapter.ts';
import { nearest } from '../shared/nearest.ts';
import { ADAPTER_METHODS, listOfferedMethods } from '../shared/snapshots/offered-methods.ts';
import { AdapterClassNotFound } from './errors.ts';

/** An adapter class and the name it is exported under. */
export interface ChosenClass {
  className: string;
  adapterClass: ModelAdapterClass;
}

/**
 * The adapter class of a module: the one export that extends ModelAdapter, or has all its methods; or the export `wanted`.
 * @throws AdapterClassNotFound telling what there is instead
 */
export function chooseAdapterClass(
  file: string,
  exported: Record<string, unknown>,
  wanted: string | undefined,
): ChosenClass {
  const functions = Object.keys(exported).filter((name) => typeof exported[name] === 'function');
  const adapters = functions.filter((name) => problemOf(exported[name]) === undefined);
  if (wanted !== undefined) return named(file, exported, functions, wanted);
  // One class under two names: its own name says more than `default`.
  const names = adapters.filter(
    (name) =>
      name !== 'default' || !adapters.some((other) => other !== name && exported[other] === exported[name]),
  );
  if (names.length === 1)
    return { className: names[0]!, adapterClass: exported[names[0]!] as ModelAdapterClass };
  if (names.length > 1)
    throw new AdapterClassNotFound(
      file,
      `exports ${names.length} adapter classes: ${names.join(', ')}. Choose one with --class.`,
      names,
    );
  const lacking = functions.map((name) => `${name} ${problemOf(exported[name])}`);
  throw new AdapterClassNotFound(
    file,
    `exports no adapter class${lacking.length > 0 ? ` (${lacking.join('; ')})` : ''}. Write: export class MyAdapter extends ModelAdapter { ... } with those of ${ADAPTER_METHODS.join(', ')} that are to be called.`,
    functions,
  );
}

function named(
  file: string,
  exported: Record<string, unknown>,
  functions: readonly string[],
  wanted: string,
): ChosenClass {
  if (!functions.includes(wanted))
    throw new AdapterClassNotFound(
      file,
      `exports no class ${wanted}. It has: ${functions.join(', ') || 'none'}; the nearest is ${nearest(wanted, functions) ?? 'none'}.`,
      functions,
    );
  const problem = problemOf(exported[wanted]);
  if (problem !== undefined)
    throw new AdapterClassNotFound(file, `exports ${wanted}, which ${problem}.`, functions);
  return { className: wanted, adapterClass: exported[wanted] as ModelAdapterClass };
}

/** Returns the reason why a class is not an adapter; `undefined` when it is one. A class derived from ModelAdapter may have any subset of the methods. */
function problemOf(value: unknown): string | undefined {
  const offered = listOfferedMethods(value as ModelAdapterClass);
  if (offered.length === ADAPTER_METHODS.length) return undefined;
  if (!isModelAdapterClass(value)) return 'does not extend ModelAdapter';
  return offered.length === 0 ? `has none of ${ADAPTER_METHODS.join(', ')}` : undefined;
}
