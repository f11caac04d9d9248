import type { ModelAdapterClass } from '../../adapters/model-adapter.ts';
import { AdapterMethodMissing } from '../adapter-method-missing.ts';

/** Methods that functions call. An adapter may have any of them. */
export const ADAPTER_METHODS = ['prepare', 'train', 'predict', 'save', 'load'] as const;
export type AdapterMethod = (typeof ADAPTER_METHODS)[number];

/** True when the class has the method: by its own list where it has one, else by its prototype. */
export function offersMethod(adapterClass: ModelAdapterClass, method: AdapterMethod): boolean {
  // Items go to a process as they are: `prepare` of its adapter runs there.
  if (Array.isArray(adapterClass.methods) && method !== 'prepare')
    return adapterClass.methods.includes(method);
  const prototype = adapterClass.prototype as Record<string, unknown> | undefined;
  return typeof prototype?.[method] === 'function';
}

export function listOfferedMethods(adapterClass: ModelAdapterClass): AdapterMethod[] {
  return ADAPTER_METHODS.filter((method) => offersMethod(adapterClass, method));
}

/** @throws AdapterMethodMissing for the first method that the class lacks; the error names those it has */
export function assertMethods(
  adapterClass: ModelAdapterClass,
  adapter: string,
  needs: readonly AdapterMethod[],
): void {
  const missing = needs.find((method) => !offersMethod(adapterClass, method));
  if (missing !== undefined)
    throw new AdapterMethodMissing(adapter, missing, undefined, listOfferedMethods(adapterClass));
}
