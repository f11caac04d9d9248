import type { Expression, RawBuilder } from 'kysely';
import type { EntityKind } from '../entities/kinds.ts';
import type { DocumentSql } from '../query/document-sql.ts';

/** A statement with its parameters, as Kysely compiles it. */
export interface Compiled {
  sql: string;
  parameters: readonly unknown[];
}

/** What the queries of all SQL stores leave open: how one database says it. */
export interface SqlDialect {
  /** Documents of one table. `table` is its name or alias in the query. */
  document(kind: EntityKind, table: string): DocumentSql;
  /** A text as the store's columns hold it. */
  text(value: string): Expression<string>;
  /** True when the column is one of the texts; one parameter, however many there are. */
  isAnyOf(column: Expression<unknown>, texts: readonly string[]): RawBuilder<boolean>;
  compile(query: RawBuilder<unknown>): Compiled;
  /** Condition that is always true and must be evaluated for each row that a query looks at: the place to check a deadline. */
  eachRow?: RawBuilder<boolean>;
}

/** Annotation deletes by id list use this name for the id (docs/WIRE.md, Joins). */
export function knownPath(kind: EntityKind, path: readonly string[]): readonly string[] {
  return kind === 'Annotation' && path.length === 1 && path[0] === 'annotationId' ? ['id'] : path;
}
