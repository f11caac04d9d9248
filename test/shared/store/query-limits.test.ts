import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { JsonObject } from '../../../shared/json.ts';
import { compileWildcard } from '../../../shared/query/wildcard.ts';
import { isStatementTimeout, PostgresFailure, told } from '../../../shared/store/postgres-errors.ts';
import { isCostly } from '../../../shared/store/query-cost.ts';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { item } from './sample-entities.ts';

async function open(queryLimitMs: number, count = 300) {
  const path = join(temporaryFolder(), 'store.sqlite');
  const store = await openSqliteStore({ path, queryLimitMs });
  onTestFinished(() => store.close());
  const items = Array.from({ length: count }, (_, index) => item(`i${index}`, { filename: `/${index}` }));
  await store.insert('Item', items);
  return { store, path };
}

const ALL: JsonObject = { 'metadata.user.nothing': { $exists: false } };
/** Some ten thousand looks into each document. */
const HUGE: JsonObject = {
  $or: Array.from({ length: 900 }, (_, index) => ({ [`metadata.user.x${index}`]: 'x' })),
};

describe('a query that may take long', () => {
  it('ends with a code of its own when its time is up, and the next one is answered', async () => {
    const { store } = await open(1);

    await expect(store.count('Item', { filter: HUGE })).rejects.toMatchObject({
      code: 'QueryTooSlow',
      statusCode: 422,
    });

    expect(await store.get('Item', 'i1')).toMatchObject({ id: 'i1' });
  });

  it('ends when its time is up within a transaction too', async () => {
    const { store } = await open(1);

    await expect(store.transaction((open) => open.ids('Item', { filter: HUGE }))).rejects.toMatchObject({
      code: 'QueryTooSlow',
    });
  });

  it('lets everything else of the process go on', async () => {
    const { store } = await open(60_000);
    let isAnswered = false;

    const slow = store.count('Item', { filter: HUGE }).then(() => {
      isAnswered = true;
    });
    await store.get('Project', '-');
    await new Promise(setImmediate);

    expect(isAnswered).toBe(false);
    await slow;
  });

  it('sees what was written before, and within a transaction what that wrote', async () => {
    const { store } = await open(60_000, 1);

    await store.insert('Item', [item('j1', { filename: '/j1' })]);
    expect(await store.count('Item', { filter: ALL })).toBe(2);
    await store.transaction(async (open) => {
      await open.insert('Item', [item('j2', { filename: '/j2' })]);
      expect(await open.ids('Item', { filter: ALL })).toEqual(['i0', 'j1', 'j2']);
      expect(await store.ids('Item', { filter: ALL })).toEqual(['i0', 'j1', 'j2']);
    });
    expect((await store.query('Item', { filter: ALL })).items.map(({ id }) => id)).toEqual([
      'i0',
      'j1',
      'j2',
    ]);
  });

  it('leaves a document out that SQLite cannot read, in its thread too', async () => {
    const { store, path } = await open(60_000, 3);
    const raw = new DatabaseSync(path);
    raw
      .prepare('update items set doc = ? where id = ?')
      .run(`${'['.repeat(2_000)}${']'.repeat(2_000)}`, 'i1');
    raw.close();

    expect(await store.ids('Item', { filter: { creator: { $exists: true } } })).toEqual(['i0', 'i2']);
  });

  it('is rejected when the store closes under it', async () => {
    const { store } = await open(60_000, 3_000);

    const slow = store.count('Item', { filter: HUGE });
    const outcome = expect(slow).rejects.toMatchObject({ code: 'StoreClosed' });
    await store.close();

    await outcome;
  });
});

it.each<[JsonObject, boolean]>([
  [{ datasetId: 'd', hidden: false, type: 'file' }, false],
  [{ filename: { $in: ['/a', '/b'] } }, false],
  [{ filename: '/a*' }, true],
  [{ name: 5 }, true],
  [{ 'metadata.user.x': 'x' }, true],
  [{ $or: Array.from({ length: 20 }, () => ({ name: 'x' })) }, true],
])('%j of items: may take long %s', (filter, costly) => {
  expect(isCostly('Item', { filter })).toBe(costly);
});

it('a statement that PostgreSQL stopped for its time is known as such', () => {
  const stopped = new PostgresFailure(Object.assign(new Error('canceling statement'), { code: '57014' }));

  expect([isStatementTimeout(stopped), isStatementTimeout(told(stopped))]).toEqual([true, true]);
  expect(isStatementTimeout(told(new PostgresFailure({ code: '53100' })))).toBe(false);
});

it('a pattern of stars never backtracks: a text of a million letters is matched in one pass for each star', () => {
  const text = 'a'.repeat(1_000_000);

  for (const pathAware of [true, false])
    expect(compileWildcard(`${'*a'.repeat(16)}*b`, { pathAware })(text)).toBe(false);
});
