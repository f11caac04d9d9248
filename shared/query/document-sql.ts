import type { Expression, RawBuilder } from 'kysely';

export type Comparison = 'gt' | 'gte' | 'lt' | 'lte';

export const COMPARISONS: Readonly<Record<Comparison, string>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

/**
 * How conditions on a store's documents are said in SQL: what differs between databases. Every value is a parameter. A
 * condition on a field that is missing, or of another type than is asked for, is false or NULL.
 */
export interface DocumentSql {
  /** True for a field that has a column of its own, which holds its text or nothing. */
  isColumn(path: readonly string[]): boolean;
  /** The column that holds the JSON type of a field that is true, false or missing, never anything else. */
  flag(path: readonly string[]): Expression<unknown> | undefined;
  /** The JSON type of a field: `true`, `false`, `null` for these, another word for any other; NULL when it is missing. */
  type(path: readonly string[]): Expression<unknown>;
  /** True when the field is one of the texts; one parameter, however many there are. At least one. */
  isAnyText(path: readonly string[], texts: readonly string[]): RawBuilder<boolean>;
  /** True when the field is one of the numbers; as `isAnyText`. */
  isAnyNumber(path: readonly string[], numbers: readonly number[]): RawBuilder<boolean>;
  /** True when the field is a list that holds one of the values: the text "5" is not the number 5, and true is not 1. */
  listHolds(path: readonly string[], values: readonly (string | number | boolean)[]): RawBuilder<boolean>;
  /** Compares with values of the same type alone; texts in the order of their UTF-8 bytes. */
  compares(path: readonly string[], comparison: Comparison, value: string | number): RawBuilder<boolean>;
  /** True when the field is a text that has the form of the pattern (`compileWildcard`). */
  fits(path: readonly string[], pattern: string, pathAware: boolean): RawBuilder<boolean>;
  /**
   * What a field is sorted by, the first key first. Ascending: missing and null, then numbers and booleans (as 0 and 1),
   * then texts in the order of their UTF-8 bytes; among these lists and objects, by their JSON as the store writes it.
   */
  sortKeys(path: readonly string[]): Expression<unknown>[];
}
