import { ModelfnError } from './errors.ts';

/** Levels of lists and objects that a value from outside may have. SQLite reads 1,000; entities wrap a value a few times. */
export const MAX_JSON_DEPTH = 100;
/** Keys of one object. Label maps of large ontologies have some 20,000. */
export const MAX_JSON_KEYS = 100_000;
/** Texts, numbers, lists, objects and other values of one document, all levels together. */
export const MAX_JSON_VALUES = 2_000_000;
/** UTF-16 units of one key. */
export const MAX_JSON_KEY_LENGTH = 4_096;

/** Names of a path that an error shows. */
const SHOWN_NAMES = 6;

/** A JSON value that is nested too deeply or has too many parts. Nothing of it was stored. */
export class JsonLimitExceeded extends ModelfnError {
  override readonly name = 'JsonLimitExceeded';
  readonly code = 'JsonLimitExceeded';
  readonly statusCode = 400;
  /** `field` is the dotted path inside `what`; empty for the whole. */
  constructor(what: string, { field, problem }: JsonProblem, cause?: unknown) {
    super(
      `Invalid ${what}: ${field === '' ? '' : `${field}: `}${problem}. Send a smaller or flatter value; large data belongs in the file of an item.`,
      { details: { field, problem, problems: [{ field, problem }] }, cause },
    );
  }
}

/** The field that exceeds a limit, and how. */
export interface JsonProblem {
  field: string;
  problem: string;
}

/** Checks depth, keys and number of values. Cost: one walk; stops at the first problem. @throws JsonLimitExceeded */
export function assertJsonLimits(value: unknown, what: string): void {
  const problem = findJsonProblem(value);
  if (problem) throw new JsonLimitExceeded(what, problem);
}

/** The first part of a value that exceeds a limit; `undefined` when there is none. */
export function findJsonProblem(
  value: unknown,
  { maxDepth = MAX_JSON_DEPTH, maxValues = MAX_JSON_VALUES } = {},
): JsonProblem | undefined {
  const found = walk(value, 0, { left: maxValues, maxDepth });
  if (found === undefined) return undefined;
  const names = found.path.reverse();
  const shown = names.slice(0, SHOWN_NAMES).map((name) => name.slice(0, 100));
  return {
    field: shown.join('.') + (names.length > SHOWN_NAMES ? '...' : ''),
    problem: found.problem,
  };
}

interface Budget {
  /** Values that may still come. */
  left: number;
  readonly maxDepth: number;
}

/** The path is collected on the way out, its last name first: a value within the limits costs no path. */
function walk(
  value: unknown,
  depth: number,
  budget: Budget,
): { path: string[]; problem: string } | undefined {
  budget.left -= 1;
  if (budget.left < 0) return { path: [], problem: `the document has more than ${MAX_JSON_VALUES} values` };
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    if (depth >= budget.maxDepth) return tooDeep(budget);
    for (let index = 0; index < value.length; index += 1) {
      const found = walk(value[index], depth + 1, budget);
      if (found) return within(String(index), found);
    }
    return undefined;
  }
  // Bytes have a size limit of their own, and are not JSON.
  if (ArrayBuffer.isView(value)) return undefined;
  if (depth >= budget.maxDepth) return tooDeep(budget);
  let keys = 0;
  for (const key in value) {
    keys += 1;
    if (keys > MAX_JSON_KEYS) return { path: [], problem: `it has more than ${MAX_JSON_KEYS} keys` };
    if (key.length > MAX_JSON_KEY_LENGTH)
      return { path: [], problem: `it has a key longer than ${MAX_JSON_KEY_LENGTH} characters` };
    const found = walk((value as Record<string, unknown>)[key], depth + 1, budget);
    if (found) return within(key, found);
  }
  return undefined;
}

function within(name: string, found: { path: string[]; problem: string }) {
  found.path.push(name);
  return found;
}

function tooDeep({ maxDepth }: Budget) {
  return { path: [], problem: `it is nested deeper than ${maxDepth} levels` };
}
