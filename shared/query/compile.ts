import { type Expression, type RawBuilder, sql } from 'kysely';
import type { Condition, Filter, Scalar } from './filter.ts';
import { endOfPrefix, literalPrefix } from './wildcard.ts';

/** How a store's documents are reached from SQL: what differs between dialects. */
export interface DocumentSql {
  /** The declared column that holds a field's text, if there is one. */
  column(path: readonly string[]): Expression<unknown> | undefined;
  /** The value of a field: a text, a number, or NULL. */
  value(path: readonly string[]): Expression<unknown>;
  /** The JSON type of a field: `text`, `integer`, `real`, `true`, `false`, `null`, `array`, `object`; NULL when missing. */
  type(path: readonly string[]): Expression<unknown>;
  /** The column that holds the JSON type of a field that is true, false or missing, never anything else. */
  flag(path: readonly string[]): Expression<unknown> | undefined;
  /** A number as the store reads it out of a document: its own reading may differ in the last digit from ours. */
  number(value: number): Expression<unknown>;
  /** True when the list at the field holds one of the values. */
  listHolds(path: readonly string[], values: readonly (string | number | boolean)[]): RawBuilder<boolean>;
  /** True when the expression is one of the values; one parameter, however many there are. */
  isOneOf(expression: Expression<unknown>, values: readonly (string | number)[]): RawBuilder<boolean>;
  /** True when the text has the form of the pattern. */
  fits(expression: Expression<unknown>, pattern: string, pathAware: boolean): RawBuilder<boolean>;
}

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
      return sql<boolean>`not coalesce(${isAnyOf(path, [condition.value], document)}, 0)`;
    case 'in':
      return isAnyOf(path, condition.values, document);
    case 'nin':
      return sql<boolean>`not coalesce(${isAnyOf(path, condition.values, document)}, 0)`;
    case 'exists':
      return condition.value
        ? sql<boolean>`${document.type(path)} is not null`
        : sql<boolean>`${document.type(path)} is null`;
    case 'wildcard':
      return fits(path, condition.pattern, false, document);
    case 'glob':
      return fits(path, condition.pattern, true, document);
    default:
      return compares(condition, document);
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
  const column = document.column(path);
  if (column && numbers.length === 0 && words.length === 0) return oneOf(column, texts, document);
  const flag = document.flag(path);
  if (flag) return isAnyWord(flag, words);
  const value = document.value(path);
  const type = document.type(path);
  const parts: RawBuilder<boolean>[] = [];
  if (texts.length > 0) parts.push(sql<boolean>`(${type} = 'text' and ${oneOf(value, texts, document)})`);
  if (numbers.length > 0)
    parts.push(sql<boolean>`(${type} in ('integer', 'real') and ${oneOf(value, numbers, document)})`);
  if (words.length > 0) parts.push(isAnyWord(type, words));
  const solid = values.filter((each) => each !== null);
  if (solid.length > 0) parts.push(document.listHolds(path, solid));
  return parts.length === 0 ? sql<boolean>`1 = 0` : sql<boolean>`(${sql.join(parts, sql.raw(' or '))})`;
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

function oneOf(
  expression: Expression<unknown>,
  values: readonly (string | number)[],
  document: DocumentSql,
): RawBuilder<boolean> {
  const [only] = values;
  if (values.length !== 1) return document.isOneOf(expression, values);
  return sql<boolean>`${expression} = ${typeof only === 'number' ? document.number(only) : only}`;
}

/** A pattern that begins with letters is first narrowed to what begins with them: an index can do that. */
function fits(
  path: readonly string[],
  pattern: string,
  pathAware: boolean,
  document: DocumentSql,
): RawBuilder<boolean> {
  const column = document.column(path);
  const prefix = literalPrefix(pattern);
  if (!column)
    return sql<boolean>`(${document.type(path)} = 'text' and ${document.fits(document.value(path), pattern, pathAware)})`;
  const test = document.fits(column, pattern, pathAware);
  if (prefix === '') return test;
  const end = endOfPrefix(prefix);
  const range =
    end === undefined ? sql`${column} >= ${prefix}` : sql`${column} >= ${prefix} and ${column} < ${end}`;
  return sql<boolean>`(${range} and ${test})`;
}

function compares(
  { path, op, value }: Extract<Condition, { op: 'gt' | 'gte' | 'lt' | 'lte' }>,
  document: DocumentSql,
): RawBuilder<boolean> {
  const operator = sql.raw({ gt: '>', gte: '>=', lt: '<', lte: '<=' }[op]);
  const column = typeof value === 'string' ? document.column(path) : undefined;
  if (column) return sql<boolean>`${column} ${operator} ${value}`;
  const types = typeof value === 'string' ? sql`('text')` : sql`('integer', 'real')`;
  const bound = typeof value === 'string' ? sql`${value}` : document.number(value);
  return sql<boolean>`(${document.type(path)} in ${types} and ${document.value(path)} ${operator} ${bound})`;
}
