import { type RawBuilder, sql } from 'kysely';
import type { EntityKind } from '../entities/kinds.ts';
import type { JsonObject } from '../json.ts';
import { compileFilter } from '../query/compile.ts';
import { InvalidFilter } from '../query/errors.ts';
import { parseFilter } from '../query/filter.ts';
import type { Query } from '../query/query.ts';
import type { Page } from './entity-store.ts';
import type { Compiled, SqlDialect } from './sql-dialect.ts';
import { columnOf, TABLES } from './tables.ts';

const DEFAULT_PAGE_SIZE = 1_000;
const MAX_PAGE_SIZE = 10_000;
const MAX_SORT_KEYS = 16;

/** Which page, from 0, and how many entities a page has. */
export interface Paging {
  page: number;
  pageSize: number;
}

/** A row of `selectPage`. */
export interface StoredRow {
  id: string;
  doc: string;
}

/** One page of a query. @throws InvalidFilter */
export function selectPage(dialect: SqlDialect, kind: EntityKind, query: Query): Compiled {
  const { page, pageSize } = readPaging(query);
  const table = sql.table(TABLES[kind].name);
  const order = orderOf(dialect, kind, query);
  // The page's rows are found first, where the columns suffice without reading a document; then its documents alone.
  return dialect.compile(sql`select id, doc from ${table} where seq in (
    select seq from ${table} where ${matching(dialect, kind, query)} order by ${order}
    limit ${pageSize} offset ${page * pageSize}) order by ${order}`);
}

/** Ids of all matches, in the query's order. @throws InvalidFilter */
export function selectIds(dialect: SqlDialect, kind: EntityKind, query: Query): Compiled {
  const table = sql.table(TABLES[kind].name);
  return dialect.compile(
    sql`select id from ${table} where ${matching(dialect, kind, query)} order by ${orderOf(dialect, kind, query)}`,
  );
}

/** Number of matches as `n`. @throws InvalidFilter */
export function selectCount(dialect: SqlDialect, kind: EntityKind, query: Query): Compiled {
  return dialect.compile(
    sql`select count(*) as n from ${sql.table(TABLES[kind].name)} where ${matching(dialect, kind, query)}`,
  );
}

/** The number of all matches, where a page's rows tell it by themselves. */
export function totalTold({ page, pageSize }: Paging, found: number): number | undefined {
  return page === 0 && found < pageSize ? found : undefined;
}

export function pageOf<E>({ page, pageSize }: Paging, items: E[], totalItemsCount: number): Page<E> {
  const totalPagesCount = Math.ceil(totalItemsCount / pageSize);
  return { items, totalItemsCount, totalPagesCount, hasNextPage: page + 1 < totalPagesCount };
}

function matching(dialect: SqlDialect, kind: EntityKind, query: Query): RawBuilder<boolean> {
  const conditions = [
    ...(dialect.eachRow ? [dialect.eachRow] : []),
    filterOf(dialect, kind, TABLES[kind].name, query.filter ?? {}),
    ...joinOf(dialect, kind, query),
    ...scopeOf(dialect, kind, query),
  ];
  return sql<boolean>`${sql.join(conditions, sql.raw(' and '))}`;
}

function filterOf(
  dialect: SqlDialect,
  kind: EntityKind,
  table: string,
  filter: NonNullable<Query['filter']>,
): RawBuilder<boolean> {
  return compileFilter(parseFilter(filter), dialect.document(kind, table));
}

/** Inner join: at least one entity of the other side satisfies all of its filter (docs/WIRE.md, Joins). */
function joinOf(dialect: SqlDialect, kind: EntityKind, { join }: Query): RawBuilder<boolean>[] {
  if (!join) return [];
  if (kind === 'Item' && join.resource === 'annotations')
    return [
      sql`exists (select 1 from annotations as other where other.item_id = items.id and ${joined(dialect, 'Annotation', join.filter)})`,
    ];
  if (kind === 'Annotation' && join.resource === 'items')
    return [
      sql`exists (select 1 from items as other where other.id = annotations.item_id and ${joined(dialect, 'Item', join.filter)})`,
    ];
  throw new InvalidFilter(
    'join',
    `${kind} cannot be joined with ${join.resource}; items and annotations can`,
  );
}

function joined(dialect: SqlDialect, kind: EntityKind, filter: JsonObject): RawBuilder<boolean> {
  const condition = filterOf(dialect, kind, 'other', filter);
  return dialect.eachRow ? sql<boolean>`${dialect.eachRow} and ${condition}` : condition;
}

function scopeOf(dialect: SqlDialect, kind: EntityKind, { scope }: Query): RawBuilder<boolean>[] {
  const { name } = TABLES[kind];
  const conditions: RawBuilder<boolean>[] = [];
  if (scope?.datasetId !== undefined) {
    if (!columnOf(kind, ['datasetId'])) throw new InvalidFilter('scope', `${kind} belongs to no dataset`);
    conditions.push(sql`${sql.ref(`${name}.dataset_id`)} = ${dialect.text(scope.datasetId)}`);
  }
  if (scope?.projectIds) conditions.push(projectScope(dialect, kind, name, scope.projectIds));
  return conditions;
}

function projectScope(
  dialect: SqlDialect,
  kind: EntityKind,
  table: string,
  projectIds: readonly string[],
): RawBuilder<boolean> {
  const isAnyProject = (name: string) => dialect.isAnyOf(sql.ref(name), projectIds);
  const listHolds = (path: readonly string[]) => dialect.document(kind, table).listHolds(path, projectIds);
  switch (kind) {
    case 'Project':
      return isAnyProject(`${table}.id`);
    case 'Item':
    case 'Annotation':
      return sql`${sql.ref(`${table}.dataset_id`)} in (select id from datasets where ${isAnyProject('project_id')})`;
    case 'MetricSample':
      return sql`${sql.ref(`${table}.snapshot_id`)} in (select id from snapshots where ${isAnyProject('project_id')})`;
    case 'Recipe':
      return listHolds(['projectIds']);
    case 'Ontology':
      return listHolds(['metadata', 'system', 'projectIds']);
    default:
      return isAnyProject(`${table}.project_id`);
  }
}

/** What was asked for, then age: the order is the same on every page. */
function orderOf(dialect: SqlDialect, kind: EntityKind, { sort = [] }: Query): RawBuilder<unknown> {
  const { name } = TABLES[kind];
  if (sort.length > MAX_SORT_KEYS)
    throw new InvalidFilter('sort', `there are more than ${MAX_SORT_KEYS} keys`);
  const document = dialect.document(kind, name);
  const keys = sort.flatMap(({ field, direction }) => {
    const order = sql.raw(direction === 'descending' ? 'desc nulls last' : 'asc nulls first');
    return document.sortKeys(pathOf(field)).map((key) => sql`${key} ${order}`);
  });
  return sql`${sql.join([...keys, sql.ref(`${name}.seq`)])}`;
}

/** A sort field is checked as a filter's field is. */
function pathOf(field: string): readonly string[] {
  const parsed = parseFilter({ [field]: { $exists: true } });
  if (!('path' in parsed)) throw new InvalidFilter(`sort.${field}`, 'it is no name of a field');
  return parsed.path;
}

/** @throws InvalidFilter */
export function readPaging({ page = 0, pageSize = DEFAULT_PAGE_SIZE }: Query): Paging {
  if (!Number.isSafeInteger(page) || page < 0 || page > 1e9)
    throw new InvalidFilter('page', 'it takes a whole number from 0');
  if (!Number.isSafeInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE_SIZE)
    throw new InvalidFilter('pageSize', `it takes a whole number from 1 to ${MAX_PAGE_SIZE}`);
  return { page, pageSize };
}
