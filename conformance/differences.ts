import { isDeepStrictEqual } from 'node:util';
import type { Prediction } from '../adapters/model-adapter.ts';

/**
 * What another batch may move a number by: engines that add up in another order for another shape differ in the last
 * digits.
 */
export const ROUNDING = 1e-6;

/** What an adapter answers to a list of samples. */
export type Answers = readonly (readonly Prediction[])[];

/**
 * The first place where two answers differ, in words; `undefined` when there is none. Numbers are compared bit for bit, or
 * may differ by `within`.
 */
export function differenceOfAnswers(
  first: Answers,
  second: Answers,
  filenames: readonly string[],
  within = 0,
): string | undefined {
  if (first.length !== second.length) return `${first.length} lists and ${second.length}`;
  for (const [index, expected] of first.entries())
    if (!isSame(expected, second[index], within))
      return `${filenames[index]}: ${brief(expected)} and ${brief(second[index])}`;
  return undefined;
}

function isSame(a: unknown, b: unknown, within: number): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Object.is(a, b) || Math.abs(a - b) <= within;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return isDeepStrictEqual(a, b);
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    left.length === right.length &&
    left.every(
      ([key, value]) => Object.hasOwn(b, key) && isSame(value, (b as Record<string, unknown>)[key], within),
    )
  );
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 160 ? `${text.slice(0, 157)}...` : text;
}
