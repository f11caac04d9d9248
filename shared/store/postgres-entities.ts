import { createHash } from 'node:crypto';
import type { EntityKind, EntityKinds } from '../entities/kinds.ts';
import { InvalidInput } from '../errors.ts';
import { toDocumentText } from './document-text.ts';
import type { Versioned } from './entity-store.ts';
import { DuplicateEntity, EntityNotFound } from './errors.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { Overtaken, takenIndex } from './postgres-errors.ts';
import { isWide, UNIQUE_COLUMNS } from './postgres-schema.ts';
import { askedForm, fromPostgresText, toPostgresText } from './postgres-text.ts';
import type { Explain } from './postgres-transaction.ts';
import { columnNames, columnValues, TABLES } from './tables.ts';
import { readDocument } from './unreadable.ts';

/** Bounds of one statement: its text is in memory a few times, here and there. */
const MAX_ROWS = 1_000;
const MAX_CHARACTERS = 4 * 1024 ** 2;

type Entity<K extends EntityKind> = EntityKinds[K];

/** `undefined` when there is none by that id. */
export async function readEntity<K extends EntityKind>(
  connection: PostgresConnection,
  kind: K,
  id: string,
): Promise<Versioned<Entity<K>> | undefined> {
  const [found] = await readEntities(connection, kind, [id]);
  return found;
}

/** Those found, in the order of `ids`, each once. */
export async function readEntities<K extends EntityKind>(
  connection: PostgresConnection,
  kind: K,
  ids: readonly string[],
): Promise<Versioned<Entity<K>>[]> {
  const rows = await connection.rows<{ id: string; version: number; doc: string }>({
    sql: `select id, version, doc from ${TABLES[kind].name} where id = any($1::text[])`,
    parameters: [ids.map(toPostgresText)],
  });
  const byId = new Map(rows.map((row) => [fromPostgresText(row.id), row]));
  return [...new Set(ids)].flatMap((id) => {
    const row = byId.get(id);
    return row ? [{ entity: readDocument<Entity<K>>(kind, row), version: row.version }] : [];
  });
}

export async function readVersions(
  connection: PostgresConnection,
  kind: EntityKind,
  ids: readonly string[],
): Promise<Map<string, number>> {
  const rows = await connection.rows<{ id: string; version: number }>({
    sql: `select id, version from ${TABLES[kind].name} where id = any($1::text[])`,
    parameters: [ids.map(toPostgresText)],
  });
  return new Map(rows.map(({ id, version }) => [fromPostgresText(id), version]));
}

/** Inserts in the order given; with `replace`, an entity whose id is there takes the new form. */
export async function writeEntities<K extends EntityKind>(
  connection: PostgresConnection,
  kind: K,
  entities: readonly Entity<K>[],
  replace: boolean,
): Promise<void> {
  const { name } = TABLES[kind];
  const columns = ['id', ...columnNames(kind), 'doc', 'fields'];
  const insert = `insert into ${name} (version, ${columns.join(', ')})
    select 1, ${columns.map(given).join(', ')} from ${givenRows(kind)} order by given.place`;
  const changes = columns.slice(1).map((column) => `${column} = excluded.${column}`);
  const sql = replace
    ? `${insert} on conflict (id) do update set version = ${name}.version + 1, ${changes.join(', ')}`
    : insert;
  // One statement cannot change a row twice.
  for (const batch of batchesOf(entities, replace))
    await connection.run({ sql, parameters: parametersOf(kind, batch) });
}

/** @throws EntityNotFound, InvalidInput when `change` gives the entity another id */
export async function changeEntity<K extends EntityKind>(
  connection: PostgresConnection,
  kind: K,
  id: string,
  change: (current: Entity<K>) => Entity<K>,
): Promise<Entity<K>> {
  const current = await readEntity(connection, kind, id);
  if (!current) throw new EntityNotFound({ kind, reference: JSON.stringify(id.slice(0, 128)) });
  const next = change(current.entity);
  if (next.id !== id)
    throw new InvalidInput(`change of ${kind} ${id}`, [{ field: 'id', problem: 'an id never changes' }]);
  await replaceEntities(connection, kind, [next]);
  return next;
}

/** Brings `annotated` and `annotationsCount` of the items up to date; an item that was right is not touched. */
export async function recountAnnotations(
  connection: PostgresConnection,
  itemIds: readonly string[],
): Promise<void> {
  const rows = await connection.rows<{ doc: string; n: string }>({
    sql: `select doc, (select count(*) from annotations where item_id = items.id) as n from items
      where id = any($1::text[])`,
    parameters: [itemIds.map(toPostgresText)],
  });
  const wrong = rows.flatMap(({ doc, n }) => {
    const item = JSON.parse(doc) as EntityKinds['Item'];
    const annotationsCount = Number(n);
    const annotated = annotationsCount > 0;
    if (item.annotationsCount === annotationsCount && item.annotated === annotated) return [];
    return [{ ...item, annotated, annotationsCount }];
  });
  await replaceEntities(connection, 'Item', wrong);
}

/** What goes with an entity that is deleted goes with it. */
export async function deleteEntities(
  connection: PostgresConnection,
  kind: EntityKind,
  ids: readonly string[],
): Promise<number> {
  const parameters = [ids.map(toPostgresText)];
  if (kind === 'Execution')
    await connection.run({
      sql: `delete from execution_logs where execution_id in (
        select id from executions where id = any($1::text[]))`,
      parameters,
    });
  return connection.run({ sql: `delete from ${TABLES[kind].name} where id = any($1::text[])`, parameters });
}

/**
 * Tells whose name is taken. Within a transaction, a name that somebody took whom it cannot see yet is no name it could
 * have known of: then it is run again, and sees. @returns DuplicateEntity, Overtaken, or the error itself
 */
export function explainTaken<K extends EntityKind>(kind: K, entities: readonly Entity<K>[]): Explain {
  return async (error, transaction) => {
    const taken = takenIndex(error);
    const columns = taken && UNIQUE_COLUMNS.get(taken.index);
    if (!taken || !columns) return error;
    const keys = entities.map((entity) => keyOf(kind, entity, columns));
    const at = keys.findIndex((key) => taken.detail.includes(`=(${indexed(columns, key).join(', ')})`));
    const key = keys[at] ?? keys[0];
    if (!key) return error;
    const isTwice = keys.filter((each) => each.join('\n') === key.join('\n')).length > 1;
    if (transaction && !transaction.isAlone && !isTwice) {
      const conditions = columns.map((column, index) => `${column} = $${index + 1}`).join(' and ');
      const sql = `select 1 from ${TABLES[kind].name} where ${conditions}`;
      const seen = await transaction.connection.rows({ sql, parameters: key });
      if (seen.length === 0) return new Overtaken('Another writer took the name');
    }
    return new DuplicateEntity(kind, columns.at(-1)!, fromPostgresText(key.at(-1)!), error);
  };
}

async function replaceEntities<K extends EntityKind>(
  connection: PostgresConnection,
  kind: K,
  entities: readonly Entity<K>[],
): Promise<void> {
  const { name } = TABLES[kind];
  const changes = [...columnNames(kind), 'doc', 'fields'].map((column) => `${column} = ${given(column)}`);
  const sql = `update ${name} set version = ${name}.version + 1, ${changes.join(', ')}
    from ${givenRows(kind)} where ${name}.id = given.id`;
  for (const batch of batchesOf(entities, true))
    await connection.run({ sql, parameters: parametersOf(kind, batch) });
}

/** A value of the rows that come as parameters, a list a column. */
function given(column: string): string {
  return column === 'fields' ? 'coalesce(given.fields, given.doc)::jsonb' : `given.${column}`;
}

function givenRows(kind: EntityKind): string {
  const columns = ['id', ...columnNames(kind), 'doc', 'fields'];
  const lists = columns.map((_column, index) => `$${index + 1}::text[]`);
  return `unnest(${lists.join(', ')}) with ordinality as given(${columns.join(', ')}, place)`;
}

function parametersOf<K extends EntityKind>(kind: K, entities: readonly Entity<K>[]): (string | null)[][] {
  const rows = entities.map((entity) => {
    const doc = toDocumentText(entity, kind);
    const columns = columnValues(kind, entity).map((value) =>
      value === null ? null : toPostgresText(value),
    );
    return [toPostgresText(entity.id), ...columns, doc, askedForm(doc) ?? null];
  });
  return rows[0]!.map((_value, column) => rows.map((row) => row[column]!));
}

/** In order, no more at once than one statement is to take; `unique`: no id twice in one of them. */
function* batchesOf<E extends { id: string }>(entities: readonly E[], unique: boolean): Iterable<E[]> {
  let batch: E[] = [];
  let ids = new Set<string>();
  let characters = 0;
  for (const entity of entities) {
    const length = JSON.stringify(entity).length;
    const isFull = batch.length >= MAX_ROWS || (batch.length > 0 && characters + length > MAX_CHARACTERS);
    if (isFull || (unique && ids.has(entity.id))) {
      yield batch;
      batch = [];
      ids = new Set();
      characters = 0;
    }
    batch.push(entity);
    ids.add(entity.id);
    characters += length;
  }
  if (batch.length > 0) yield batch;
}

function keyOf<K extends EntityKind>(kind: K, entity: Entity<K>, columns: readonly string[]): string[] {
  const values = columnValues(kind, entity);
  const names = columnNames(kind);
  return columns.map((column) =>
    toPostgresText((column === 'id' ? entity.id : values[names.indexOf(column)]) ?? ''),
  );
}

/** A key as the unique index holds it, and as errors name it. */
function indexed(columns: readonly string[], key: readonly string[]): string[] {
  return key.map((value, index) =>
    isWide(columns[index]!) ? createHash('md5').update(value).digest('hex') : value,
  );
}
