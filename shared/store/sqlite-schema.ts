import { TABLES, type Table } from './tables.ts';

/** One step of the schema: statements that run in one transaction. Steps are only ever added. */
export type Migration = readonly string[];

/** What came after the first step, each made by a step of its own. */
const { SnapshotRevision, Pipeline, PipelineExecution, Package, Service, ...FIRST_TABLES } = TABLES;

/** Version n of the schema is what the first n steps make. */
export const MIGRATIONS: readonly Migration[] = [
  [
    ...Object.values(FIRST_TABLES).flatMap(createTable),
    'create table outbox (sequence integer primary key autoincrement, event text not null, created_at text not null)',
  ],
  createTable(SnapshotRevision),
  [...createTable(Pipeline), ...createTable(PipelineExecution)],
  [
    `create table execution_logs (
      execution_id text not null, line integer not null, timestamp text not null, level text not null,
      message text not null, primary key (execution_id, line)) without rowid`,
    `create trigger executions_take_their_logs after delete on executions begin
      delete from execution_logs where execution_id = old.id; end`,
  ],
  [...createTable(Package), ...createTable(Service)],
  // Runs that are not over are looked for every few seconds.
  ['create index executions_latest_status_project_id on executions (latest_status, project_id)'],
];

/**
 * Columns come before the document, so that a condition on them reads neither its text nor its pages. They are no
 * generated columns: SQLite does not take an index for covering that holds one.
 */
function createTable({ name, columns, flags = {}, unique, indexes, sparse = [] }: Table): string[] {
  const index = (list: readonly string[], kind: 'index' | 'unique index') =>
    `create ${kind} ${name}_${list.join('_')} on ${name} (${list.join(', ')})`;
  return [
    `create table ${name} (${[
      'seq integer primary key',
      'id text not null unique',
      'version integer not null',
      ...[...Object.keys(columns), ...Object.keys(flags)].map((column) => `${column} text`),
      'doc text not null',
    ].join(', ')})`,
    ...unique.map((list) => index(list, 'unique index')),
    ...indexes.map((list) => index(list, 'index')),
    ...sparse.map((column) => `${index([column], 'index')} where ${column} is not null`),
  ];
}

/** A field's path as SQLite's JSON functions take it: names alone, a number is a name too. */
export function jsonPath(path: readonly string[]): string {
  return `$${path.map((part) => `."${part}"`).join('')}`;
}
