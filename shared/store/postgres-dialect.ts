import { type Expression, PostgresQueryCompiler, type RawBuilder, sql } from 'kysely';
import type { EntityKind } from '../entities/kinds.ts';
import { COMPARISONS, type Comparison, type DocumentSql } from '../query/document-sql.ts';
import { endOfPrefix, literalPrefix, type Part, waysToFit } from '../query/wildcard.ts';
import { INDEXED_CHARACTERS, isWide } from './postgres-schema.ts';
import { toPostgresJson, toPostgresText } from './postgres-text.ts';
import { knownPath, type SqlDialect } from './sql-dialect.ts';
import { columnOf, flagOf } from './tables.ts';

/** Values of which each is tried. */
const FEW = 16;

/** PostgreSQL's SQL, with its operators over the document as `jsonb`. */
export const POSTGRES: SqlDialect = {
  document: postgresDocument,
  text: (value) => sql`${toPostgresText(value)}`,
  isAnyOf: (column, texts) => sql`${column} = any(${texts.map(toPostgresText)}::text[])`,
  compile: (query) => new PostgresQueryCompiler().compileQuery(query.toOperationNode(), { queryId: '' }),
};

function postgresDocument(kind: EntityKind, table: string): DocumentSql {
  const nameOf = (path: readonly string[]) => columnOf(kind, knownPath(kind, path));
  const column = (path: readonly string[]): Column | undefined => {
    const name = nameOf(path);
    return name === undefined ? undefined : { is: sql.ref(`${table}.${name}`), isWide: isWide(name) };
  };
  const fields = sql.ref(`${table}.fields`);
  // By name alone: a number is a name too, and no place in a list.
  const value = (path: readonly string[]): RawBuilder<unknown> =>
    sql`(${sql.join([fields, ...knownPath(kind, path).map((part) => sql`${toPostgresText(part)}::text`)], sql.raw(' -> '))})`;
  return {
    isColumn: (path) => nameOf(path) !== undefined,
    flag: (path) => {
      const name = flagOf(kind, path);
      return name === undefined ? undefined : sql.ref(`${table}.${name}`);
    },
    type: (path) =>
      sql`case jsonb_typeof(${value(path)}) when 'boolean' then ${value(path)}::text else jsonb_typeof(${value(path)}) end`,
    isAnyText: (path, texts) => {
      const own = column(path);
      return own ? columnIsAny(own, texts) : isAnyJson(value(path), texts);
    },
    isAnyNumber: (path, numbers) => isAnyJson(value(path), numbers),
    listHolds: (path, values) =>
      sql`(jsonb_typeof(${value(path)}) = 'array' and ${holdsAny(value(path), values)})`,
    compares: (path, comparison, bound) => {
      const operator = sql.raw(COMPARISONS[comparison]);
      if (typeof bound === 'number')
        return sql`case when jsonb_typeof(${value(path)}) = 'number'
          then ${value(path)}::numeric ${operator} ${JSON.stringify(bound)}::numeric end`;
      const own = column(path);
      if (own) return columnCompares(own, comparison, bound);
      return whereText(value(path), (text) => sql`${text} ${operator} ${toPostgresText(bound)}`);
    },
    fits: (path, pattern, pathAware) => {
      const ways = waysToFit(pattern, { pathAware });
      const own = column(path);
      if (!own) return whereText(value(path), (text) => fitsAny(text, ways));
      const range = prefixRange(own, pattern);
      return range ? sql`(${range} and ${fitsAny(own.is, ways)})` : fitsAny(own.is, ways);
    },
    sortKeys: (path) => {
      const own = column(path);
      if (own) return [own.is];
      const type = sql`jsonb_typeof(${value(path)})`;
      return [
        sql`case ${type} when 'number' then 1 when 'boolean' then 1 when 'null' then 0 else (${type} is not null)::int * 2 end`,
        sql`case ${type} when 'number' then ${value(path)}::numeric when 'boolean' then ${value(path)}::boolean::int::numeric end`,
        sql`(case when ${type} in ('string', 'array', 'object') then ${value(path)} #>> '{}' end) collate "C"`,
      ];
    },
  };
}

interface Column {
  is: Expression<unknown>;
  /** True when an index holds the beginning of its texts alone. */
  isWide: boolean;
}

/** What an index can do comes first; where it holds beginnings alone, the whole is compared too. */
function columnIsAny({ is, isWide }: Column, texts: readonly string[]): RawBuilder<boolean> {
  const wanted = texts.map(toPostgresText);
  const [only] = wanted;
  if (wanted.length === 1)
    return isWide ? sql`(${start(is)} = ${startOf(only!)} and ${is} = ${only})` : sql`${is} = ${only}`;
  const whole = sql<boolean>`${is} = any(${wanted}::text[])`;
  return isWide ? sql`(${start(is)} = any(${wanted.map(startOf)}::text[]) and ${whole})` : whole;
}

function columnCompares({ is, isWide }: Column, comparison: Comparison, bound: string): RawBuilder<boolean> {
  const text = toPostgresText(bound);
  const whole = sql<boolean>`${is} ${sql.raw(COMPARISONS[comparison])} ${text}`;
  if (!isWide) return whole;
  // Beginnings of different texts may be equal.
  const operator = sql.raw(comparison.startsWith('g') ? '>=' : '<=');
  return sql`(${start(is)} ${operator} ${startOf(text)} and ${whole})`;
}

/** A pattern that begins with letters is first narrowed to what begins with them: an index can do that. */
function prefixRange(column: Column, pattern: string): RawBuilder<boolean> | undefined {
  const prefix = literalPrefix(pattern);
  if (prefix === '') return undefined;
  const end = endOfPrefix(prefix);
  const from = columnCompares(column, 'gte', prefix);
  return end === undefined ? from : sql`(${from} and ${columnCompares(column, 'lt', end)})`;
}

function start(column: Expression<unknown>): RawBuilder<unknown> {
  return sql`left(${column}, ${sql.lit(INDEXED_CHARACTERS)})`;
}

/** PostgreSQL counts code points. */
function startOf(text: string): string {
  return text.length <= INDEXED_CHARACTERS ? text : [...text].slice(0, INDEXED_CHARACTERS).join('');
}

/** By value and type: `jsonb` knows no other equality. */
function isAnyJson(
  expression: RawBuilder<unknown>,
  values: readonly (string | number | boolean)[],
): RawBuilder<boolean> {
  const wanted = values.map(toPostgresJson);
  if (wanted.length === 1) return sql`${expression} = ${wanted[0]}::jsonb`;
  return sql`${expression} = any(${wanted}::jsonb[])`;
}

/** A list holds a value that stands in it by itself, not within another list. */
function holdsAny(
  list: RawBuilder<unknown>,
  values: readonly (string | number | boolean)[],
): RawBuilder<boolean> {
  if (values.length === 1) return sql`${list} @> ${toPostgresJson(values[0]!)}::jsonb`;
  if (values.length <= FEW) return sql`${list} @> any(${values.map(toPostgresJson)}::jsonb[])`;
  // Many are looked up by their hash, which the planner does for an equality alone.
  return sql`exists (select 1 from jsonb_array_elements(case when jsonb_typeof(${list}) = 'array' then ${list} end) as own
    where ${isAnyJson(sql`own.value`, values)})`;
}

/** A condition on a text, which is not looked at where the value is none. */
function whereText(
  value: RawBuilder<unknown>,
  condition: (text: RawBuilder<unknown>) => RawBuilder<boolean>,
): RawBuilder<boolean> {
  return sql`case when jsonb_typeof(${value}) = 'string' then ${condition(sql`(${value} #>> '{}') collate "C"`)} end`;
}

function fitsAny(text: Expression<unknown>, ways: readonly Part[][]): RawBuilder<boolean> {
  const tests = ways.map((parts) =>
    parts.includes('segment')
      ? sql<boolean>`${text} ~ ${toRegularExpression(parts)}`
      : sql<boolean>`${text} like ${toLikePattern(parts)}`,
  );
  return sql`(${sql.join(tests, sql.raw(' or '))})`;
}

function toLikePattern(parts: readonly Part[]): string {
  return parts
    .map((part) => (typeof part === 'string' ? '%' : toPostgresText(part.literal).replace(/[\\%_]/g, '\\$&')))
    .join('');
}

function toRegularExpression(parts: readonly Part[]): string {
  const pieces = parts.map((part) => {
    if (typeof part === 'string') return part === 'segment' ? '[^/]*' : '.*';
    return toPostgresText(part.literal).replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
  });
  return `^${pieces.join('')}$`;
}
