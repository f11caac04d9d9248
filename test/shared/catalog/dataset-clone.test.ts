import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAnnotations } from '../../../shared/catalog/annotations.ts';
import { cloneDataset } from '../../../shared/catalog/dataset-clone.ts';
import { getDataset, setReadonly } from '../../../shared/catalog/datasets.ts';
import { addLabels, labelsOfDataset } from '../../../shared/catalog/labels.ts';
import { setPartition } from '../../../shared/catalog/partitions.ts';
import type { Item } from '../../../shared/entities/item.ts';
import { openWorkspace, pathsOf, put, STRANGER, type Workspace } from '../../support/workspace.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.platform.close());

async function clone(input: object): Promise<Workspace> {
  const { platform, actor, dataset } = workspace;
  const { spec } = await cloneDataset(platform, actor, dataset.id, { name: 'copy', ...input });
  return { ...workspace, dataset: await getDataset(platform, actor, spec.returnedModelId as string) };
}

async function filesOf({ platform, dataset }: Workspace): Promise<Item[]> {
  return (await platform.store.query('Item', { filter: { type: 'file' }, scope: { datasetId: dataset.id } }))
    .items;
}

describe('a clone of a dataset', () => {
  it('has the same files, metadata, annotations and labels, in items of its own', async () => {
    const { platform, actor, dataset } = workspace;
    const item = await put(workspace, '/f/a.txt');
    await put(workspace, '/b.txt');
    await createAnnotations(platform, actor, item.id, [{ type: 'class', label: 'cat' }]);
    await addLabels(platform, actor, dataset.id, ['cat']);
    await setPartition(platform, actor, dataset.id, {}, 'train');
    await setReadonly(platform, actor, dataset.id, true);

    const copy = await clone({});

    const [first] = await filesOf(copy);
    expect(copy.dataset).toMatchObject({ name: 'copy', readonly: false, itemsCount: 2, annotated: 1 });
    expect(await pathsOf(copy)).toEqual(['/b.txt', '/f', '/f/a.txt']);
    expect(first).toMatchObject({
      filename: '/f/a.txt',
      annotationsCount: 1,
      metadata: { system: { snapshotPartition: 'train', mimetype: 'text/plain' } },
    });
    expect(first!.id).not.toBe(item.id);
    expect(await labelsOfDataset(platform, copy.dataset)).toEqual(['cat']);
  });

  it('takes what the filter selects, and leaves out what is switched off', async () => {
    const { platform, actor, dataset } = workspace;
    const item = await put(workspace, '/f/a.txt');
    await put(workspace, '/g/b.txt');
    await createAnnotations(platform, actor, item.id, [{ type: 'class', label: 'cat' }]);
    await setPartition(platform, actor, dataset.id, {}, 'train');

    const copy = await clone({
      filter: { filter: { $and: [{ hidden: false }, { type: 'file' }, { dir: '/f' }] }, resource: 'items' },
      cloneDatasetParams: {
        withItemsAnnotations: false,
        withMetadata: false,
        withTaskAnnotationsStatus: true,
      },
    });

    const files = await filesOf(copy);
    expect(files.map(({ filename }) => filename)).toEqual(['/f/a.txt']);
    expect(files[0]).toMatchObject({ annotated: false, annotationsCount: 0 });
    expect(files[0]!.metadata).toEqual({
      system: { originalname: 'a.txt', mimetype: 'text/plain', encoding: '7bit', size: 8 },
    });
  });

  it('by a taken name is a 424 with the words of the platform, and copies nothing', async () => {
    await put(workspace, '/a.txt');

    await expect(clone({ name: 'd1' })).rejects.toMatchObject({
      code: 'Conflict',
      statusCode: 424,
      message: expect.stringContaining('Dataset with same name already exist in the specified project'),
    });
    expect(await workspace.platform.store.count('Item', {})).toBe(1);
  });

  it('whose filter cannot be read makes no dataset', async () => {
    await expect(clone({ filter: { filter: { $bad: 1 } } })).rejects.toMatchObject({ code: 'InvalidFilter' });
    expect(await workspace.platform.store.count('Dataset', {})).toBe(1);
  });

  it('is not made for a stranger', async () => {
    const { platform, dataset } = workspace;

    await expect(cloneDataset(platform, STRANGER, dataset.id, { name: 'mine' })).rejects.toMatchObject({
      code: 'EntityNotFound',
    });
  });
});
