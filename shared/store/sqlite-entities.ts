import type { EntityKind, EntityKinds } from '../entities/kinds.ts';
import { InvalidInput } from '../errors.ts';
import { toDocumentText } from './document-text.ts';
import type { Versioned } from './entity-store.ts';
import { DuplicateEntity, EntityNotFound } from './errors.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { takenColumns } from './sqlite-errors.ts';
import { columnNames, columnValues, TABLES } from './tables.ts';
import { readDocument } from './unreadable.ts';

/** Ids of one statement travel as one JSON parameter: their number is not bounded by SQLite's variables. */
export const IDS = '(select value from json_each(?))';

/** `undefined` when there is none by that id. */
export function readEntity<K extends EntityKind>(
  database: SqliteDatabase,
  kind: K,
  id: string,
): Versioned<EntityKinds[K]> | undefined {
  const row = database.row<{ version: number; doc: string }>({
    sql: `select version, doc from ${TABLES[kind].name} where id = ?`,
    parameters: [id],
  });
  return row && { entity: readDocument<EntityKinds[K]>(kind, { id, doc: row.doc }), version: row.version };
}

/** Those found, in the order of `ids`, each once. */
export function readEntities<K extends EntityKind>(
  database: SqliteDatabase,
  kind: K,
  ids: readonly string[],
): Versioned<EntityKinds[K]>[] {
  const rows = database.rows<{ id: string; version: number; doc: string }>({
    sql: `select id, version, doc from ${TABLES[kind].name} where id in ${IDS}`,
    parameters: [JSON.stringify(ids)],
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return [...new Set(ids)].flatMap((id) => {
    const row = byId.get(id);
    return row ? [{ entity: readDocument<EntityKinds[K]>(kind, row), version: row.version }] : [];
  });
}

/** Inserts; with `replace`, an entity whose id is there takes the new form. @throws DuplicateEntity */
export function writeEntities<K extends EntityKind>(
  database: SqliteDatabase,
  kind: K,
  entities: readonly EntityKinds[K][],
  replace: boolean,
): void {
  const names = [...columnNames(kind), 'doc'];
  const insert = `insert into ${TABLES[kind].name} (id, version, ${names.join(', ')})
    values (?, 1, ${names.map(() => '?').join(', ')})`;
  const sql = replace
    ? `${insert} on conflict (id) do update
       set version = version + 1, ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`
    : insert;
  for (const entity of entities)
    unlessTaken(kind, entity, () =>
      database.run({
        sql,
        parameters: [entity.id, ...columnValues(kind, entity), toDocumentText(entity, kind)],
      }),
    );
}

/** @throws EntityNotFound, DuplicateEntity, InvalidInput when `change` gives the entity another id */
export function changeEntity<K extends EntityKind>(
  database: SqliteDatabase,
  kind: K,
  id: string,
  change: (current: EntityKinds[K]) => EntityKinds[K],
): EntityKinds[K] {
  const current = readEntity(database, kind, id);
  if (!current) throw new EntityNotFound({ kind, reference: JSON.stringify(id.slice(0, 128)) });
  const next = change(current.entity);
  if (next.id !== id)
    throw new InvalidInput(`change of ${kind} ${id}`, [{ field: 'id', problem: 'an id never changes' }]);
  const assignments = [...columnNames(kind), 'doc'].map((name) => `${name} = ?`).join(', ');
  unlessTaken(kind, next, () =>
    database.run({
      sql: `update ${TABLES[kind].name} set version = version + 1, ${assignments} where id = ?`,
      parameters: [...columnValues(kind, next), toDocumentText(next, kind), id],
    }),
  );
  return next;
}

/** Brings `annotated` and `annotationsCount` of the items up to date; an item that was right is not touched. */
export function recountAnnotations(database: SqliteDatabase, itemIds: readonly string[]): void {
  const counts = database.rows<{ id: string; n: number }>({
    sql: `select id, (select count(*) from annotations where item_id = items.id) as n from items where id in ${IDS}`,
    parameters: [JSON.stringify(itemIds)],
  });
  for (const { id, n } of counts) {
    const item = readEntity(database, 'Item', id)!.entity;
    if (item.annotationsCount !== n || item.annotated !== n > 0)
      changeEntity(database, 'Item', id, () => ({ ...item, annotated: n > 0, annotationsCount: n }));
  }
}

function unlessTaken(kind: EntityKind, entity: EntityKinds[EntityKind], work: () => number): void {
  try {
    work();
  } catch (error) {
    const column = takenColumns(error)?.split(', ').at(-1);
    if (column === undefined) throw error;
    const value = column === 'id' ? entity.id : columnValues(kind, entity)[columnNames(kind).indexOf(column)];
    throw new DuplicateEntity(kind, column, value ?? '', error);
  }
}
