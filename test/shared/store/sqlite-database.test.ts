import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import { SqliteConnection } from '../../../shared/store/sqlite-connection.ts';
import { type DatabaseOptions, SqliteDatabase } from '../../../shared/store/sqlite-database.ts';
import { MIGRATIONS } from '../../../shared/store/sqlite-schema.ts';
import { codeOf } from '../../contracts/store.contract.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';

const insert = (event: string) => ({
  sql: 'insert into outbox (event, created_at) values (?, ?)',
  parameters: [event, 'now'],
});
const COUNT = { sql: 'select count(*) as n from outbox', parameters: [] };

function open(path: string, options?: DatabaseOptions): SqliteDatabase {
  const database = new SqliteDatabase(path, options);
  onTestFinished(() => database.close());
  return database;
}

function openRaw(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  onTestFinished(() => database.close());
  return database;
}

function errorOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('opening a store', () => {
  it('says what to do when the folder is missing, is a file, or the path is a folder', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'taken'));

    for (const path of ['none/store.sqlite', 'file/store.sqlite', 'taken']) {
      const error = await openSqliteStore({ path: join(folder, path) }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'StoreUnavailable', retryable: true });
      expect(String(error)).toContain('Check that the state folder is there and writable');
    }
  });

  it('refuses a file that is no store, and leaves it as it was', async () => {
    const folder = temporaryFolder();
    await writeFile(
      join(folder, 'text'),
      'not a database, but long enough to have a header of its own'.repeat(20),
    );
    openRaw(join(folder, 'foreign')).exec('create table items (x); insert into items values (1)');

    for (const name of ['text', 'foreign']) {
      const before = await readFile(join(folder, name));
      expect(await codeOf(openSqliteStore({ path: join(folder, name) }))).toBe('StoreCorrupt');
      expect(await readFile(join(folder, name))).toEqual(before);
    }
  });

  it('keeps a journal beside the file and survives readers of other processes', () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    const database = open(path);

    expect(database.row({ sql: 'pragma journal_mode', parameters: [] })).toEqual({ journal_mode: 'wal' });
    expect(database.row({ sql: 'pragma synchronous', parameters: [] })).toEqual({ synchronous: 1 });
  });

  it('shares one connection between the handles of a process, so that they cannot block each other', async () => {
    const folder = temporaryFolder();
    const one = await openSqliteStore({ path: join(folder, 'store.sqlite') });
    const two = await openSqliteStore({
      path: join(folder, '../', folder.split('/').at(-1)!, 'store.sqlite'),
    });

    const order: string[] = [];
    const first = one.transaction(async (inside) => {
      await inside.appendEvents([]);
      order.push('first');
    });
    const second = two.transaction(async () => {
      order.push('second');
    });
    await Promise.all([first, second]);
    await one.close();

    expect(order).toEqual(['first', 'second']);
    expect(await two.readEvents(1)).toEqual([]);
    await two.close();
  });
});

it('a transaction that has only read so far keeps other writers out: what it writes later cannot fail half-way', () => {
  const path = join(temporaryFolder(), 'store.sqlite');
  const one = open(path);
  const two = open(path, { busyTimeoutMs: 0 });

  one.begin();
  one.row(COUNT);

  expect(errorOf(() => two.run(insert('between')))).toMatchObject({ code: 'StoreUnavailable' });
  one.run(insert('inside'));
  one.commit();
  expect(two.row(COUNT)).toEqual({ n: 1 });
});

describe('the schema', () => {
  it('never changes in its first step: stores of released versions have it; a change is a new step', () => {
    const first = createHash('sha256').update(JSON.stringify(MIGRATIONS[0])).digest('hex');

    expect(first.slice(0, 16)).toBe('4f1483cb7f2895bb');
  });

  it('makes the tables of revisions, pipelines, logs and services in later steps, beside the rows of a store of the first', () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    const before = new SqliteDatabase(path, { migrations: MIGRATIONS.slice(0, 1) });
    before.run(insert('kept'));
    before.close();

    const after = open(path);

    expect(MIGRATIONS).toHaveLength(6);
    for (const table of ['snapshot_revisions', 'packages', 'services'])
      expect(after.row({ sql: `select count(*) as n from ${table}`, parameters: [] })).toEqual({ n: 0 });
    expect(after.row(COUNT)).toEqual({ n: 1 });
  });

  it('is brought up to date at open, once, with the rows that are there', () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    const before = new SqliteDatabase(path);
    before.run(insert('kept'));
    before.close();

    const migrations = [
      ...MIGRATIONS,
      ['alter table outbox add column extra text', "update outbox set extra = 'x'"],
    ];
    new SqliteDatabase(path, { migrations }).close();
    const after = open(path, { migrations });

    expect(after.rows({ sql: 'select event, extra from outbox', parameters: [] })).toEqual([
      { event: 'kept', extra: 'x' },
    ]);
    expect(errorOf(() => new SqliteDatabase(path))).toMatchObject({
      code: 'StoreTooNew',
      details: { found: MIGRATIONS.length + 1, known: MIGRATIONS.length },
    });
  });

  it('stays at the old version when a step fails half-way', () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    new SqliteDatabase(path).close();

    const migrations = [...MIGRATIONS, ['create table half (x)', 'no statement']];
    expect(String(errorOf(() => new SqliteDatabase(path, { migrations })))).toContain('syntax error');

    expect(
      open(path).rows({ sql: "select 1 from sqlite_master where name = 'half'", parameters: [] }),
    ).toEqual([]);
  });
});

describe('a store that cannot write', () => {
  it('says that another process holds it, after the time it was given', () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    const database = open(path, { busyTimeoutMs: 20 });
    const other = openRaw(path);
    other.exec('begin immediate');

    expect(errorOf(() => database.write(() => database.run(insert('x'))))).toMatchObject({
      code: 'StoreUnavailable',
      retryable: true,
    });
    other.exec('rollback');

    expect(database.write(() => database.run(insert('x')))).toBe(1);
  });

  it('says that the disk is full, keeps nothing of that write, and goes on when there is room', () => {
    const database = open(join(temporaryFolder(), 'store.sqlite'));
    const { page_count: pages } = database.row<{ page_count: number }>({
      sql: 'pragma page_count',
      parameters: [],
    })!;
    database.row({ sql: `pragma max_page_count = ${pages + 4}`, parameters: [] });

    const error = errorOf(() =>
      database.write(() => {
        database.run(insert('small'));
        database.run(insert('x'.repeat(100_000)));
      }),
    );

    expect(error).toMatchObject({ code: 'StoreUnavailable' });
    expect(String(error)).toContain('The disk is full');
    expect(database.row(COUNT)).toEqual({ n: 0 });
    expect(database.write(() => database.run(insert('small')))).toBe(1);
  });

  it('ends a transaction that was undone under its work, even when the work went on', async () => {
    const database = open(join(temporaryFolder(), 'store.sqlite'));
    const connection = new SqliteConnection(database, () => {}).enter();

    const ended = connection.transaction(async (transaction) => {
      await connection.write(transaction, undefined, () => database.run(insert('before')));
      database.rollback();
      expect(
        await codeOf(connection.write(transaction, undefined, () => database.run(insert('after')))),
      ).toBe('StoreUnavailable');
    });

    expect(await codeOf(ended)).toBe('StoreUnavailable');
    expect(database.row(COUNT)).toEqual({ n: 0 });
  });
});
