import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { nearest } from '../nearest.ts';
import { toComparableName } from '../unicode-names.ts';
import { InvalidFilter } from './errors.ts';
import { hasWildcard } from './wildcard.ts';

/** Scalars a field is compared with. */
export type Scalar = string | number | boolean | null;

/** A condition on one field, read. `path` has the field's parts. */
export type Condition = { path: readonly string[] } & (
  | { op: 'eq' | 'ne'; value: Scalar }
  | { op: 'in' | 'nin'; values: readonly Scalar[] }
  | { op: 'gt' | 'gte' | 'lt' | 'lte'; value: string | number }
  | { op: 'exists'; value: boolean }
  | { op: 'wildcard' | 'glob'; pattern: string }
);

/** A filter, read: conditions under `and` and `or`. An empty `and` is true, an empty `or` is false. */
export type Filter = { and: readonly Filter[] } | { or: readonly Filter[] } | Condition;

const MAX_DEPTH = 32;
const MAX_CONDITIONS = 1_000;
/** Objects of a filter, empty ones too. */
const MAX_NODES = 5_000;
/** Values of all lists together. */
const MAX_VALUES = 100_000;
/** UTF-16 units of one text, and of all together. */
const MAX_TEXT = 64 * 1024;
const MAX_TEXTS = 16 * 1024 * 1024;
/** UTF-16 units of a pattern: the longest path of an item. */
const MAX_PATTERN = 1_024;
/** Runs of `*` in one pattern, and in all together: each may cost one more pass over the text. */
const MAX_STARS = 32;
const MAX_ALL_STARS = 256;
const OPERATORS = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists', '$glob'] as const;

/** On Python 3.11 and later the SDK writes the names of its constants instead of their values: its texts are enumerations. */
const SDK_MEMBERS: ReadonlyMap<string, string> = new Map([
  ['$FiltersOperations.EQUAL', '$eq'],
  ['$FiltersOperations.NOT_EQUAL', '$ne'],
  ['$FiltersOperations.GREATER_THAN', '$gt'],
  ['$FiltersOperations.LESS_THAN', '$lt'],
  ['$FiltersOperations.IN', '$in'],
  ['$FiltersOperations.EXISTS', '$exists'],
]);

/**
 * Reads the filter language of docs/WIRE.md, Queries. Conditions of one object all hold, `$and` and `$or` beside them too.
 * A string with `*` without operator is a wildcard; with `$eq` it is exact. A bare list is `$in`.
 * @throws InvalidFilter naming the part
 */
export function parseFilter(filter: JsonObject): Filter {
  return readObject(filter, '', 0, new FilterBudget());
}

/** Remaining limits of one filter. */
class FilterBudget {
  #conditions = MAX_CONDITIONS;
  #nodes = MAX_NODES;
  #values = MAX_VALUES;
  #characters = MAX_TEXTS;
  #stars = MAX_ALL_STARS;

  /** @throws InvalidFilter, as the others */
  takeNode(where: string): void {
    this.#nodes -= 1;
    if (this.#nodes < 0) throw new InvalidFilter(where, `there are more than ${MAX_NODES} objects`);
  }

  takeCondition(where: string): void {
    this.#conditions -= 1;
    if (this.#conditions < 0)
      throw new InvalidFilter(where, `there are more than ${MAX_CONDITIONS} conditions`);
  }

  takeValues(count: number, where: string): void {
    this.#values -= count;
    if (this.#values < 0)
      throw new InvalidFilter(where, `the lists have more than ${MAX_VALUES} values together`);
  }

  takeText(text: string, where: string): void {
    if (text.length > MAX_TEXT)
      throw new InvalidFilter(where, `the text is longer than ${MAX_TEXT} characters`);
    this.#characters -= text.length;
    if (this.#characters < 0)
      throw new InvalidFilter(where, `the texts are longer than ${MAX_TEXTS} characters together`);
  }

  takePattern(pattern: string, where: string): void {
    if (pattern.length > MAX_PATTERN)
      throw new InvalidFilter(where, `the pattern is longer than ${MAX_PATTERN} characters`);
    const stars = pattern.match(/\*+/g)?.length ?? 0;
    if (stars > MAX_STARS) throw new InvalidFilter(where, `the pattern has more than ${MAX_STARS} stars`);
    this.#stars -= stars;
    if (this.#stars < 0)
      throw new InvalidFilter(where, `the patterns have more than ${MAX_ALL_STARS} stars together`);
  }
}

/** Fields whose texts are stored in the composed form; clients on macOS ask for the decomposed one. */
const NAME_FIELDS = ['name', 'filename', 'dir'];

/** A text of a name's field in both forms: names that were stored before they were composed are found too. */
function formsOf(path: readonly string[], value: Scalar): Scalar[] {
  if (typeof value !== 'string' || path.length !== 1 || !NAME_FIELDS.includes(path[0]!)) return [value];
  return [...new Set([value, toComparableName(value)])];
}

/** Reads conditions on names so that both forms of a name satisfy them. */
function comparable(condition: Condition): Condition {
  const { path } = condition;
  if (condition.op === 'eq' || condition.op === 'ne') {
    const values = formsOf(path, condition.value);
    return values.length === 1 ? condition : { path, op: condition.op === 'eq' ? 'in' : 'nin', values };
  }
  if (condition.op === 'in' || condition.op === 'nin')
    return { ...condition, values: condition.values.flatMap((value) => formsOf(path, value)) };
  return condition;
}

function readObject(filter: JsonObject, where: string, depth: number, budget: FilterBudget): Filter {
  if (depth > MAX_DEPTH) throw new InvalidFilter(where, `it is nested deeper than ${MAX_DEPTH} levels`);
  budget.takeNode(where);
  const parts = Object.entries(filter).flatMap(([key, value]): Filter[] => {
    const at = where === '' ? key : `${where}.${key}`;
    if (key === '$and') return [{ and: readList(value, at, depth, budget) }];
    if (key === '$or') {
      const list = readList(value, at, depth, budget);
      // The client sends an empty list where nothing was asked for.
      return list.length > 0 ? [{ or: list }] : [];
    }
    if (key.startsWith('$'))
      throw new InvalidFilter(
        at,
        `there is no such operator here; the nearest is ${nearest(key, ['$and', '$or'])}`,
      );
    return readField(key, value, at, budget);
  });
  return parts.length === 1 ? parts[0]! : { and: parts };
}

function readList(value: Json, where: string, depth: number, budget: FilterBudget): Filter[] {
  if (!Array.isArray(value)) throw new InvalidFilter(where, 'it takes a list of conditions');
  return value.map((each, index) => {
    const at = `${where}[${index}]`;
    if (!isJsonObject(each)) throw new InvalidFilter(at, 'a condition is an object like {"label": "cat"}');
    return readObject(each, at, depth + 1, budget);
  });
}

function readField(field: string, value: Json, where: string, budget: FilterBudget): Filter[] {
  const path = readPath(field);
  if (!isJsonObject(value)) {
    budget.takeCondition(where);
    if (Array.isArray(value))
      return [comparable({ path, op: 'in', values: readValues(value, where, budget) })];
    return [comparable(readEquality(path, value, where, budget))];
  }
  const operators = Object.entries(value);
  if (operators.length === 0) throw new InvalidFilter(where, 'it compares with an empty object');
  return operators.map(([operator, operand]) => {
    budget.takeCondition(where);
    const name = SDK_MEMBERS.get(operator) ?? operator;
    return comparable(readOperator(path, name, operand, `${where}.${operator}`, budget));
  });
}

function readEquality(
  path: readonly string[],
  value: Scalar,
  where: string,
  budget: FilterBudget,
): Condition {
  if (typeof value === 'string' && hasWildcard(value))
    return { path, op: 'wildcard', pattern: readPattern(value, where, budget) };
  return { path, op: 'eq', value: readScalar(value, where, budget) };
}

function readOperator(
  path: readonly string[],
  operator: string,
  operand: Json,
  where: string,
  budget: FilterBudget,
): Condition {
  switch (operator) {
    case '$eq':
      if (Array.isArray(operand)) return { path, op: 'in', values: readValues(operand, where, budget) };
      return { path, op: 'eq', value: readScalar(operand, where, budget) };
    case '$ne':
      if (Array.isArray(operand)) return { path, op: 'nin', values: readValues(operand, where, budget) };
      return { path, op: 'ne', value: readScalar(operand, where, budget) };
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      if (typeof operand !== 'string' && typeof operand !== 'number')
        throw new InvalidFilter(where, 'it compares with a text or a number');
      readScalar(operand, where, budget);
      return { path, op: operator.slice(1) as 'gt' | 'gte' | 'lt' | 'lte', value: operand };
    case '$in':
    case '$nin':
      if (!Array.isArray(operand)) throw new InvalidFilter(where, 'it takes a list of values');
      return { path, op: operator === '$in' ? 'in' : 'nin', values: readValues(operand, where, budget) };
    case '$exists':
      if (typeof operand !== 'boolean') throw new InvalidFilter(where, 'it takes true or false');
      return { path, op: 'exists', value: operand };
    case '$glob':
      if (typeof operand !== 'string') throw new InvalidFilter(where, 'it takes a pattern like "/folder/*"');
      return { path, op: 'glob', pattern: readPattern(operand, where, budget) };
    default:
      throw new InvalidFilter(
        where,
        `there is no such operator; the nearest is ${nearest(operator, OPERATORS)}`,
      );
  }
}

function readPath(field: string): string[] {
  const path = field.split('.');
  // A quote would end the path within the store's own path syntax.
  if (field.length > 512 || path.some((part) => part === '' || /["\\\p{Cc}\p{Cs}]/u.test(part)))
    throw new InvalidFilter(JSON.stringify(field.slice(0, 80)), 'it is no name of a field');
  return path;
}

function readValues(values: readonly Json[], where: string, budget: FilterBudget): Scalar[] {
  budget.takeValues(values.length, where);
  return values.map((value) => readScalar(value, where, budget));
}

function readScalar(value: Json, where: string, budget: FilterBudget): Scalar {
  if (typeof value === 'object' && value !== null)
    throw new InvalidFilter(where, 'it compares with a text, a number, true, false or null');
  if (typeof value !== 'string') return value;
  budget.takeText(value, where);
  return readText(value, where);
}

function readPattern(pattern: string, where: string, budget: FilterBudget): string {
  budget.takePattern(pattern, where);
  return readText(pattern, where);
}

/** Half a character has no place in the order of texts, and no UTF-8. */
function readText(text: string, where: string): string {
  if (!text.isWellFormed()) throw new InvalidFilter(where, 'it holds half of a surrogate pair');
  return text;
}
