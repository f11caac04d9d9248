import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Condition, Filter, Scalar } from './filter.ts';
import { compileWildcard } from './wildcard.ts';

/**
 * Tells whether a document satisfies a filter, without a store: what the SQL has to agree with. A missing field counts
 * as null; false and null are equal to each other, as the client expects of `annotated: false`; a list satisfies an equality
 * when one of its values does.
 */
export function matches(filter: Filter, document: JsonObject): boolean {
  if ('and' in filter) return filter.and.every((each) => matches(each, document));
  if ('or' in filter) return filter.or.some((each) => matches(each, document));
  return holds(filter, valueAt(document, filter.path));
}

function holds(condition: Condition, value: Json | undefined): boolean {
  switch (condition.op) {
    case 'eq':
      return equals(value, condition.value);
    case 'ne':
      return !equals(value, condition.value);
    case 'in':
      return condition.values.some((each) => equals(value, each));
    case 'nin':
      return !condition.values.some((each) => equals(value, each));
    case 'exists':
      return (value !== undefined) === condition.value;
    case 'wildcard':
      return typeof value === 'string' && compileWildcard(condition.pattern, { pathAware: false })(value);
    case 'glob':
      return typeof value === 'string' && compileWildcard(condition.pattern, { pathAware: true })(value);
    default:
      return compares(condition.op, value, condition.value);
  }
}

function equals(value: Json | undefined, wanted: Scalar): boolean {
  if (Array.isArray(value)) return value.some((each) => each === wanted && each !== null);
  if (wanted === false) return value === false || value === null || value === undefined;
  if (wanted === null) return value === null || value === undefined;
  return value === wanted;
}

function compares(op: 'gt' | 'gte' | 'lt' | 'lte', value: Json | undefined, bound: string | number): boolean {
  const order =
    typeof value === 'string' && typeof bound === 'string'
      ? // The store orders texts by their UTF-8 bytes.
        Buffer.compare(Buffer.from(value), Buffer.from(bound))
      : typeof value === 'number' && typeof bound === 'number'
        ? value - bound
        : undefined;
  if (order === undefined) return false;
  return { gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[op];
}

function valueAt(document: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = document;
  for (const part of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}
