import { TABLES, type Table } from './tables.ts';

/** One step of the schema: statements that run in one transaction. Steps are only ever added. */
export type Migration = readonly string[];

/** An index holds at most a third of a page; a text of so many characters fits beside an id, whatever they are. */
export const INDEXED_CHARACTERS = 512;

/** Columns of texts that people write without such a bound. */
const WIDE: ReadonlySet<string> = new Set(['filename', 'dir', 'label', 'creator']);

/** True for a column of which an index holds the beginning alone. */
export function isWide(column: string): boolean {
  return WIDE.has(column);
}

/** Columns by the name of the index that keeps them unique, as PostgreSQL's errors name it. */
export const UNIQUE_COLUMNS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.values(TABLES).flatMap((table) =>
    [['id'], ...table.unique].map((columns) => [uniqueName(table.name, columns), columns] as const),
  ),
);

/** Version n of the schema is what the first n steps make. A table that comes later is made by a step of its own. */
export const MIGRATIONS: readonly Migration[] = [
  [
    ...Object.values(TABLES).flatMap(createTable),
    `create table outbox (sequence bigint generated always as identity primary key, event text not null,
      created_at text not null)`,
    `create table execution_logs (execution_id text collate "C" not null, line integer not null,
      timestamp text not null, level text not null, message text not null, primary key (execution_id, line))`,
    // Holds nothing: writers lock it, each beside the others, or one of them alone.
    'create table write_gate ()',
  ],
  // Runs that are not over are looked for every few seconds.
  ['create index executions_latest_status_project_id on executions (latest_status, project_id)'],
];

/**
 * `doc` is the document as it was written, `fields` the same for filters. Texts compare by their bytes, as SQLite
 * compares them.
 */
function createTable(table: Table): string[] {
  const { name, columns, flags = {}, unique, indexes, sparse = [] } = table;
  return [
    `create table ${name} (${[
      'seq bigint generated always as identity primary key',
      `id text collate "C" not null constraint ${uniqueName(name, ['id'])} unique`,
      'version integer not null',
      ...[...Object.keys(columns), ...Object.keys(flags)].map((column) => `${column} text collate "C"`),
      'doc text not null',
      'fields jsonb not null',
    ].join(', ')})`,
    ...unique.flatMap((list) => uniqueIndexes(name, list)),
    ...indexes.map((list) => `create index ${indexName(name, list)} on ${name} (${keys(list)})`),
    ...sparse.map(
      (column) =>
        `create index ${indexName(name, [column])} on ${name} (${keys([column])}) where ${column} is not null`,
    ),
  ];
}

/** What is too long for an index is unique by its digest, and found by its beginning. */
function uniqueIndexes(table: string, list: readonly string[]): string[] {
  const digests = list.map((column) => (isWide(column) ? `md5(${column})` : column)).join(', ');
  const unique = `create unique index ${uniqueName(table, list)} on ${table} (${digests})`;
  if (!list.some(isWide)) return [unique];
  return [unique, `create index ${indexName(table, list)} on ${table} (${keys(list)})`];
}

function keys(list: readonly string[]): string {
  return list
    .map((column) => (isWide(column) ? `left(${column}, ${INDEXED_CHARACTERS})` : column))
    .join(', ');
}

function indexName(table: string, list: readonly string[]): string {
  return `${table}_${list.join('_')}`;
}

function uniqueName(table: string, list: readonly string[]): string {
  return `${indexName(table, list)}_unique`;
}
