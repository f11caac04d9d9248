import { type Expression, type RawBuilder, SqliteQueryCompiler, sql } from 'kysely';
import type { EntityKind } from '../entities/kinds.ts';
import { COMPARISONS, type DocumentSql } from '../query/document-sql.ts';
import { endOfPrefix, literalPrefix } from '../query/wildcard.ts';
import { knownPath, type SqlDialect } from './sql-dialect.ts';
import { jsonPath } from './sqlite-schema.ts';
import { columnOf, flagOf } from './tables.ts';

export interface SqliteDialectOptions {
  /**
   * False: a document that SQLite's JSON functions cannot read fails the statement. True: its fields count as missing, which
   * takes twice the time.
   */
  isLenient?: boolean;
  /** True: a statement ends with QueryTooSlow at the deadline of the connection, checked at each row. */
  isTimed?: boolean;
}

/** SQLite's SQL, with its JSON functions over the document's text. */
export function sqliteDialect({ isLenient = false, isTimed = false }: SqliteDialectOptions = {}): SqlDialect {
  const readable = (doc: Expression<unknown>) =>
    isLenient ? sql`case when json_valid(${doc}) then ${doc} end` : doc;
  return {
    ...(isTimed && { eachRow: sql<boolean>`modelfn_in_time()` }),
    document: (kind, table) => sqliteDocument(kind, table, readable(sql.ref(`${table}.doc`))),
    text: (value) => sql`${value}`,
    isAnyOf: isOneOf,
    // Kysely's builder of tables and joins stays out of the bundles: its templates and its compiler are enough.
    compile: (query) => new SqliteQueryCompiler().compileQuery(query.toOperationNode(), { queryId: '' }),
  };
}

function sqliteDocument(kind: EntityKind, table: string, doc: Expression<unknown>): DocumentSql {
  const pathOf = (path: readonly string[]) => jsonPath(knownPath(kind, path));
  const reference = (name: string | undefined) =>
    name === undefined ? undefined : sql.ref(`${table}.${name}`);
  const column = (path: readonly string[]) => reference(columnOf(kind, knownPath(kind, path)));
  const value = (path: readonly string[]) => sql`json_extract(${doc}, ${pathOf(path)})`;
  const type = (path: readonly string[]) => sql`json_type(${doc}, ${pathOf(path)})`;
  return {
    isColumn: (path) => column(path) !== undefined,
    flag: (path) => reference(flagOf(kind, path)),
    type,
    isAnyText: (path, texts) => {
      const own = column(path);
      return own ? isOneOf(own, texts) : sql`(${type(path)} = 'text' and ${isOneOf(value(path), texts)})`;
    },
    isAnyNumber: (path, numbers) =>
      sql`(${type(path)} in ('integer', 'real') and ${isOneOf(value(path), numbers)})`,
    listHolds: (path, values) => {
      const own = pathOf(path);
      return sql<boolean>`(json_type(${doc}, ${own}) = 'array' and exists (
        select 1 from json_each(${doc}, ${own}) as own where ${isListed(values)}))`;
    },
    compares: (path, comparison, bound) => {
      const operator = sql.raw(COMPARISONS[comparison]);
      const own = typeof bound === 'string' ? column(path) : undefined;
      if (own) return sql`${own} ${operator} ${bound}`;
      const types = typeof bound === 'string' ? sql`('text')` : sql`('integer', 'real')`;
      return sql`(${type(path)} in ${types} and ${value(path)} ${operator} ${toParameter(bound)})`;
    },
    fits: (path, pattern, pathAware) => {
      const own = column(path);
      if (!own) return sql`(${type(path)} = 'text' and ${fits(value(path), pattern, pathAware)})`;
      const range = prefixRange(own, pattern);
      const test = fits(own, pattern, pathAware);
      return range ? sql`(${range} and ${test})` : test;
    },
    sortKeys: (path) => [column(path) ?? value(path)],
  };
}

/**
 * A value of a JSON list compares by type and value; true and 1 have the same value in SQLite. Each kind of wanted value is
 * looked up by itself: comparing every value of the list with every wanted one takes minutes for long ones.
 */
function isListed(values: readonly (string | number | boolean)[]): RawBuilder<boolean> {
  const own = sql.ref('own.value');
  const texts = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  const words = [...new Set(values.filter((value) => typeof value === 'boolean'))];
  const parts = words.map((word) => sql<boolean>`own.type = ${sql.lit(String(word))}`);
  if (texts.length > 0) parts.push(sql`(own.type = 'text' and ${isOneOf(own, texts)})`);
  if (numbers.length > 0) parts.push(sql`(own.type in ('integer', 'real') and ${isOneOf(own, numbers)})`);
  return parts.length === 0 ? sql<boolean>`1 = 0` : sql<boolean>`(${sql.join(parts, sql.raw(' or '))})`;
}

/** A number goes through SQLite's own reading of JSON, which may differ in the last digit from ours. */
function toParameter(value: string | number): RawBuilder<unknown> {
  return typeof value === 'number' ? sql`json_extract(${JSON.stringify(value)}, '$')` : sql`${value}`;
}

function isOneOf(expression: Expression<unknown>, values: readonly (string | number)[]): RawBuilder<boolean> {
  if (values.length === 1) return sql`${expression} = ${toParameter(values[0]!)}`;
  return sql`${expression} in (select value from json_each(${JSON.stringify(values)}))`;
}

function fits(expression: Expression<unknown>, pattern: string, pathAware: boolean): RawBuilder<boolean> {
  return sql`modelfn_fits(${expression}, ${pattern}, ${pathAware ? 1 : 0}) = 1`;
}

/** A pattern that begins with letters is first narrowed to what begins with them: an index can do that. */
function prefixRange(column: Expression<unknown>, pattern: string): RawBuilder<boolean> | undefined {
  const prefix = literalPrefix(pattern);
  if (prefix === '') return undefined;
  const end = endOfPrefix(prefix);
  return end === undefined ? sql`${column} >= ${prefix}` : sql`${column} >= ${prefix} and ${column} < ${end}`;
}
