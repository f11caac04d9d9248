import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createAnnotations,
  deleteAnnotation,
  updateAnnotation,
} from '../../../shared/catalog/annotations.ts';
import { cloneDataset } from '../../../shared/catalog/dataset-clone.ts';
import { queryDataset } from '../../../shared/catalog/dataset-query.ts';
import { createDataset, deleteDataset, updateDataset } from '../../../shared/catalog/datasets.ts';
import { makeDir } from '../../../shared/catalog/folders.ts';
import { cloneItem } from '../../../shared/catalog/item-clone.ts';
import { uploadItems } from '../../../shared/catalog/item-import.ts';
import { uploadItem } from '../../../shared/catalog/item-upload.ts';
import { deleteItem, moveItems, updateItem } from '../../../shared/catalog/items.ts';
import { addLabels } from '../../../shared/catalog/labels.ts';
import { setPartition, splitDataset } from '../../../shared/catalog/partitions.ts';
import { deleteProject } from '../../../shared/catalog/projects.ts';
import { cloneRecipe } from '../../../shared/catalog/recipes.ts';
import type { Item } from '../../../shared/entities/item.ts';
import type { EntityKind } from '../../../shared/entities/kinds.ts';
import type { Platform } from '../../../shared/platform.ts';
import { faultyStore, PlannedFault } from '../../support/faulty-store.ts';
import { openWorkspace, put, type Workspace } from '../../support/workspace.ts';

const KINDS: readonly EntityKind[] = ['Project', 'Dataset', 'Recipe', 'Ontology', 'Item', 'Annotation'];

/** What each operation works on: a folder with an annotated file, and a file beside it. */
interface Stage extends Workspace {
  file: Item;
  folder: Item;
  annotationId: string;
}

let stage: Stage;
beforeEach(async () => {
  const workspace = await openWorkspace();
  const { platform, actor, dataset } = workspace;
  const file = await put(workspace, '/f/g/a.txt');
  await put(workspace, '/b.txt');
  const folder = await makeDir(platform, actor, dataset.id, '/f');
  const [annotation] = await createAnnotations(platform, actor, file.id, [{ type: 'class', label: 'x' }]);
  stage = { ...workspace, file, folder, annotationId: annotation!.id };
});
afterEach(() => stage.platform.close());

/** All that the store holds, events too. */
async function contents(): Promise<unknown> {
  const { store } = stage.platform;
  const pages = await Promise.all(KINDS.map((kind) => store.query(kind, {})));
  return [pages.map(({ items }) => items), await store.readEvents(10_000)];
}

const bytes = new Uint8Array([1, 2, 3]);
const entries = [
  { path: '/i/1', bytes, label: 'new' },
  { path: '/i/2', bytes },
];

type Operation = (platform: Platform, stage: Stage) => Promise<unknown>;

const OPERATIONS: Record<string, Operation> = {
  'an upload into new folders': (platform, { actor, dataset }) =>
    uploadItem(platform, actor, { datasetId: dataset.id, path: '/x/y/z', source: bytes, mode: 'skip' }),
  'an upload over a file': (platform, { actor, dataset, file }) =>
    uploadItem(platform, actor, {
      datasetId: dataset.id,
      path: file.filename,
      source: bytes,
      mode: 'overwrite',
    }),
  'an import with labels': (platform, { actor, dataset }) =>
    uploadItems(platform, actor, dataset.id, entries, { mode: 'skip' }),
  'a rename of a folder': (platform, { actor, folder }) =>
    updateItem(platform, actor, folder.id, { filename: '/new/place' }),
  'a move of many': (platform, { actor, dataset, file, folder }) =>
    moveItems(platform, actor, dataset.id, folder.id, [file.id]),
  'the deletion of a folder': (platform, { actor, folder }) => deleteItem(platform, actor, folder.id),
  'a clone of an item': (platform, { actor, file }) =>
    cloneItem(platform, actor, file.id, { remoteFileName: '/c/d' }),
  'a bulk update': (platform, { actor, dataset }) =>
    queryDataset(platform, actor, dataset.id, { filter: {}, update: { metadata: { user: { k: 1 } } } }),
  'a bulk delete': (platform, { actor, dataset }) =>
    queryDataset(platform, actor, dataset.id, { filter: {}, delete: true }),
  'a batch of annotations': (platform, { actor, file }) =>
    createAnnotations(platform, actor, file.id, [
      { type: 'class', label: 'a' },
      { type: 'class', label: 'b' },
    ]),
  'an update of an annotation': (platform, { actor, annotationId }) =>
    updateAnnotation(platform, actor, annotationId, { label: 'other' }),
  'the deletion of an annotation': (platform, { actor, annotationId }) =>
    deleteAnnotation(platform, actor, annotationId),
  'a new dataset with its recipe': (platform, { actor, project }) =>
    createDataset(platform, actor, { name: 'd2', projects: [project.id] }),
  'an update of a dataset': (platform, { actor, dataset }) =>
    updateDataset(platform, actor, dataset.id, { name: 'renamed' }),
  'a clone of a dataset': (platform, { actor, dataset }) =>
    cloneDataset(platform, actor, dataset.id, { name: 'copy' }),
  'the deletion of a dataset': (platform, { actor, dataset }) => deleteDataset(platform, actor, dataset.id),
  'the deletion of a project': (platform, { actor, project }) => deleteProject(platform, actor, project.id),
  'new labels': (platform, { actor, dataset }) => addLabels(platform, actor, dataset.id, ['a.b']),
  'a clone of a recipe': (platform, { actor, dataset }) => {
    const [id] = (dataset.metadata.system as { recipes: string[] }).recipes;
    return cloneRecipe(platform, actor, id!, { shallow: false });
  },
  'a partition': (platform, { actor, dataset }) => setPartition(platform, actor, dataset.id, {}, 'train'),
  'a split': (platform, { actor, dataset }) =>
    splitDataset(platform, actor, dataset.id, { train: 1, validation: 1, test: 0 }),
};

describe('a failure at any write', () => {
  it.each(Object.entries(OPERATIONS))('of %s leaves the store as it was, events too', async (_name, run) => {
    const before = await contents();

    let faults = 0;
    for (; ; faults += 1) {
      const store = faultyStore(stage.platform.store, faults);
      const outcome = await run({ ...stage.platform, store }, stage).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (outcome === undefined) break;
      expect(outcome).toBeInstanceOf(PlannedFault);
      expect(await contents()).toEqual(before);
    }

    expect(faults).toBeGreaterThan(0);
    expect(await contents()).not.toEqual(before);
  });
});
