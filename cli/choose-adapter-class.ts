import type { ModelAdapterClass } from '../adapters/model-adapter.ts';
import { nearest } from '../shared/nearest.ts';
import { AdapterClassNotFound } from './errors.ts';

/** An adapter class and the name it is exported under. */
export interface ChosenClass {
  className: string;
  adapterClass: ModelAdapterClass;
}

const METHODS = ['prepare', 'train', 'predict', 'save', 'load'] as const;

/**
 * The adapter class of a module: the one export with an adapter's methods, or the export `wanted`.
 * @throws AdapterClassNotFound telling what there is instead
 */
export function chooseAdapterClass(
  file: string,
  exported: Record<string, unknown>,
  wanted: string | undefined,
): ChosenClass {
  const functions = Object.keys(exported).filter((name) => typeof exported[name] === 'function');
  const complete = functions.filter((name) => missingMethods(exported[name]).length === 0);
  if (wanted !== undefined) return named(file, exported, functions, wanted);
  // One class under two names: its own name says more than `default`.
  const names = complete.filter(
    (name) =>
      name !== 'default' || !complete.some((other) => other !== name && exported[other] === exported[name]),
  );
  if (names.length === 1)
    return { className: names[0]!, adapterClass: exported[names[0]!] as ModelAdapterClass };
  if (names.length > 1)
    throw new AdapterClassNotFound(
      file,
      `exports ${names.length} adapter classes: ${names.join(', ')}. Choose one with --class.`,
      names,
    );
  const lacking = functions.map((name) => `${name} lacks ${missingMethods(exported[name]).join(', ')}`);
  throw new AdapterClassNotFound(
    file,
    `exports no adapter class${lacking.length > 0 ? ` (${lacking.join('; ')})` : ''}. Write: export class MyAdapter extends ModelAdapter { ... } with ${METHODS.join(', ')}.`,
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
  const missing = missingMethods(exported[wanted]);
  if (missing.length > 0)
    throw new AdapterClassNotFound(file, `exports ${wanted}, which lacks ${missing.join(', ')}.`, functions);
  return { className: wanted, adapterClass: exported[wanted] as ModelAdapterClass };
}

function missingMethods(value: unknown): string[] {
  const prototype = (value as { prototype?: Record<string, unknown> }).prototype;
  return METHODS.filter((method) => typeof prototype?.[method] !== 'function');
}
