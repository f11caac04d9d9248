import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAnnotations } from '../../../shared/catalog/annotations.ts';
import { createDataset } from '../../../shared/catalog/datasets.ts';
import { makeDir } from '../../../shared/catalog/folders.ts';
import { cloneItem } from '../../../shared/catalog/item-clone.ts';
import { deleteItem, getItem, moveItems, updateItem } from '../../../shared/catalog/items.ts';
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

describe('an update of an item', () => {
  const update = (id: string, patch: JsonObject, system = false) =>
    updateItem(workspace.platform, workspace.actor, id, patch, { system });

  it('merges objects, replaces lists, and removes what is null', async () => {
    const item = await put(workspace, '/a.txt');
    await update(item.id, { metadata: { user: { a: { b: 1, c: 2 }, list: [1, 2] } } });

    const { metadata } = await update(item.id, { metadata: { user: { a: { b: null, d: 3 }, list: [9] } } });

    expect(metadata.user).toEqual({ a: { c: 2, d: 3 }, list: [9] });
  });

  it('leaves metadata.system alone without the right, with 2xx, and changes it with', async () => {
    const item = await put(workspace, '/a.txt');
    const patch = { metadata: { system: { snapshotPartition: 'train', size: null } } };

    expect((await update(item.id, patch)).metadata).toEqual(item.metadata);

    const { metadata } = await update(item.id, patch, true);
    expect(metadata.system).toMatchObject({ snapshotPartition: 'train' });
    expect(metadata.system).not.toHaveProperty('size');
  });

  it('never leaves metadata or its system null', async () => {
    const item = await put(workspace, '/a.txt');

    expect((await update(item.id, { metadata: null }, true)).metadata).toEqual(item.metadata);
    expect((await update(item.id, { metadata: { system: null } }, true)).metadata).toEqual({ system: {} });
    expect((await update(item.id, { metadata: { system: 'x' } }, true)).metadata).toEqual({ system: {} });
  });

  it('ignores ids, counts, contents and unknown keys', async () => {
    const item = await put(workspace, '/a.txt');

    const updated = await update(item.id, {
      id: 'x',
      datasetId: 'y',
      annotated: true,
      creator: null,
      content: { sha256: 'f'.repeat(64), sizeBytes: 1 },
      createdAt: null,
      spec: null,
      somethingNew: 1,
    });

    expect(updated).toEqual(item);
    expect(await takeEvents(workspace.platform)).toHaveLength(1);
  });

  it('of the filename moves it, makes the folders, and tells once', async () => {
    const item = await put(workspace, '/a.txt');
    await takeEvents(workspace.platform);

    const moved = await update(item.id, { filename: '/new/dir/b.txt' });

    expect(moved).toMatchObject({ id: item.id, name: 'b.txt', dir: '/new/dir', filename: '/new/dir/b.txt' });
    expect(await pathsOf(workspace)).toEqual(['/new', '/new/dir', '/new/dir/b.txt']);
    expect(eventNames(await takeEvents(workspace.platform))).toEqual(['Item Updated']);
  });

  it('to a path that is taken or hostile changes nothing', async () => {
    const item = await put(workspace, '/a.txt');
    await put(workspace, '/b.txt');

    await expect(update(item.id, { filename: '/b.txt' })).rejects.toMatchObject({
      code: 'Conflict',
      name: 'PathTaken',
    });
    await expect(update(item.id, { filename: '/x/../b' })).rejects.toMatchObject({ code: 'InvalidItemPath' });
    await expect(update(item.id, { filename: '/b.txt/c' })).rejects.toMatchObject({ code: 'Conflict' });
    expect(await pathsOf(workspace)).toEqual(['/a.txt', '/b.txt']);
  });

  it('of a folder takes along all in it, and not its sibling with a longer name', async () => {
    await put(workspace, '/v1/x/1.txt');
    await put(workspace, '/v10/2.txt');
    const folder = await makeDir(workspace.platform, workspace.actor, workspace.dataset.id, '/v1');

    await update(folder.id, { filename: '/kept/v2' });

    expect(await pathsOf(workspace)).toEqual([
      '/kept',
      '/kept/v2',
      '/kept/v2/x',
      '/kept/v2/x/1.txt',
      '/v10',
      '/v10/2.txt',
    ]);
    const { items } = await workspace.platform.store.query('Item', { filter: { name: '1.txt' } });
    expect(items[0]!.dir).toBe('/kept/v2/x');
  });

  it('does not put a folder into itself', async () => {
    await put(workspace, '/v1/1.txt');
    const folder = await makeDir(workspace.platform, workspace.actor, workspace.dataset.id, '/v1');

    await expect(update(folder.id, { filename: '/v1/v2' })).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});

describe('deleting and moving', () => {
  it('a hidden file goes without a word', async () => {
    const { platform, actor } = workspace;
    const item = await put(workspace, '/a.txt');
    await updateItem(platform, actor, item.id, { hidden: true });
    await takeEvents(platform);

    await deleteItem(platform, actor, item.id);

    expect(await takeEvents(platform)).toEqual([]);
  });

  it('a folder goes with all in it, annotations too, and each file tells of itself', async () => {
    const { platform, actor, dataset } = workspace;
    const item = await put(workspace, '/v1/x/1.txt');
    await put(workspace, '/v10/2.txt');
    await createAnnotations(platform, actor, item.id, [{ type: 'class', label: 'cat' }]);
    const folder = await makeDir(platform, actor, dataset.id, '/v1');
    await takeEvents(platform);

    await deleteItem(platform, actor, folder.id);

    const events = await takeEvents(platform);
    expect(await pathsOf(workspace)).toEqual(['/v10', '/v10/2.txt']);
    expect(await platform.store.count('Annotation', {})).toBe(0);
    expect(eventNames(events)).toEqual(['Item Deleted']);
    expect(events[0]).toMatchObject({ resourceId: item.id, body: { filename: '/v1/x/1.txt' } });
    expect(events[0]!.body).not.toHaveProperty('content');
  });

  it('moving many into a folder is all or none', async () => {
    const { platform, actor, dataset } = workspace;
    const [a, b] = [await put(workspace, '/x/a.txt'), await put(workspace, '/y/a.txt')];
    const folder = await makeDir(platform, actor, dataset.id, '/to');

    await expect(moveItems(platform, actor, dataset.id, folder.id, [a.id, b.id])).rejects.toMatchObject({
      code: 'Conflict',
    });
    expect((await getItem(platform, actor, a.id)).filename).toBe('/x/a.txt');

    await moveItems(platform, actor, dataset.id, folder.id, [a.id]);
    await moveItems(platform, actor, dataset.id, dataset.id, [b.id]);
    expect((await getItem(platform, actor, a.id)).filename).toBe('/to/a.txt');
    expect((await getItem(platform, actor, b.id)).filename).toBe('/a.txt');
  });

  it('refuses a file as target, and items of another dataset', async () => {
    const { platform, actor, dataset, project } = workspace;
    const item = await put(workspace, '/a.txt');
    const other = await createDataset(platform, actor, { name: 'd2', projects: [project.id] });
    const foreign = await put({ ...workspace, dataset: other }, '/b.txt');

    await expect(moveItems(platform, actor, dataset.id, item.id, [])).rejects.toMatchObject({
      code: 'InvalidInput',
    });
    await expect(moveItems(platform, actor, dataset.id, dataset.id, [foreign.id])).rejects.toMatchObject({
      code: 'InvalidInput',
    });
  });
});

describe('a clone of an item', () => {
  it('has bytes, metadata and annotations of its own', async () => {
    const { platform, actor, dataset, project } = workspace;
    const item = await put(workspace, '/a.txt', 'hello');
    const [parent] = await createAnnotations(platform, actor, item.id, [{ type: 'class', label: 'cat' }]);
    await createAnnotations(platform, actor, item.id, [
      { type: 'class', label: 'tail', metadata: { system: { parentId: parent!.id } } },
    ]);
    const target = await createDataset(platform, actor, { name: 'd2', projects: [project.id] });

    const { spec, status } = await cloneItem(platform, actor, item.id, {
      targetDatasetId: target.id,
      remoteFileName: '/copies/b.txt',
    });

    const [id] = spec.returnedModelId as string[];
    const clone = await getItem(platform, actor, id!);
    const copies = await platform.store.query('Annotation', { filter: { itemId: id! } });
    expect(status).toBe('success');
    expect(clone).toMatchObject({ datasetId: target.id, filename: '/copies/b.txt', annotationsCount: 2 });
    expect(clone.content).toEqual(item.content);
    expect(copies.items[1]!.metadata.system).toEqual({ parentId: copies.items[0]!.id });
    await deleteItem(platform, actor, id!);
    expect(await getItem(platform, actor, item.id)).toMatchObject({
      annotationsCount: 2,
      datasetId: dataset.id,
    });
  });

  it('at a taken path is refused, or numbered with allowMany', async () => {
    const { platform, actor } = workspace;
    const item = await put(workspace, '/f.d/a.tar.gz');

    await expect(cloneItem(platform, actor, item.id, {})).rejects.toMatchObject({ code: 'Conflict' });
    await cloneItem(platform, actor, item.id, { allowMany: true });
    await cloneItem(platform, actor, item.id, { allowMany: true, cloneDatasetParams: null });

    expect(await pathsOf(workspace)).toContain('/f.d/a.tar (1).gz');
    expect(await pathsOf(workspace)).toContain('/f.d/a.tar (2).gz');
  });
});

describe('items of others', () => {
  it('a stranger reads, changes, deletes and clones nothing', async () => {
    const { platform } = workspace;
    const { id } = await put(workspace, '/a.txt');

    for (const attempt of [
      () => getItem(platform, STRANGER, id),
      () => updateItem(platform, STRANGER, id, { filename: '/mine' }),
      () => deleteItem(platform, STRANGER, id),
      () => cloneItem(platform, STRANGER, id, { allowMany: true }),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'EntityNotFound', statusCode: 404 });
  });

  it.each(['nope', '', '0', 'g'.repeat(24), '../..', `${'0'.repeat(24)} `])(
    'the malformed id %j is a 400, a missing one a 404',
    async (id) => {
      const { platform, actor } = workspace;

      await expect(getItem(platform, actor, id)).rejects.toMatchObject({ statusCode: 400 });
      await expect(getItem(platform, actor, '0'.repeat(24))).rejects.toMatchObject({ statusCode: 404 });
    },
  );
});
