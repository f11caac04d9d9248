import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAnnotations } from '../../../shared/catalog/annotations.ts';
import {
  binariesDataset,
  createDataset,
  deleteDataset,
  getDataset,
  listDatasets,
  setReadonly,
  updateDataset,
} from '../../../shared/catalog/datasets.ts';
import { directoryTree } from '../../../shared/catalog/directory-tree.ts';
import { makeDir } from '../../../shared/catalog/folders.ts';
import { uploadItem } from '../../../shared/catalog/item-upload.ts';
import { updateItem } from '../../../shared/catalog/items.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import {
  eventNames,
  openWorkspace,
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

describe('datasets', () => {
  it('a new dataset has a default recipe with one empty ontology, both in the project', async () => {
    const { platform, project, dataset } = workspace;
    const [recipeId] = (dataset.metadata.system as { recipes: string[] }).recipes;

    const recipe = await platform.store.get('Recipe', recipeId!);
    const ontology = await platform.store.get('Ontology', recipe!.ontologyIds[0]!);

    expect(recipe?.projectIds).toEqual([project.id]);
    expect(ontology).toMatchObject({ roots: [], metadata: { system: { projectIds: [project.id] } } });
  });

  it('without createDefaultRecipe there is none, and metadata.system is still an object', async () => {
    const { platform, actor, project } = workspace;

    const bare = await createDataset(platform, actor, {
      name: 'bare',
      projects: [project.id],
      createDefaultRecipe: false,
    });

    expect(bare.metadata).toEqual({ system: {} });
    expect(await platform.store.count('Recipe', {})).toBe(1);
  });

  it('a taken name is a 400, and leaves no recipe behind', async () => {
    const { platform, actor, project } = workspace;

    await expect(
      createDataset(platform, actor, { name: 'd1', projects: [project.id] }),
    ).rejects.toMatchObject({ code: 'Conflict', statusCode: 400 });
    expect(await platform.store.count('Recipe', {})).toBe(1);
  });

  it('the same name is free in another project', async () => {
    const { platform, actor } = workspace;
    const other = await createProject(platform, actor, { name: 'p2' });

    const made = await createDataset(platform, actor, { name: 'd1', projects: [other.id] });

    expect(await listDatasets(platform, actor, { projectId: other.id })).toEqual([made]);
    expect(await listDatasets(platform, actor, { name: 'd1' })).toHaveLength(2);
  });

  it('counts files that people see, and those with annotations', async () => {
    const { platform, actor, dataset } = workspace;
    const annotated = await put(workspace, '/f/a.txt');
    const hidden = await put(workspace, '/f/b.txt');
    await put(workspace, '/f/c.txt');
    await updateItem(platform, actor, hidden.id, { hidden: true });
    await createAnnotations(platform, actor, annotated.id, [{ type: 'class', label: 'x' }]);

    expect(await getDataset(platform, actor, dataset.id)).toMatchObject({ itemsCount: 2, annotated: 1 });
  });

  it('a locked dataset refuses uploads, folders, renames and updates until it is unlocked', async () => {
    const { platform, actor, dataset } = workspace;
    await setReadonly(platform, actor, dataset.id, true);

    const source = new Uint8Array([1]);
    for (const attempt of [
      () => uploadItem(platform, actor, { datasetId: dataset.id, path: '/a', source, mode: 'skip' }),
      () => makeDir(platform, actor, dataset.id, '/a'),
      () => updateDataset(platform, actor, dataset.id, { name: 'other' }),
      () => updateDataset(platform, actor, dataset.id, { ...dataset, readonly: false }),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'DatasetReadonly', statusCode: 403 });

    await setReadonly(platform, actor, dataset.id, false);
    expect((await put(workspace, '/a.txt')).filename).toBe('/a.txt');
  });

  it('an upload that began before the lock does not land after it', async () => {
    const { platform, actor, dataset } = workspace;
    async function* lockedMeanwhile(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array([1]);
      await setReadonly(platform, actor, dataset.id, true);
      yield new Uint8Array([2]);
    }

    await expect(
      uploadItem(platform, actor, {
        datasetId: dataset.id,
        path: '/late.bin',
        source: lockedMeanwhile(),
        mode: 'skip',
      }),
    ).rejects.toMatchObject({ code: 'DatasetReadonly' });
    expect(await platform.store.count('Item', {})).toBe(0);
  });

  it('metadata.system changes only for a caller that says so; the rest merges', async () => {
    const { platform, actor, dataset } = workspace;
    const patch = { metadata: { system: { scope: 'x' }, user: { a: 1 } } };

    const gated = await updateDataset(platform, actor, dataset.id, patch);
    const open = await updateDataset(platform, actor, dataset.id, patch, { system: true });

    expect(gated.metadata).toEqual({ ...dataset.metadata, user: { a: 1 } });
    expect(open.metadata.system).toEqual({ ...(dataset.metadata.system as object), scope: 'x' });
  });

  it('a null for metadata.system does not make it anything but an object', async () => {
    const { platform, actor, dataset } = workspace;

    const updated = await updateDataset(
      platform,
      actor,
      dataset.id,
      { metadata: { system: null }, name: null },
      { system: true },
    );

    expect(updated.metadata.system).toEqual({});
    expect(updated.name).toBe('d1');
  });

  it('the Binaries dataset is made once, however many ask at once, and tells nobody', async () => {
    const { platform, actor, project } = workspace;

    const asked = await Promise.all(
      Array.from({ length: 8 }, () => binariesDataset(platform, actor, project.id)),
    );

    expect(new Set(asked.map(({ id }) => id)).size).toBe(1);
    expect(asked[0]!.metadata).toMatchObject({ system: { scope: 'system' } });
    expect(await takeEvents(platform)).toEqual([]);
  });

  it('files of the Binaries dataset make no events', async () => {
    const { platform, actor, project } = workspace;
    const binaries = await binariesDataset(platform, actor, project.id);

    await put({ ...workspace, dataset: binaries }, '/artifacts/w.bin');

    expect(await takeEvents(platform)).toEqual([]);
  });

  it('create, update, lock and delete each tell of themselves once', async () => {
    const { platform, actor, project } = workspace;
    const made = await createDataset(platform, actor, { name: 'd2', projects: [project.id] });
    await updateDataset(platform, actor, made.id, { name: 'd3' });
    await setReadonly(platform, actor, made.id, true);
    await setReadonly(platform, actor, made.id, true);
    await deleteDataset(platform, actor, made.id);

    const events = await takeEvents(platform);

    expect(eventNames(events)).toEqual([
      'Dataset Created',
      'Dataset Updated',
      'Dataset Updated',
      'Dataset Deleted',
    ]);
    expect(events[0]).toMatchObject({
      resourceId: made.id,
      datasetId: made.id,
      projectId: project.id,
      userId: actor.email,
    });
    expect(new Set(events.map(({ id }) => id)).size).toBe(4);
  });

  it('the tree has every folder below its parent, and an item id at each', async () => {
    const { platform, actor, dataset } = workspace;
    await put(workspace, '/b/c/x.txt');
    await put(workspace, '/a/y.txt');
    await put(workspace, '/b-2/z.txt');

    const tree = await directoryTree(platform, actor, dataset.id);

    expect(tree.value).toMatchObject({ filename: '/', dir: '/' });
    expect(tree.children.map(({ value }) => value.filename)).toEqual(['/a', '/b', '/b-2']);
    expect(tree.children[1]!.children[0]!.value).toMatchObject({ filename: '/b/c', name: 'c', dir: '/b' });
  });

  it('a stranger neither sees a dataset nor makes one in a foreign project', async () => {
    const { platform, project, dataset } = workspace;

    expect(await listDatasets(platform, STRANGER, { projectId: project.id })).toEqual([]);
    expect(await listDatasets(platform, STRANGER)).toEqual([]);
    for (const attempt of [
      () => createDataset(platform, STRANGER, { name: 'x', projects: [project.id] }),
      () => getDataset(platform, STRANGER, dataset.id),
      () => deleteDataset(platform, STRANGER, dataset.id),
      () => setReadonly(platform, STRANGER, dataset.id, true),
      () => directoryTree(platform, STRANGER, dataset.id),
      () => binariesDataset(platform, STRANGER, project.id),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'EntityNotFound' });
  });
});
