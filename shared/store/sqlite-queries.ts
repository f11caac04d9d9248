import { type Expression, type RawBuilder, SqliteQueryCompiler, sql } from 'kysely';
import type { EntityKind } from '../entities/kinds.ts';
import { compileFilter } from '../query/compile.ts';
import { InvalidFilter } from '../query/errors.ts';
import { parseFilter } from '../query/filter.ts';
import type { Query } from '../query/query.ts';
import type { Compiled } from './sqlite-database.ts';
import { sqliteDocument } from './sqlite-document.ts';
import { columnOf, TABLES } from './tables.ts';

const DEFAULT_PAGE_SIZE = 1_000;
const MAX_PAGE_SIZE = 10_000;
const MAX_SORT_KEYS = 16;

/** One page of a query. @throws InvalidFilter */
export function selectPage(
  kind: EntityKind,
  query: Query,
): { compiled: Compiled; page: number; pageSize: number } {
  const { page, pageSize } = pagingOf(query);
  const table = sql.table(TABLES[kind].name);
  const order = orderOf(kind, query);
  // The page's rows are found first, where the columns suffice without reading a document; then its documents alone.
  const compiled = compile(sql`select doc from ${table} where seq in (
    select seq from ${table} where ${matching(kind, query)} order by ${order}
    limit ${pageSize} offset ${page * pageSize}) order by ${order}`);
  return { compiled, page, pageSize };
}

/** Ids of all matches, in the query's order. @throws InvalidFilter */
export function selectIds(kind: EntityKind, query: Query): Compiled {
  const table = sql.table(TABLES[kind].name);
  return compile(
    sql`select id from ${table} where ${matching(kind, query)} order by ${orderOf(kind, query)}`,
  );
}

/** Number of matches as `n`. @throws InvalidFilter */
export function selectCount(kind: EntityKind, query: Query): Compiled {
  return compile(
    sql`select count(*) as n from ${sql.table(TABLES[kind].name)} where ${matching(kind, query)}`,
  );
}

/** Kysely's builder of tables and joins stays out of the bundles: its templates and its compiler are enough. */
function compile(query: RawBuilder<unknown>): Compiled {
  return new SqliteQueryCompiler().compileQuery(query.toOperationNode(), { queryId: '' });
}

function matching(kind: EntityKind, query: Query): RawBuilder<boolean> {
  const conditions = [
    filterOf(kind, TABLES[kind].name, query.filter ?? {}),
    ...joinOf(kind, query),
    ...scopeOf(kind, query),
  ];
  return sql<boolean>`${sql.join(conditions, sql.raw(' and '))}`;
}

function filterOf(
  kind: EntityKind,
  table: string,
  filter: NonNullable<Query['filter']>,
): RawBuilder<boolean> {
  return compileFilter(parseFilter(filter), sqliteDocument(kind, table));
}

/** Inner join: at least one entity of the other side satisfies all of its filter (contract section 3.4). */
function joinOf(kind: EntityKind, { join }: Query): RawBuilder<boolean>[] {
  if (!join) return [];
  if (kind === 'Item' && join.resource === 'annotations')
    return [
      sql`exists (select 1 from annotations as other where other.item_id = items.id and ${filterOf('Annotation', 'other', join.filter)})`,
    ];
  if (kind === 'Annotation' && join.resource === 'items')
    return [
      sql`exists (select 1 from items as other where other.id = annotations.item_id and ${filterOf('Item', 'other', join.filter)})`,
    ];
  throw new InvalidFilter(
    'join',
    `${kind} cannot be joined with ${join.resource}; items and annotations can`,
  );
}

function scopeOf(kind: EntityKind, { scope }: Query): RawBuilder<boolean>[] {
  const { name } = TABLES[kind];
  const conditions: RawBuilder<boolean>[] = [];
  if (scope?.datasetId !== undefined) {
    if (!columnOf(kind, ['datasetId'])) throw new InvalidFilter('scope', `${kind} belongs to no dataset`);
    conditions.push(sql`${sql.ref(`${name}.dataset_id`)} = ${scope.datasetId}`);
  }
  if (scope?.projectIds)
    conditions.push(
      projectScope(kind, name, sql`(select value from json_each(${JSON.stringify(scope.projectIds)}))`),
    );
  return conditions;
}

function projectScope(kind: EntityKind, table: string, projects: Expression<unknown>): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  switch (kind) {
    case 'Project':
      return sql`${column('id')} in ${projects}`;
    case 'Item':
    case 'Annotation':
      return sql`${column('dataset_id')} in (select id from datasets where project_id in ${projects})`;
    case 'MetricSample':
      return sql`${column('snapshot_id')} in (select id from snapshots where project_id in ${projects})`;
    case 'Recipe':
      return listScope(column('doc'), '$.projectIds', projects);
    case 'Ontology':
      return listScope(column('doc'), '$.metadata.system.projectIds', projects);
    default:
      return sql`${column('project_id')} in ${projects}`;
  }
}

function listScope(
  doc: Expression<unknown>,
  path: string,
  projects: Expression<unknown>,
): RawBuilder<boolean> {
  return sql`exists (select 1 from json_each(${doc}, ${path}) as own where own.value in ${projects})`;
}

/** What was asked for, then age: the order is the same on every page. */
function orderOf(kind: EntityKind, { sort = [] }: Query): RawBuilder<unknown> {
  const { name } = TABLES[kind];
  if (sort.length > MAX_SORT_KEYS)
    throw new InvalidFilter('sort', `there are more than ${MAX_SORT_KEYS} keys`);
  const document = sqliteDocument(kind, name);
  const keys = sort.map(({ field, direction }) => {
    const [condition] = pathOf(field);
    const value = document.column(condition!) ?? document.value(condition!);
    return sql`${value} ${sql.raw(direction === 'descending' ? 'desc' : 'asc')}`;
  });
  return sql`${sql.join([...keys, sql.ref(`${name}.seq`)])}`;
}

/** A sort field is checked as a filter's field is. */
function pathOf(field: string): (readonly string[])[] {
  const parsed = parseFilter({ [field]: { $exists: true } });
  if (!('path' in parsed)) throw new InvalidFilter(`sort.${field}`, 'it is no name of a field');
  return [parsed.path];
}

function pagingOf({ page = 0, pageSize = DEFAULT_PAGE_SIZE }: Query): { page: number; pageSize: number } {
  if (!Number.isSafeInteger(page) || page < 0 || page > 1e9)
    throw new InvalidFilter('page', 'it takes a whole number from 0');
  if (!Number.isSafeInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE_SIZE)
    throw new InvalidFilter('pageSize', `it takes a whole number from 1 to ${MAX_PAGE_SIZE}`);
  return { page, pageSize };
}
