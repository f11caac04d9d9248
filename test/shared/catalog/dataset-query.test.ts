import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAnnotations } from '../../../shared/catalog/annotations.ts';
import { queryDataset } from '../../../shared/catalog/dataset-query.ts';
import { createDataset, setReadonly } from '../../../shared/catalog/datasets.ts';
import { getItem } from '../../../shared/catalog/items.ts';
import type { Item } from '../../../shared/entities/item.ts';
import type { JsonObject } from '../../../shared/json.ts';
import {
  eventNames,
  openWorkspace,
  pathsOf,
  put,
  STRANGER,
  takeEvents,
  type Workspace,
} from '../../support/workspace.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.platform.close());

const ask = (envelope: JsonObject) =>
  queryDataset(workspace.platform, workspace.actor, workspace.dataset.id, envelope);

async function names(filter: JsonObject): Promise<string[]> {
  const answer = await ask({ filter, resource: 'items' });
  return answer.kind === 'items' ? answer.page.items.map(({ filename }) => filename).sort() : [];
}

const files: JsonObject[] = [{ hidden: false }, { type: 'file' }];

describe('a query of a dataset', () => {
  it('stays within the dataset, and a page past the end is empty', async () => {
    const { platform, actor, project } = workspace;
    await put(workspace, '/a.txt');
    const other = await createDataset(platform, actor, { name: 'd2', projects: [project.id] });
    await put({ ...workspace, dataset: other }, '/b.txt');

    expect(await names({ $and: files })).toEqual(['/a.txt']);
    expect(await names({ $or: [{ datasetId: other.id }, { type: 'file' }] })).toEqual(['/a.txt']);
    expect(await ask({ filter: {}, page: 1, pageSize: 100 })).toEqual({
      kind: 'items',
      page: { items: [], totalItemsCount: 1, totalPagesCount: 1, hasNextPage: false },
    });
  });

  it('reads the prefix of an item bucket as its folder: the sibling with a longer name is not touched', async () => {
    await put(workspace, '/s/v1/a');
    await put(workspace, '/s/v1/sub/b');
    await put(workspace, '/s/v10/c');

    expect(await names({ $and: [...files, { dir: '/s/v1*' }] })).toEqual(['/s/v1/a', '/s/v1/sub/b']);
    await ask({ filter: { $and: [...files, { dir: '/s/v1*' }] }, resource: 'items', delete: true });

    expect(await pathsOf(workspace)).toContain('/s/v10/c');
    expect(await names({ $and: [...files] })).toEqual(['/s/v10/c']);
  });

  it('without a folder of that name, the prefix is a plain wildcard', async () => {
    await put(workspace, '/s/v10/c');

    expect(await names({ dir: '/s/v1*', type: 'file' })).toEqual(['/s/v10/c']);
  });

  it('deletes every match whatever the page, with annotations, and tells of each', async () => {
    const { platform, actor } = workspace;
    for (const name of ['a', 'b', 'c']) {
      const { id } = await put(workspace, `/x/${name}`);
      await createAnnotations(platform, actor, id, [{ type: 'class', label: name }]);
    }
    await put(workspace, '/y/d');
    await takeEvents(platform);

    const answer = await ask({ filter: { dir: '/x' }, resource: 'items', delete: true, pageSize: 1 });

    expect(answer).toEqual({ kind: 'deleted', count: 3 });
    expect(await platform.store.count('Annotation', {})).toBe(0);
    expect(await pathsOf(workspace)).toEqual(['/x', '/y', '/y/d']);
    expect(eventNames(await takeEvents(platform))).toEqual(Array(3).fill('Item Deleted'));
  });

  it('updates every match, system metadata only with systemSpace', async () => {
    const { platform, actor } = workspace;
    const items = [await put(workspace, '/a'), await put(workspace, '/b')];
    await takeEvents(platform);
    const update = { metadata: { user: { k: 1 }, system: { snapshotPartition: 'train' } } };

    expect(await ask({ filter: { $and: files }, update })).toEqual({ kind: 'updated', count: 2 });
    const gated = await getItem(platform, actor, items[0]!.id);
    await ask({ filter: { $and: files }, update, systemSpace: true });
    const open = await getItem(platform, actor, items[1]!.id);

    expect(gated.metadata).toEqual({ ...items[0]!.metadata, user: { k: 1 } });
    expect(open.metadata.system).toMatchObject({ snapshotPartition: 'train', size: 2 });
    expect(eventNames(await takeEvents(platform))).toEqual(Array(4).fill('Item Updated'));
  });

  it("deletes a snapshot's predictions from an item and nothing else", async () => {
    const { platform, actor } = workspace;
    const { id } = await put(workspace, '/a');
    const prediction = { user: { model: { name: 'm-s' } } };
    await createAnnotations(platform, actor, id, [
      { type: 'class', label: 'x', metadata: prediction },
      { type: 'class', label: 'x' },
    ]);

    const answer = await ask({
      resource: 'annotations',
      delete: true,
      filter: { $and: [{ type: 'class' }, { 'metadata.user.model.name': 'm-s' }, { itemId: id }] },
      page: 0,
      pageSize: 1000,
    });

    expect(answer).toEqual({ kind: 'deleted', count: 1 });
    expect(await getItem(platform, actor, id)).toMatchObject({ annotated: true, annotationsCount: 1 });
  });

  it('finds annotations by the field the client deletes them by', async () => {
    const { platform, actor } = workspace;
    const { id } = await put(workspace, '/a');
    const [first] = await createAnnotations(platform, actor, id, [
      { type: 'class', label: 'x' },
      { type: 'class', label: 'y' },
    ]);

    await ask({ resource: 'annotations', delete: true, filter: { annotationId: { $in: [first!.id] } } });

    expect(await getItem(platform, actor, id)).toMatchObject({ annotationsCount: 1 });
  });

  it('changes nothing in a locked dataset, and answers questions still', async () => {
    const { platform, actor, dataset } = workspace;
    const item: Item = await put(workspace, '/a');
    await setReadonly(platform, actor, dataset.id, true);

    await expect(ask({ filter: {}, delete: true })).rejects.toMatchObject({ code: 'DatasetReadonly' });
    await expect(ask({ filter: {}, update: { metadata: {} } })).rejects.toMatchObject({
      code: 'DatasetReadonly',
    });
    expect(await names({})).toEqual([item.filename]);
  });

  it('refuses other resources, broken filters, and strangers', async () => {
    const { platform, dataset } = workspace;

    await expect(ask({ resource: 'snapshots' })).rejects.toMatchObject({ code: 'InvalidInput' });
    await expect(ask({ filter: { $where: 'x' } })).rejects.toMatchObject({ code: 'InvalidFilter' });
    await expect(queryDataset(platform, STRANGER, dataset.id, {})).rejects.toMatchObject({
      code: 'EntityNotFound',
    });
  });
});
