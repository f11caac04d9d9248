import type { EntityKind } from '../entities/kinds.ts';
import type { JsonObject } from '../json.ts';
import { type Condition, type Filter, parseFilter, type Scalar } from '../query/filter.ts';
import type { Query } from '../query/query.ts';
import { columnOf, flagOf } from './tables.ts';

/** Conditions on columns that a scan evaluates in no time. */
const FEW_CONDITIONS = 8;

/**
 * True for a query that may take long on a large table: it reads documents, matches patterns, joins, or has many conditions.
 * Others read columns alone. @throws InvalidFilter
 */
export function isCostly(kind: EntityKind, { filter = {}, sort = [], join }: Query): boolean {
  if (join !== undefined) return true;
  if (sort.some(({ field }) => columnOf(kind, field.split('.')) === undefined)) return true;
  const conditions = conditionsOf(filter);
  return conditions.length > FEW_CONDITIONS || conditions.some((condition) => readsDocument(kind, condition));
}

function conditionsOf(filter: JsonObject): Condition[] {
  const found: Condition[] = [];
  const walk = (part: Filter): void => {
    if ('and' in part) part.and.forEach(walk);
    else if ('or' in part) part.or.forEach(walk);
    else found.push(part);
  };
  walk(parseFilter(filter));
  return found;
}

function readsDocument(kind: EntityKind, condition: Condition): boolean {
  const { path } = condition;
  if (flagOf(kind, path) !== undefined) return condition.op === 'exists';
  if (columnOf(kind, path) === undefined) return true;
  switch (condition.op) {
    case 'in':
    case 'nin':
      return !condition.values.every(isText);
    case 'exists':
    case 'wildcard':
    case 'glob':
      return true;
    default:
      return !isText(condition.value);
  }
}

function isText(value: Scalar): boolean {
  return typeof value === 'string';
}
