import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import type { UnreadableDocuments } from '../../../shared/store/unreadable.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { event, item, trigger } from './sample-entities.ts';

/** A store with three items, of which the one in the middle has another document than any version of modelfn writes today. */
async function openWith(doc: (id: string) => string) {
  const path = join(temporaryFolder(), 'store.sqlite');
  const reports: UnreadableDocuments[] = [];
  const store = await openSqliteStore({ path, onUnreadable: (found) => reports.push(found) });
  onTestFinished(() => store.close());
  await store.insert('Item', [
    item('i1', { filename: '/1' }),
    item('i2', { filename: '/2' }),
    item('i3', { filename: '/3' }),
  ]);
  await store.insert('Trigger', [trigger('t1', 'p1')]);
  const raw = new DatabaseSync(path);
  raw.prepare('update items set doc = ? where id = ?').run(doc('i2'), 'i2');
  raw.close();
  return { store, reports, path };
}

const deep = (id: string) =>
  JSON.stringify(item(id, { filename: '/2' })).replace(
    '"metadata":{',
    `"metadata":{"deep":${'['.repeat(2_000)}${']'.repeat(2_000)},`,
  );

it('a document that is deeper than SQLite reads breaks no query: it is left out where its fields are asked for', async () => {
  const { store, reports } = await openWith(deep);

  expect(await store.ids('Item', { filter: { 'metadata.user.x': { $exists: false } } })).toEqual([
    'i1',
    'i2',
    'i3',
  ]);
  expect(await store.count('Item', { filter: { creator: { $exists: true } } })).toBe(2);
  expect(
    (await store.query('Item', { sort: [{ field: 'metadata.n', direction: 'ascending' }] })).items,
  ).toHaveLength(3);
  expect(
    await store.query('Annotation', { join: { resource: 'items', filter: { creator: '*' } } }),
  ).toMatchObject({
    items: [],
  });

  expect(reports).toEqual([{ kind: 'Item', count: 1, ids: ['i2'] }]);
});

it('a document that is deeper than SQLite reads can still be read by its id and deleted', async () => {
  const { store } = await openWith(deep);

  expect(await store.get('Item', 'i2')).toMatchObject({ id: 'i2', filename: '/2' });
  expect(await store.delete('Item', ['i2'])).toBe(1);
});

it('a damaged document is named by a query, and left out and reported where the query asks for that', async () => {
  const { store, reports } = await openWith(() => '{"id":"i2",');

  await expect(store.query('Item', {})).rejects.toMatchObject({
    code: 'DocumentUnreadable',
    details: { kind: 'Item', id: 'i2' },
  });
  await expect(store.get('Item', 'i2')).rejects.toMatchObject({ code: 'DocumentUnreadable' });
  const { items } = await store.query('Item', { skipsUnreadable: true });
  await store.query('Item', { skipsUnreadable: true });

  expect(items.map(({ id }) => id)).toEqual(['i1', 'i3']);
  expect(reports).toEqual([{ kind: 'Item', count: 1, ids: ['i2'] }]);
});

it('damaged events at the head of the outbox do not hide those behind them', async () => {
  const { store, reports, path } = await openWith(deep);
  await store.appendEvents([event('e1'), event('e2'), event('e3'), event('e4')]);
  const raw = new DatabaseSync(path);
  raw.exec("update outbox set event = '{' where sequence in (1, 2)");
  raw.close();

  expect((await store.readEvents(2)).map(({ event: { id } }) => id)).toEqual(['e3', 'e4']);
  expect(reports).toEqual([{ kind: 'event', count: 2, ids: ['1', '2'] }]);
});
