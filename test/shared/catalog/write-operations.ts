import { writePredictions } from '../../../shared/annotations/write-predictions.ts';
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
import { createModel, deleteModel } from '../../../shared/catalog/models.ts';
import { setPartition, splitDataset } from '../../../shared/catalog/partitions.ts';
import { deleteProject } from '../../../shared/catalog/projects.ts';
import { cloneRecipe } from '../../../shared/catalog/recipes.ts';
import { cloneSnapshot } from '../../../shared/catalog/snapshot-clone.ts';
import { createSnapshot, deleteSnapshot, updateSnapshot } from '../../../shared/catalog/snapshots.ts';
import type { Item } from '../../../shared/entities/item.ts';
import type { Model } from '../../../shared/entities/model.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import type { Platform } from '../../../shared/platform.ts';
import { commitWeights } from '../../../shared/snapshots/commit-weights.ts';
import { openWorkspace, put, takeEvents, type Workspace } from '../../support/workspace.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { writeFiles } from '../snapshots/weights.ts';

/** What each operation works on: a folder with an annotated and predicted file, a file beside it, a model and a snapshot. */
export interface Stage extends Workspace {
  file: Item;
  folder: Item;
  annotationId: string;
  model: Model;
  snapshot: Snapshot;
}

/** A stage whose outbox is empty. */
export async function openStage(): Promise<Stage> {
  const workspace = await openWorkspace();
  const { platform, actor, dataset, project } = workspace;
  const file = await put(workspace, '/f/g/a.txt');
  await put(workspace, '/b.txt');
  const folder = await makeDir(platform, actor, dataset.id, '/f');
  const [annotation] = await createAnnotations(platform, actor, file.id, [{ type: 'class', label: 'x' }]);
  const model = await createModel(platform, actor, { name: 'm1', projectId: project.id });
  const snapshot = await createSnapshot(platform, actor, {
    name: 's1',
    modelId: model.id,
    datasetId: dataset.id,
  });
  const by = { snapshot: { ...snapshot, revision: 1 }, model, codeDigest: 'x' };
  const predictions = ['a', 'b'].map((label) => ({ type: 'class', label, confidence: 1 }));
  await writePredictions(platform, actor, by, [{ item: file, predictions }]);
  await takeEvents(platform);
  return { ...workspace, file, folder, annotationId: annotation!.id, model, snapshot };
}

const bytes = new Uint8Array([1, 2, 3]);
const entries = [
  { path: '/i/1', bytes, label: 'new' },
  { path: '/i/2', bytes },
];

export type Operation = (platform: Platform, stage: Stage) => Promise<unknown>;

/** Every write of the catalog, by what it is called. */
export const OPERATIONS: Record<string, Operation> = {
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
  'a new snapshot': (platform, { actor, model }) =>
    createSnapshot(platform, actor, { name: 's2', projectId: model.projectId, modelId: model.id }),
  'an update of a snapshot': (platform, { actor, snapshot }) =>
    updateSnapshot(platform, actor, snapshot.id, { name: 'renamed' }),
  'a clone of a snapshot': (platform, { actor, snapshot }) =>
    cloneSnapshot(platform, actor, snapshot.id, { name: 'copy' }),
  'the deletion of a snapshot': (platform, { actor, snapshot }) =>
    deleteSnapshot(platform, actor, snapshot.id),
  'the deletion of a model': (platform, { actor, model }) => deleteModel(platform, actor, model.id),
  'new weights': async (platform, { actor, snapshot }) =>
    commitWeights(platform, snapshot, {
      source: await writeFiles(temporaryFolder(), { 'model.bin': 'weights' }),
      lineage: {},
      actor,
      executionId: 'run-1',
    }),
  'a prediction in place of another one': (platform, { actor, model, snapshot, file }) =>
    writePredictions(platform, actor, { snapshot: { ...snapshot, revision: 2 }, model, codeDigest: 'x' }, [
      { item: file, predictions: [{ type: 'class', label: 'a', confidence: 1 }] },
    ]),
};
