import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Actor, LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createDataset } from '../../../shared/catalog/datasets.ts';
import { createModel } from '../../../shared/catalog/models.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { createSnapshot, updateSnapshot } from '../../../shared/catalog/snapshots.ts';
import type { Json } from '../../../shared/json.ts';
import { EntityCache } from '../../../shared/resolve/entity-cache.ts';
import type { ReferenceKind } from '../../../shared/resolve/reference.ts';
import { Resolver } from '../../../shared/resolve/resolver.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

describe('resolving references', () => {
  let space: TinyWorkspace;

  beforeEach(async () => {
    space = await openTinyWorkspace();
  });
  afterEach(() => space.platform.close());

  const cache = new EntityCache();
  const one = async (
    kind: ReferenceKind,
    value: Json,
    options: { actor?: Actor; projectId?: string } = {},
  ) => {
    const resolver = new Resolver({ store: space.platform.store, cache, actor: LOCAL_ACTOR, ...options });
    const { entities } = await resolver.resolve([{ kind, value, field: 'it', many: false }]);
    return entities[0]![0]!;
  };

  it('finds an entity by id and by name', async () => {
    const { snapshot } = space;

    expect(await one('Snapshot', snapshot.id)).toEqual(snapshot);
    expect(await one('Snapshot', { name: 'first' })).toEqual(snapshot);
    expect(await one('Snapshot', { name: 'first', model: { name: 'tiny' } })).toEqual(snapshot);
    expect(await one('Item', { filename: '/test/4.json', dataset: { name: 'numbers' } })).toMatchObject({
      name: '4.json',
    });
  });

  it('reads a name with a star as a name, not as a pattern', async () => {
    await expect(one('Snapshot', { name: 'fir*' })).rejects.toMatchObject({ code: 'EntityNotFound' });
  });

  it('names field, reference and what there is when a name is unknown', async () => {
    await expect(one('Snapshot', { name: 'frist', project: space.project.id })).rejects.toMatchObject({
      code: 'EntityNotFound',
      statusCode: 404,
      message: expect.stringMatching(/it: No Snapshot named "frist".*first/),
    });
  });

  it('advises to write a name when a text is no id', async () => {
    await expect(one('Snapshot', 'first')).rejects.toMatchObject({
      code: 'EntityNotFound',
      message: expect.stringContaining('{"name": "first"}'),
    });
  });

  it('refuses a name that fits two entities and lists their ids', async () => {
    const { platform, project, dataset } = space;
    const other = await createModel(platform, LOCAL_ACTOR, { name: 'other', projectId: project.id });
    const twin = await createSnapshot(platform, LOCAL_ACTOR, {
      name: 'first',
      projectId: project.id,
      modelId: other.id,
      datasetId: dataset.id,
    });

    await expect(one('Snapshot', { name: 'first' })).rejects.toMatchObject({
      code: 'AmbiguousReference',
      statusCode: 409,
      details: { found: expect.arrayContaining([twin.id, space.snapshot.id]) },
    });
  });

  it('finds the same name in the project of the call', async () => {
    const { platform } = space;
    const project = await createProject(platform, LOCAL_ACTOR, { name: 'elsewhere' });
    const there = await createDataset(platform, LOCAL_ACTOR, { name: 'numbers', projects: [project.id] });

    expect(await one('Dataset', { name: 'numbers' }, { projectId: project.id })).toMatchObject({
      id: there.id,
    });
    expect(await one('Dataset', { name: 'numbers' }, { projectId: space.project.id })).toMatchObject({
      id: space.dataset.id,
    });
  });

  it('gives no sign of an entity in a project that the actor is not in', async () => {
    const stranger: Actor = { email: 'stranger@example.org', projectIds: ['another'] };

    await expect(one('Snapshot', space.snapshot.id, { actor: stranger })).rejects.toMatchObject({
      code: 'EntityNotFound',
    });
    await expect(one('Snapshot', { name: 'first' }, { actor: stranger })).rejects.toMatchObject({
      code: 'EntityNotFound',
      details: { known: [] },
    });
  });

  it('refuses entities of two projects in one call', async () => {
    const { platform, snapshot } = space;
    const project = await createProject(platform, LOCAL_ACTOR, { name: 'elsewhere' });
    const foreign = await createDataset(platform, LOCAL_ACTOR, { name: 'd', projects: [project.id] });
    const resolver = new Resolver({ store: platform.store, cache, actor: LOCAL_ACTOR });

    await expect(
      resolver.resolve([
        { kind: 'Snapshot', value: snapshot.id, field: 'snapshot', many: false },
        { kind: 'Dataset', value: foreign.id, field: 'dataset', many: false },
      ]),
    ).rejects.toMatchObject({
      code: 'EntityOutsideProject',
      statusCode: 403,
      details: { field: 'snapshot' },
    });
  });

  it('selects items of a dataset by filter, folders left out, in order of filename', async () => {
    const resolver = new Resolver({ store: space.platform.store, cache, actor: LOCAL_ACTOR });
    const value = { dataset: space.dataset.id, filter: { 'metadata.system.snapshotPartition': 'test' } };

    const { entities, projectId } = await resolver.resolve([
      { kind: 'Item', value, field: 'items', many: true },
    ]);

    expect(entities[0]!.map((item) => (item as { filename: string }).filename)).toEqual([
      '/test/0.json',
      '/test/10.json',
      '/test/14.json',
      '/test/4.json',
    ]);
    expect(projectId).toBe(space.project.id);
  });

  it('takes the items of a dataset page by page, each once, and nothing behind the last page', async () => {
    const resolver = new Resolver({ store: space.platform.store, cache, actor: LOCAL_ACTOR });
    const page = async (number: number, pageSize = 4) => {
      const value = { dataset: space.dataset.id, page: number, pageSize };
      const { entities } = await resolver.resolve([{ kind: 'Item', value, field: 'items', many: true }]);
      return entities[0]!.map(({ id }) => id);
    };

    const pages = [await page(0), await page(1), await page(2)];

    expect(pages.map((ids) => ids.length)).toEqual([4, 4, 2]);
    expect(pages.flat()).toEqual([...pages.flat()].sort());
    expect(new Set(pages.flat())).toEqual(new Set([...space.items.values()].map(({ id }) => id)));
    expect(await page(3)).toEqual([]);
    await expect(page(-1)).rejects.toMatchObject({ code: 'InvalidInput' });
    await expect(page(0, 0)).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it('hands out the same frozen entity until it changes, and then the new one', async () => {
    const { platform, snapshot } = space;
    const before = await one('Snapshot', snapshot.id);
    expect(await one('Snapshot', snapshot.id)).toBe(before);
    expect(Object.isFrozen(before)).toBe(true);

    await updateSnapshot(platform, LOCAL_ACTOR, snapshot.id, { description: 'changed' });

    expect(await one('Snapshot', snapshot.id)).toMatchObject({ description: 'changed' });
  });

  it('reads references of one kind at once, whatever their number', async () => {
    const ids = [...space.items.values()].map(({ id }) => id);
    const resolver = new Resolver({
      store: space.platform.store,
      cache: new EntityCache(),
      actor: LOCAL_ACTOR,
    });

    const { entities } = await resolver.resolve([{ kind: 'Item', value: ids, field: 'items', many: true }]);

    expect(entities[0]!.map(({ id }) => id)).toEqual(ids);
  });
});
