import { beforeEach, describe, expect, it } from 'vitest';
import type { EntityKind } from '../../shared/entities/kinds.ts';
import { isModelfnError } from '../../shared/errors.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { Query } from '../../shared/query/query.ts';
import type { EntityStore } from '../../shared/store/entity-store.ts';
import {
  annotation,
  dataset,
  event,
  execution,
  item,
  model,
  ontology,
  project,
  recipe,
  sample,
  snapshot,
  snapshotRevision,
  trigger,
} from '../shared/store/sample-entities.ts';

/** An empty store, and a second handle on the same data. */
export interface OpenedStore {
  store: EntityStore;
  again: EntityStore;
}

/** Every promise of `store/entity-store.ts`, for any driver. */
export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`store contract: ${name}`, () => {
    let store: EntityStore;
    let again: EntityStore;
    beforeEach(async () => {
      ({ store, again } = await open());
    });
    const idsOf = (kind: EntityKind, query: Query) => store.ids(kind, query);
    const itemsWhere = (filter: JsonObject) => idsOf('Item', { filter });

    describe('entities', () => {
      it('gives back what was written, digit for digit, through any handle', async () => {
        const written = annotation('a1', 'i1', {
          coordinates: [{ x: 0.1 + 0.2, y: 1e-300, z: -0.5 }],
          metadata: { system: {}, user: { 'a.b': '日本\u0000"\\%_\u{1f600}', __proto_: null, n: 2 ** 53 } },
        });
        await store.insert('Annotation', [written]);

        expect(await again.get('Annotation', 'a1')).toEqual(written);
        expect(await again.get('Annotation', 'A1')).toBeUndefined();
        expect(await again.get('Item', 'a1')).toBeUndefined();
      });

      it('refuses a document that is deeper than queries read, and names the field', async () => {
        const deep = JSON.parse('['.repeat(600) + ']'.repeat(600));
        const refused = { code: 'JsonLimitExceeded', details: { field: 'metadata.user.0.0.0.0...' } };
        const written = annotation('a1', 'i1', { metadata: { system: {}, user: deep } });
        const kept = annotation('a2', 'i1');
        await store.insert('Annotation', [kept]);

        await expect(store.insert('Annotation', [annotation('a3', 'i1'), written])).rejects.toMatchObject(
          refused,
        );
        await expect(
          store.update('Annotation', 'a2', (current) => ({ ...current, metadata: written.metadata })),
        ).rejects.toMatchObject(refused);
        await expect(store.appendEvents([{ ...event('e1'), body: { a: deep } }])).rejects.toMatchObject({
          code: 'JsonLimitExceeded',
        });

        expect(await again.ids('Annotation', {})).toEqual(['a2']);
        expect(await again.get('Annotation', 'a2')).toEqual(kept);
        expect(await again.readEvents(10)).toEqual([]);
      });

      it('tells one time to all of its handles', async () => {
        const before = await store.now();

        expect(await again.now()).toBeGreaterThanOrEqual(before);
        expect(Math.abs((await store.now()) - Date.now())).toBeLessThan(60_000);
      });

      it('hands out copies: changing one changes nothing in the store', async () => {
        const given = item('i1');
        await store.insert('Item', [given]);
        given.metadata.system = { changed: true };
        const read = await store.get('Item', 'i1');
        read!.metadata.user = { changed: true };

        expect(await store.get('Item', 'i1')).toEqual(item('i1'));
      });

      it('reads many in the order asked for, repeated ids once, unknown ones left out', async () => {
        await store.insert('Item', [item('i1'), item('i2'), item('i3')]);

        const found = await store.getMany('Item', ['i3', 'none', 'i1', 'i3', "' or 1=1 --"]);

        expect(found.map(({ entity }) => entity.id)).toEqual(['i3', 'i1']);
        expect(await store.getMany('Item', [])).toEqual([]);
      });

      it('reads ten thousand ids at once, and filters by them', async () => {
        const ids = Array.from({ length: 10_000 }, (_, index) => `i${index}`);
        await store.insert(
          'Item',
          ids.map((id) => item(id)),
        );

        expect((await store.getMany('Item', ids.toReversed()))[0]!.entity.id).toBe('i9999');
        expect(await store.count('Item', { filter: { id: { $in: ids } } })).toBe(10_000);
        expect(await store.count('Item', { filter: { id: { $nin: ids.slice(1) } } })).toBe(1);
        expect(await store.delete('Item', ids)).toBe(10_000);
      });

      it('counts a row up at every change, and starts at one', async () => {
        await store.insert('Project', [project('p1')]);
        await store.update('Project', 'p1', (current) => ({ ...current, name: 'second' }));
        await store.upsert('Project', [project('p1', { name: 'third' }), project('p2')]);

        expect(await again.versions('Project', ['p1', 'p2', 'none'])).toEqual(
          new Map([
            ['p1', 3],
            ['p2', 1],
          ]),
        );
        expect(await again.getMany('Project', ['p1'])).toEqual([
          { entity: project('p1', { name: 'third' }), version: 3 },
        ]);
      });

      it("moves a kind's change mark with every write of it by any handle, and never leaves it behind", async () => {
        if (store.changeMark('Item') === undefined) return;
        const marks: (string | undefined)[] = [store.changeMark('Item')];
        const note = () => marks.push(store.changeMark('Item'));

        await store.insert('Item', [item('i1')]);
        note();
        await again.upsert('Item', [item('i1', { name: 'new' })]);
        note();
        await store.update('Item', 'i1', (current) => ({ ...current, name: 'newer' }));
        note();
        await store.insert('Annotation', [annotation('a1', 'i1')]);
        await again.refreshAnnotationCounts(['i1']);
        note();
        await store.delete('Item', ['i1']);
        note();

        expect(new Set(marks).size).toBe(marks.length);
        expect(store.changeMark('Item')).toBe(marks.at(-1));
      });

      it('moves a change mark when a transaction is undone: who read inside it saw what never was', async () => {
        if (store.changeMark('Item') === undefined) return;
        await store.insert('Item', [item('i1')]);
        let inside: string | undefined;

        const undone = store.transaction(async (open) => {
          await open.update('Item', 'i1', (current) => ({ ...current, name: 'never' }));
          inside = store.changeMark('Item');
          throw new Error('undone');
        });

        await expect(undone).rejects.toThrow('undone');
        expect(store.changeMark('Item')).not.toBe(inside);
      });

      it('finds an entity by what it became, no longer by what it was', async () => {
        await store.insert('Item', [item('i1')]);
        await store.update('Item', 'i1', (current) => ({
          ...current,
          hidden: true,
          filename: '/moved/x.png',
          dir: '/moved',
          metadata: { system: { snapshotPartition: 'train' } },
        }));

        expect(await itemsWhere({ filename: '/i1.jpg' })).toEqual([]);
        expect(await itemsWhere({ hidden: false })).toEqual([]);
        expect(
          await itemsWhere({ dir: '/moved', hidden: true, 'metadata.system.snapshotPartition': 'train' }),
        ).toEqual(['i1']);
      });

      it('refuses to change what is not there, and keeps an entity whose change throws', async () => {
        await store.insert('Project', [project('p1')]);

        expect(await codeOf(store.update('Project', 'none', (current) => current))).toBe('EntityNotFound');
        await expect(
          store.update('Project', 'p1', () => {
            throw new RangeError('no');
          }),
        ).rejects.toBeInstanceOf(RangeError);
        expect(await codeOf(store.update('Project', 'p1', (current) => ({ ...current, id: 'p2' })))).toBe(
          'InvalidInput',
        );
        expect(await again.versions('Project', ['p1', 'p2'])).toEqual(new Map([['p1', 1]]));
      });

      it('deletes what is there and says how many', async () => {
        await store.insert('Item', [item('i1'), item('i2')]);

        expect(await store.delete('Item', ['i1', 'none', 'i1'])).toBe(1);
        expect(await store.delete('Item', [])).toBe(0);
        expect(await idsOf('Item', {})).toEqual(['i2']);
      });
    });

    describe('uniqueness', () => {
      it.each<[string, EntityKind, () => Promise<void>, () => Promise<unknown>]>([
        [
          'a project name',
          'Project',
          () => store.insert('Project', [project('p1', { name: 'same' })]),
          () => store.insert('Project', [project('p2'), project('p3', { name: 'same' })]),
        ],
        [
          'a dataset name in its first project',
          'Dataset',
          () => store.insert('Dataset', [dataset('d1', 'p1', { name: 'same' })]),
          () =>
            store.insert('Dataset', [
              dataset('d2', 'p1'),
              dataset('d3', 'p1', { name: 'same', projects: ['p1', 'p9'] }),
            ]),
        ],
        [
          'a path in a dataset',
          'Item',
          () => store.insert('Item', [item('i1', { filename: '/same' })]),
          () => store.upsert('Item', [item('i2'), item('i3', { filename: '/same', type: 'dir' })]),
        ],
        [
          'a model name in a project',
          'Model',
          () => store.insert('Model', [model('m1', 'p1', { name: 'same' })]),
          () => store.insert('Model', [model('m2', 'p1'), model('m3', 'p1', { name: 'same' })]),
        ],
        [
          'a snapshot name of a model',
          'Snapshot',
          () => store.insert('Snapshot', [snapshot('s1', 'p1', { name: 'same' })]),
          () => store.insert('Snapshot', [snapshot('s2', 'p1'), snapshot('s3', 'p2', { name: 'same' })]),
        ],
        [
          'an id',
          'Trigger',
          () => store.insert('Trigger', [trigger('t1', 'p1')]),
          () => store.insert('Trigger', [trigger('t2', 'p1'), trigger('t1', 'p1')]),
        ],
      ])('refuses %s that is taken, and writes none of the rest', async (_what, kind, first, second) => {
        await first();

        expect(await codeOf(second())).toBe('Conflict');
        expect(await store.count(kind, {})).toBe(1);
      });

      it('says which name is taken', async () => {
        await store.insert('Item', [item('i1', { filename: '/same' })]);

        const error: unknown = await store
          .insert('Item', [item('i2', { filename: '/same' })])
          .catch((caught: unknown) => caught);

        expect(error).toMatchObject({
          name: 'DuplicateEntity',
          details: { what: 'filename', value: '/same' },
        });
        expect(String(error)).toContain('Item with filename "/same" is already there');
      });

      it('keeps the name free for a rename to itself, and for other projects, datasets and models', async () => {
        await store.insert('Dataset', [
          dataset('d1', 'p1', { name: 'n' }),
          dataset('d2', 'p2', { name: 'n', projects: ['p2', 'p1'] }),
        ]);
        await store.insert('Item', [
          item('i1', { filename: '/n' }),
          item('i2', { filename: '/n', datasetId: 'd2' }),
        ]);
        await store.insert('Snapshot', [
          snapshot('s1', 'p1', { name: 'n' }),
          snapshot('s2', 'p1', { name: 'n', modelId: 'm2' }),
        ]);
        await store.insert('Trigger', [trigger('t1', 'p1'), trigger('t2', 'p1')]);

        await store.update('Item', 'i1', (current) => ({ ...current, filename: '/n' }));

        expect(await codeOf(store.update('Item', 'i1', (current) => ({ ...current, datasetId: 'd2' })))).toBe(
          'Conflict',
        );
        expect(await store.count('Item', {})).toBe(2);
      });
    });

    describe('filters', () => {
      beforeEach(() =>
        store.insert('Item', [
          item('root'),
          item('cat', {
            filename: '/a/cat.jpg',
            annotated: true,
            metadata: {
              system: { size: 5, mimetype: 'video/mp4' },
              user: { global: true, tags: ['x', 7], n: '5' },
            },
          }),
          item('dog', {
            filename: '/a/b/dog.png',
            metadata: { system: { size: 50, mimetype: 'image/png' }, user: { global: false, n: 5 } },
          }),
          item('bare', { filename: '/a/b', type: 'dir', hidden: true }),
          item('odd', {
            filename: '/a/100%_\\[\'x]"?.jpg',
            metadata: { system: {}, user: { global: null } },
          }),
        ]),
      );

      it.each<[JsonObject, string[]]>([
        [{}, ['root', 'cat', 'dog', 'bare', 'odd']],
        [{ $and: [], $or: [] }, ['root', 'cat', 'dog', 'bare', 'odd']],
        [{ annotated: false }, ['root', 'dog', 'bare', 'odd']],
        [{ annotated: true }, ['cat']],
        [{ annotated: { $ne: true } }, ['root', 'dog', 'bare', 'odd']],
        [{ 'metadata.user.global': { $ne: true } }, ['root', 'dog', 'bare', 'odd']],
        [{ 'metadata.user.global': false }, ['root', 'dog', 'bare', 'odd']],
        [{ 'metadata.user.global': { $ne: false } }, ['cat']],
        [{ 'metadata.user.n': 5 }, ['dog']],
        [{ 'metadata.user.n': '5' }, ['cat']],
        [{ 'metadata.user.n': { $ne: 5 } }, ['root', 'cat', 'bare', 'odd']],
        [{ 'metadata.user.n': [5, '5'] }, ['cat', 'dog']],
        [{ 'metadata.user.tags': 'x' }, ['cat']],
        [{ 'metadata.user.tags': { $in: ['7', 7] } }, ['cat']],
        [{ 'metadata.user.tags': '7' }, []],
        [{ 'metadata.user.global': { $exists: true } }, ['cat', 'dog', 'odd']],
        [{ 'metadata.user.global': { $exists: false } }, ['root', 'bare']],
        [{ 'metadata.system.size': { $gt: 5 } }, ['dog']],
        [{ 'metadata.system.size': { $gte: 5, $lt: 50 } }, ['cat']],
        [{ 'metadata.system.size': { $lte: '50' } }, []],
        [{ name: { $gte: 'b', $lt: 'dog.png' } }, ['bare', 'cat']],
        [{ type: { $nin: ['dir'] }, hidden: false, dir: '/a' }, ['cat', 'odd']],
        [{ 'metadata.system.mimetype': 'video*' }, ['cat']],
        [{ 'metadata.system.mimetype': '*png' }, ['dog']],
        [{ filename: '/a/*' }, ['cat', 'dog', 'bare', 'odd']],
        [{ filename: '**/cat.jpg' }, ['cat']],
        [{ filename: '**/root.jpg' }, ['root']],
        [{ filename: { $glob: '/a/*' } }, ['cat', 'bare', 'odd']],
        [{ filename: { $glob: '/**' } }, ['root', 'cat', 'dog', 'bare', 'odd']],
        [{ filename: { $glob: '/a/b/**' } }, ['dog', 'bare']],
        [{ filename: '/a/b/**' }, ['dog', 'bare']],
        [{ filename: { $eq: '/a/*' } }, []],
        [{ filename: '/a/100%_\\[\'x]"?.jpg' }, ['odd']],
        [{ filename: '/a/100%_\\[\'x]"?*' }, ['odd']],
        [{ filename: '/a/%*' }, []],
        [{ filename: '/a/___.jpg*' }, []],
        [{ name: { $glob: '*[co]*' } }, []],
        [{ $or: [{ id: 'cat' }, { $and: [{ hidden: true }, { type: 'dir' }] }] }, ['cat', 'bare']],
        [{ $and: [{ type: 'file' }], $or: [{ id: 'bare' }, { id: 'dog' }] }, ['dog']],
        [{ id: { $in: [] } }, []],
        [{ id: { $nin: [] } }, ['root', 'cat', 'dog', 'bare', 'odd']],
        [{ 'metadata.user.tags.0': 'x' }, []],
      ])('%j', async (filter, expected) => {
        expect(new Set(await itemsWhere(filter))).toEqual(new Set(expected));
        expect(await store.count('Item', { filter })).toBe(expected.length);
      });

      it('takes a thousand conditions, thirty levels and a hundred thousand values, and refuses more by code', async () => {
        const conditions = (count: number) =>
          Array.from({ length: count }, (_, index) => ({ 'metadata.user.n': { $ne: index + 100 } }));
        let nested: JsonObject = { id: 'cat' };
        for (let depth = 0; depth < 30; depth += 1)
          nested = { $and: [nested, { $or: [{ type: 'dir' }, { type: 'file' }] }] };
        const values = (count: number) => Array.from({ length: count }, (_, index) => index);

        expect(await store.count('Item', { filter: { $and: conditions(1000) } })).toBe(5);
        expect(await store.count('Item', { filter: { $or: conditions(1000) } })).toBe(5);
        expect(await itemsWhere(nested)).toEqual(['cat']);
        expect(await itemsWhere({ 'metadata.user.n': { $in: values(100_000) } })).toEqual(['dog']);
        for (const filter of [
          { $and: conditions(1001) },
          { $and: [{ $and: [nested, nested] }], $or: [{ $or: [{ $and: [{ $and: [nested] }] }] }] },
          { id: values(100_001) },
        ])
          expect(await codeOf(itemsWhere(filter))).toBe('InvalidFilter');
      });

      it('narrows by a dataset that nothing in the filter can widen', async () => {
        await store.insert('Item', [item('foreign', { datasetId: 'd2' })]);
        const filter = { $or: [{ datasetId: 'd1' }, { datasetId: 'd2' }, { id: { $exists: true } }] };

        expect(await idsOf('Item', { filter, scope: { datasetId: 'd2' } })).toEqual(['foreign']);
        expect(await idsOf('Item', { filter, scope: { datasetId: "d2' or '1'='1" } })).toEqual([]);
      });
    });

    describe('joins', () => {
      beforeEach(async () => {
        await store.insert('Item', [
          item('both'),
          item('split'),
          item('none'),
          item('point', { hidden: true }),
        ]);
        await store.insert('Annotation', [
          annotation('a1', 'both', { label: 'dog', type: 'box' }),
          annotation('a2', 'both', { label: 'cat', type: 'point' }),
          annotation('a3', 'split', { label: 'dog', type: 'point' }),
          annotation('a4', 'split', { label: 'cat', type: 'box' }),
          annotation('a5', 'point', { label: 'dog', type: 'point' }),
        ]);
      });

      it.each<[string, JsonObject, string[]]>([
        ['one annotation satisfies all', { $and: [{ label: 'dog' }, { type: { $ne: 'point' } }] }, ['both']],
        ['another label is needed for "not dog"', { label: { $ne: 'dog' } }, ['both', 'split']],
        ['or', { $or: [{ label: 'x' }, { type: 'point' }] }, ['both', 'split', 'point']],
        ['no condition still drops items without annotations', {}, ['both', 'split', 'point']],
      ])('of items with annotations: %s', async (_name, filter, expected) => {
        expect(await idsOf('Item', { join: { resource: 'annotations', filter } })).toEqual(expected);
      });

      it('of annotations with their items, with conditions on both sides', async () => {
        const query: Query = {
          filter: { type: 'point' },
          join: { resource: 'items', filter: { hidden: false } },
          sort: [{ field: 'id', direction: 'descending' }],
        };

        expect(await idsOf('Annotation', query)).toEqual(['a3', 'a2']);
      });

      it('reads annotationId as the annotation id', async () => {
        expect(await idsOf('Annotation', { filter: { annotationId: { $in: ['a4', 'a1'] } } })).toEqual([
          'a1',
          'a4',
        ]);
        expect(await idsOf('Annotation', { filter: { annotationId: 'a2', itemId: 'both' } })).toEqual(['a2']);
      });

      it('refuses a join that has no meaning', async () => {
        expect(await codeOf(idsOf('Model', { join: { resource: 'items', filter: {} } }))).toBe(
          'InvalidFilter',
        );
        expect(await codeOf(idsOf('Item', { join: { resource: 'items', filter: {} } }))).toBe(
          'InvalidFilter',
        );
      });
    });

    describe('order and pages', () => {
      beforeEach(() =>
        store.insert(
          'Item',
          Array.from({ length: 25 }, (_, index) =>
            item(`i${index}`, {
              metadata: { system: { size: index % 3 }, ...(index < 20 && { user: { x: index } }) },
            }),
          ),
        ),
      );

      it('is the order of insertion where none is asked for, also after changes', async () => {
        await store.update('Item', 'i3', (current) => ({ ...current, creator: 'z' }));
        await store.upsert('Item', [item('i1'), item('new')]);

        expect(await idsOf('Item', {})).toEqual([
          ...Array.from({ length: 25 }, (_, index) => `i${index}`),
          'new',
        ]);
      });

      it('sorts by several keys in their order, equal ones by insertion', async () => {
        const sort: Query['sort'] = [
          { field: 'metadata.system.size', direction: 'descending' },
          { field: 'filename', direction: 'ascending' },
        ];

        const ids = await idsOf('Item', { sort, filter: { 'metadata.user.x': { $lt: 8 } } });
        const bySize = await idsOf('Item', {
          sort: sort.slice(0, 1),
          filter: { 'metadata.user.x': { $lt: 8 } },
        });

        expect(ids).toEqual(['i2', 'i5', 'i1', 'i4', 'i7', 'i0', 'i3', 'i6']);
        expect(bySize).toEqual(['i2', 'i5', 'i1', 'i4', 'i7', 'i0', 'i3', 'i6']);
      });

      it.each<Query>([
        {},
        { sort: [{ field: 'metadata.system.size', direction: 'ascending' }] },
        { sort: [{ field: 'metadata.user.x', direction: 'descending' }] },
      ])('gives every match on exactly one page: %j', async (query) => {
        const seen: string[] = [];
        for (let page = 0; page < 5; page += 1) {
          const answer = await store.query('Item', { ...query, page, pageSize: 6 });
          seen.push(...answer.items.map(({ id }) => id));
          expect(answer).toMatchObject({ totalItemsCount: 25, totalPagesCount: 5, hasNextPage: page < 4 });
        }

        expect(new Set(seen).size).toBe(25);
        expect(seen).toEqual(await idsOf('Item', query));
      });

      it('is empty past the end, and tells the totals there too', async () => {
        expect(await store.query('Item', { page: 9, pageSize: 10 })).toEqual({
          items: [],
          totalItemsCount: 25,
          totalPagesCount: 3,
          hasNextPage: false,
        });
        expect(await store.query('Item', { filter: { id: 'none' } })).toEqual({
          items: [],
          totalItemsCount: 0,
          totalPagesCount: 0,
          hasNextPage: false,
        });
      });

      it.each<Query>([
        { page: -1 },
        { page: 0.5 },
        { page: Number.NaN },
        { pageSize: 0 },
        { pageSize: 10_001 },
        { sort: [{ field: '', direction: 'ascending' }] },
        { sort: [{ field: '$and', direction: 'ascending' }] },
        { sort: Array.from({ length: 17 }, () => ({ field: 'id', direction: 'ascending' as const })) },
      ])('refuses %j', async (query) => {
        expect(await codeOf(store.query('Item', query))).toBe('InvalidFilter');
      });
    });

    describe('hostile names', () => {
      const HOSTILE = [
        "x'; drop table items; --",
        'x"; drop table items; --',
        'x") or 1=1 --',
        '$."a"',
        'a[0]',
        "a' || (select 1) || '",
        '__proto__.polluted',
        'constructor',
        'x\u0000y',
        '\ud800',
        'a..b',
        'a'.repeat(513),
      ];

      it.each(HOSTILE)('%j as field, value or sort key finds nothing and changes nothing', async (text) => {
        await store.insert('Item', [item('i1')]);
        const queries: Query[] = [
          { filter: { [text]: 'x' } },
          { filter: { id: text } },
          { filter: { id: { $in: [text, `${text}2`] } } },
          { filter: { name: `${text}*` } },
          { filter: { name: { $glob: `*${text}` } } },
          { filter: { [text]: { $exists: true } } },
        ];

        for (const query of queries) expect(['InvalidFilter', 0]).toContain(await countOrCode(store, query));
        expect(['InvalidFilter', 1]).toContain(
          await countOrCode(store, { sort: [{ field: text, direction: 'descending' }] }),
        );
        expect(await store.get('Item', text)).toBeUndefined();
        expect(await store.delete('Item', [text])).toBe(0);

        expect(await idsOf('Item', {})).toEqual(['i1']);
      });
    });

    describe('the border of projects', () => {
      beforeEach(async () => {
        for (const p of ['1', '2']) {
          await store.insert('Project', [project(`p${p}`)]);
          await store.insert('Dataset', [dataset(`d${p}`, `p${p}`)]);
          await store.insert('Recipe', [recipe(`r${p}`, ['p9', `p${p}`])]);
          await store.insert('Ontology', [ontology(`o${p}`, [`p${p}`, 'p9'])]);
          await store.insert('Item', [item(`i${p}`, { datasetId: `d${p}` })]);
          await store.insert('Annotation', [annotation(`a${p}`, `i${p}`, { datasetId: `d${p}` })]);
          await store.insert('Model', [model(`m${p}`, `p${p}`)]);
          await store.insert('Snapshot', [snapshot(`s${p}`, `p${p}`, { modelId: `m${p}` })]);
          await store.insert('Execution', [execution(`e${p}`, `p${p}`)]);
          await store.insert('Trigger', [trigger(`t${p}`, `p${p}`)]);
          await store.insert('MetricSample', [sample(`x${p}`, `s${p}`)]);
          await store.insert('SnapshotRevision', [snapshotRevision(`v${p}`, `p${p}`)]);
        }
        await store.insert('Execution', [execution('nowhere', null)]);
      });

      it.each<[EntityKind, string]>([
        ['Project', 'p'],
        ['Dataset', 'd'],
        ['Recipe', 'r'],
        ['Ontology', 'o'],
        ['Item', 'i'],
        ['Annotation', 'a'],
        ['Model', 'm'],
        ['Snapshot', 's'],
        ['Execution', 'e'],
        ['Trigger', 't'],
        ['MetricSample', 'x'],
        ['SnapshotRevision', 'v'],
      ])('holds for %s', async (kind, letter) => {
        const filter = { $or: [{ id: { $exists: true } }] };

        expect(await idsOf(kind, { filter, scope: { projectIds: ['p2'] } })).toEqual([`${letter}2`]);
        expect(await idsOf(kind, { filter, scope: { projectIds: ['p2', 'p1'] } })).toEqual([
          `${letter}1`,
          `${letter}2`,
        ]);
        expect(await idsOf(kind, { filter, scope: { projectIds: [] } })).toEqual([]);
      });

      it('refuses a dataset as border of a kind that has none, rather than ignore it', async () => {
        expect(await codeOf(idsOf('Project', { scope: { datasetId: 'd1' } }))).toBe('InvalidFilter');
      });
    });

    describe('annotation counts', () => {
      it('follow the annotations there are, and touch only items that were wrong', async () => {
        await store.insert('Item', [
          item('i1'),
          item('i2'),
          item('i3', { annotated: true, annotationsCount: 4 }),
        ]);
        await store.insert('Annotation', [annotation('a1', 'i1'), annotation('a2', 'i1')]);

        await store.refreshAnnotationCounts(['i1', 'i2', 'i3', 'none']);

        expect(await store.getMany('Item', ['i1', 'i2', 'i3'])).toEqual([
          { entity: item('i1', { annotated: true, annotationsCount: 2 }), version: 2 },
          { entity: item('i2'), version: 1 },
          { entity: item('i3'), version: 2 },
        ]);
        expect(await itemsWhere({ annotated: true })).toEqual(['i1']);
      });
    });

    describe('logs of executions', () => {
      const line = (message: string) => ({
        timestamp: '2026-01-01T00:00:00.000Z',
        level: 'info' as const,
        message,
      });

      it('are read in order from any line on, by any handle, each execution its own', async () => {
        await store.appendLogs('e1', [line('one'), line('two')]);
        await again.appendLogs('e1', [line('three')]);
        await store.appendLogs('e2', [line('other')]);

        const lines = await again.readLogs('e1', { after: 0, limit: 2 });
        const rest = await store.readLogs('e1', { after: 2, limit: 10 });

        expect([...lines, ...rest]).toEqual([
          { ...line('one'), line: 1 },
          { ...line('two'), line: 2 },
          { ...line('three'), line: 3 },
        ]);
      });

      it('count the lines that were dropped before they came', async () => {
        await store.appendLogs('e1', [line('one')]);
        await store.appendLogs('e1', [line('eleven')], 9);

        expect((await store.readLogs('e1', { after: 0, limit: 10 })).map((each) => each.line)).toEqual([
          1, 11,
        ]);
      });

      it('land with their transaction or not at all, and go with their execution', async () => {
        await store.insert('Execution', [execution('e1', null)]);
        await store
          .transaction(async (inside) => {
            await inside.appendLogs('e1', [line('never')]);
            throw new Error('undone');
          })
          .catch(() => {});
        await store.appendLogs('e1', [line('one')]);
        expect(await store.readLogs('e1', { after: 0, limit: 10 })).toHaveLength(1);

        await store.delete('Execution', ['e1']);

        expect(await store.readLogs('e1', { after: 0, limit: 10 })).toEqual([]);
      });
    });

    describe('the outbox', () => {
      it('keeps events in their order until they are removed', async () => {
        await store.appendEvents([event('e1'), event('e2')]);
        await store.appendEvents([event('e3')]);
        const [first, ...rest] = await again.readEvents(10);

        await again.removeEvents([first!.sequence, 10_000]);
        await store.appendEvents([event('e4')]);

        expect(first!.event).toEqual(event('e1'));
        expect(Date.parse(first!.createdAt)).not.toBeNaN();
        expect((await store.readEvents(10)).map((entry) => entry.event.id)).toEqual(['e2', 'e3', 'e4']);
        expect(await store.readEvents(1)).toEqual(rest.slice(0, 1));
      });

      it('never gives a sequence twice, even when it was emptied', async () => {
        await store.appendEvents([event('e1')]);
        const [one] = await store.readEvents(1);
        await store.removeEvents([one!.sequence]);
        await store.appendEvents([event('e2')]);

        expect((await store.readEvents(1))[0]!.sequence).toBeGreaterThan(one!.sequence);
      });

      it('lets events leave with the change they tell of, or not at all', async () => {
        await expect(
          store.transaction(async (inside) => {
            await inside.insert('Item', [item('i1')]);
            await inside.appendEvents([event('e1')]);
            throw new RangeError('no');
          }),
        ).rejects.toBeInstanceOf(RangeError);

        expect(await store.readEvents(1)).toEqual([]);
        expect(await store.count('Item', {})).toBe(0);
      });
    });

    describe('transactions', () => {
      it('land whole, with what the work answers', async () => {
        const answer = await store.transaction(async (inside) => {
          await inside.insert('Item', [item('i1')]);
          await inside.transaction((nested) => nested.insert('Item', [item('i2')]));
          return inside.count('Item', {});
        });

        expect(answer).toBe(2);
        expect(await again.count('Item', {})).toBe(2);
      });

      it('keep others of the process out until their end: no reader sees half, no writer lands inside', async () => {
        const gate = Promise.withResolvers<void>();
        const begun = Promise.withResolvers<void>();
        const failing = store.transaction(async (inside) => {
          await inside.insert('Item', [item('inside')]);
          begun.resolve();
          await gate.promise;
          throw new RangeError('no');
        });
        await begun.promise;
        const seen = [store.ids('Item', {}), again.ids('Item', {})];
        const written = [store.insert('Item', [item('o1')]), again.insert('Item', [item('o2')])];
        gate.resolve();

        await expect(failing).rejects.toBeInstanceOf(RangeError);
        expect((await Promise.all(seen)).flat()).not.toContain('inside');
        await Promise.all(written);
        expect(new Set(await idsOf('Item', {}))).toEqual(new Set(['o1', 'o2']));
      });

      it('run one after the other: a hundred that read and then write lose nothing', async () => {
        await store.insert('Project', [project('p1', { org: 0 })]);
        await Promise.all(
          Array.from({ length: 100 }, (_, index) =>
            (index % 2 ? store : again).transaction(async (inside) => {
              const { org } = (await inside.get('Project', 'p1'))!;
              await inside.get('Item', 'none');
              await inside.upsert('Project', [project('p1', { org: Number(org) + 1 })]);
            }),
          ),
        );

        expect((await store.get('Project', 'p1'))!.org).toBe(100);
      });

      it('undo a write that failed and was caught, and keep the others', async () => {
        await store.transaction(async (inside) => {
          await inside.insert('Item', [item('i1')]);
          expect(await codeOf(inside.insert('Item', [item('i2'), item('i3', { filename: '/i1.jpg' })]))).toBe(
            'Conflict',
          );
          await inside.insert('Item', [item('i4')]);
        });

        expect(await idsOf('Item', {})).toEqual(['i1', 'i4']);
      });

      it('take in calls that their work makes on the store itself', async () => {
        const failing = store.transaction(async (inside) => {
          await inside.insert('Item', [item('i1')]);
          await store.insert('Item', [item('i2')]);
          await store.transaction((nested) => nested.insert('Item', [item('i3')]));
          expect(await store.count('Item', {})).toBe(3);
          throw new RangeError('no');
        });

        await expect(failing).rejects.toBeInstanceOf(RangeError);
        expect(await store.count('Item', {})).toBe(0);
      });

      it('cannot be used after their end', async () => {
        let leaked: EntityStore = store;
        await store.transaction(async (inside) => {
          leaked = inside;
        });

        expect(await codeOf(leaked.insert('Item', [item('late')]))).toBe('StoreClosed');
        expect(await store.count('Item', {})).toBe(0);
      });
    });

    describe('closing', () => {
      it('may be done twice, ends that handle alone, and waits for an open transaction', async () => {
        const begun = Promise.withResolvers<void>();
        const gate = Promise.withResolvers<void>();
        const landing = store.transaction(async (inside) => {
          begun.resolve();
          await gate.promise;
          await inside.insert('Item', [item('i1')]);
        });
        await begun.promise;
        const closing = store.close();
        gate.resolve();
        await Promise.all([landing, closing]);
        await store.close();

        expect(await codeOf(store.get('Item', 'i1'))).toBe('StoreClosed');
        expect(await again.count('Item', {})).toBe(1);
      });

      it('is refused from inside a transaction', async () => {
        expect(await codeOf(store.transaction((inside) => inside.close()))).toBe('StoreClosed');
        expect(await codeOf(store.transaction(() => store.close()))).toBe('StoreClosed');
        expect(await store.count('Item', {})).toBe(0);
      });
    });
  });
}

/** Code of the error a promise is rejected with; `none` when it is not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return isModelfnError(error) ? error.code : String(error);
  }
}

async function countOrCode(store: EntityStore, query: Query): Promise<number | string> {
  try {
    return await store.query('Item', query).then(({ totalItemsCount }) => totalItemsCount);
  } catch (error) {
    return isModelfnError(error) ? error.code : String(error);
  }
}
