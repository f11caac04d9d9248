import { type Expression, type RawBuilder, SqliteQueryCompiler, sql } from 'kysely';
import type { EntityKind } from '../entities/kinds.ts';
import { COMPARISONS, type DocumentSql } from '../query/document-sql.ts';
import { endOfPrefix, literalPrefix } from '../query/wildcard.ts';
import { knownPath, type SqlDialect } from './sql-dialect.ts';
import { jsonPath } from './sqlite-schema.ts';
import { columnOf, flagOf } from './tables.ts';

/** SQLite's SQL, with its JSON functions over the document's text. A document they cannot read fails the statement. */
export const SQLITE: SqlDialect = dialectOver((doc) => doc);

/** As `SQLITE`; fields of documents that SQLite cannot read count as missing. Takes twice the time. */
export const SQLITE_LENIENT: SqlDialect = dialectOver(
  (doc) => sql`case when json_valid(${doc}) then ${doc} end`,
);

function dialectOver(readable: (doc: Expression<unknown>) => Expression<unknown>): SqlDialect {
  return {
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
      // Values of JSON lists compare by type and value; true and 1 have the same value in SQLite.
      return sql<boolean>`(json_type(${doc}, ${own}) = 'array' and exists (
        select 1 from json_each(${doc}, ${own}) as own, json_each(${JSON.stringify(values)}) as wanted
        where own.value = wanted.value
          and (own.type = wanted.type or (own.type in ('integer', 'real') and wanted.type in ('integer', 'real')))))`;
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
