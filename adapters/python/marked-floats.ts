const FLOATS: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** Puts NaN and infinities in the place of `{"$float": "NaN"}`, by which the host script marks them: JSON has none. */
export function unmarkFloats(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unmarkFloats);
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === '$float')
    return FLOATS.get((value as { $float: unknown }).$float) ?? value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unmarkFloats(each)]));
}
