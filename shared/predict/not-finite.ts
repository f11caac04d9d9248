import type { Prediction } from '../../adapters/model-adapter.ts';

/**
 * Names the first number of an item's predictions that is NaN or Infinity, which JSON cannot contain; `undefined` without one. Tensors
 * may contain them: they are kept in a file.
 */
export function findNotFinite(predictions: readonly Prediction[]): string | undefined {
  for (const { confidence, coordinates, attributes } of predictions) {
    if (typeof confidence === 'number' && !Number.isFinite(confidence)) return `the confidence ${confidence}`;
    for (const [name, value] of Object.entries({ coordinates, attributes })) {
      const found = notFiniteWithin(value);
      if (found !== undefined) return `${found} in its ${name}`;
    }
  }
  return undefined;
}

/** Predictions of an adapter are not trusted to be JSON. Stops at the depth at which the check of their form refuses them. */
function notFiniteWithin(value: unknown, depth = 0): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : value;
  if (typeof value !== 'object' || value === null || depth > MOST_DEPTH) return undefined;
  for (const each of Array.isArray(value) ? value : Object.values(value)) {
    const found = notFiniteWithin(each, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

const MOST_DEPTH = 64;
