import { type Expression, type RawBuilder, sql } from 'kysely';
import type { DocumentSql } from './document-sql.ts';
import type { Condition, Filter, Scalar } from './filter.ts';

/**
 * A filter as a condition of a query: every value a parameter. A test that cannot be made (a missing field compared) is
 * NULL, which counts as false; below `not` it is made false first. So indexed columns stay bare for the planner.
 */
export function compileFilter(filter: Filter, document: DocumentSql): RawBuilder<boolean> {
  if ('and' in filter) return joined(filter.and, document, ' and ', '1 = 1');
  if ('or' in filter) return joined(filter.or, document, ' or ', '1 = 0');
  return compileCondition(filter, document);
}

function joined(
  filters: readonly Filter[],
  document: DocumentSql,
  operator: ' and ' | ' or ',
  empty: '1 = 1' | '1 = 0',
): RawBuilder<boolean> {
  if (filters.length === 0) return sql<boolean>`(${sql.raw(empty)})`;
  if (filters.length === 1) return compileFilter(filters[0]!, document);
  // In halves: a database bounds the depth of an expression, and `a and b and c` is as deep as it is long.
  const middle = filters.length >> 1;
  const halves = [filters.slice(0, middle), filters.slice(middle)].map((half) =>
    joined(half, document, operator, empty),
  );
  return sql<boolean>`(${sql.join(halves, sql.raw(operator))})`;
}

function compileCondition(condition: Condition, document: DocumentSql): RawBuilder<boolean> {
  const { path } = condition;
  switch (condition.op) {
    case 'eq':
      return isAnyOf(path, [condition.value], document);
    case 'ne':
      return sql<boolean>`not coalesce(${isAnyOf(path, [condition.value], document)}, false)`;
    case 'in':
      return isAnyOf(path, condition.values, document);
    case 'nin':
      return sql<boolean>`not coalesce(${isAnyOf(path, condition.values, document)}, false)`;
    case 'exists':
      return condition.value
        ? sql<boolean>`${document.type(path)} is not null`
        : sql<boolean>`${document.type(path)} is null`;
    case 'wildcard':
      return document.fits(path, condition.pattern, false);
    case 'glob':
      return document.fits(path, condition.pattern, true);
    default:
      return document.compares(path, condition.op, condition.value);
  }
}

/** Type-sensitive: the text "5" is not the number 5, and true is not 1. */
function isAnyOf(
  path: readonly string[],
  values: readonly Scalar[],
  document: DocumentSql,
): RawBuilder<boolean> {
  const texts = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  const words = values.filter((value) => typeof value === 'boolean' || value === null);
  const flag = document.flag(path);
  if (flag) return isAnyWord(flag, words);
  const parts: RawBuilder<boolean>[] = [];
  if (texts.length > 0) parts.push(document.isAnyText(path, texts));
  if (numbers.length > 0) parts.push(document.isAnyNumber(path, numbers));
  if (words.length > 0) parts.push(isAnyWord(document.type(path), words));
  const solid = values.filter((each) => each !== null);
  // A column holds a text or nothing.
  const mayBeList = !document.isColumn(path) || numbers.length > 0 || words.length > 0;
  if (solid.length > 0 && mayBeList) parts.push(document.listHolds(path, solid));
  if (parts.length === 0) return sql<boolean>`1 = 0`;
  return parts.length === 1 ? parts[0]! : sql<boolean>`(${sql.join(parts, sql.raw(' or '))})`;
}

/** False and null are both equal to a missing field. */
function isAnyWord(type: Expression<unknown>, words: readonly Scalar[]): RawBuilder<boolean> {
  const absent = words.includes(false) || words.includes(null);
  const types = [
    ...(words.includes(true) ? ['true'] : []),
    ...(words.includes(false) ? ['false'] : []),
    ...(absent ? ['null'] : []),
  ];
  if (types.length === 0) return sql<boolean>`1 = 0`;
  const isType = sql<boolean>`${type} in (${sql.join(types.map((each) => sql.lit(each)))})`;
  return absent ? sql<boolean>`(${type} is null or ${isType})` : isType;
}
