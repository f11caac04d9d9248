import { sql } from 'kysely';
import type { EntityKind } from '../entities/kinds.ts';
import type { DocumentSql } from '../query/compile.ts';
import { jsonPath } from './sqlite-schema.ts';
import { columnOf, flagOf } from './tables.ts';

/** Documents of one table in SQLite's JSON functions. `table` is the table's name or alias in the query. */
export function sqliteDocument(kind: EntityKind, table: string): DocumentSql {
  const doc = sql.ref(`${table}.doc`);
  const pathOf = (path: readonly string[]) => jsonPath(knownPath(kind, path));
  const reference = (column: string | undefined) =>
    column === undefined ? undefined : sql.ref(`${table}.${column}`);
  return {
    column: (path) => reference(columnOf(kind, knownPath(kind, path))),
    flag: (path) => reference(flagOf(kind, path)),
    number: (value) => sql`json_extract(${JSON.stringify(value)}, '$')`,
    value: (path) => sql`json_extract(${doc}, ${pathOf(path)})`,
    type: (path) => sql`json_type(${doc}, ${pathOf(path)})`,
    listHolds: (path, values) => {
      const list = JSON.stringify(values);
      const own = pathOf(path);
      // Values of JSON lists compare by type and value; true and 1 have the same value in SQLite.
      return sql<boolean>`(json_type(${doc}, ${own}) = 'array' and exists (
        select 1 from json_each(${doc}, ${own}) as own, json_each(${list}) as wanted
        where own.value = wanted.value
          and (own.type = wanted.type or (own.type in ('integer', 'real') and wanted.type in ('integer', 'real')))))`;
    },
    isOneOf: (expression, values) =>
      sql<boolean>`${expression} in (select value from json_each(${JSON.stringify(values)}))`,
    fits: (expression, pattern, pathAware) =>
      sql<boolean>`modelfn_fits(${expression}, ${pattern}, ${pathAware ? 1 : 0}) = 1`,
  };
}

/** Annotation deletes by id list use this name for the id (contract section 3.6). */
function knownPath(kind: EntityKind, path: readonly string[]): readonly string[] {
  return kind === 'Annotation' && path.length === 1 && path[0] === 'annotationId' ? ['id'] : path;
}
