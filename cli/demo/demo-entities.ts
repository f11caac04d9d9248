import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createDataset, listDatasets } from '../../shared/catalog/datasets.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { addLabels } from '../../shared/catalog/labels.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import type { EntityKind, EntityKinds } from '../../shared/entities/kinds.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { Platform } from '../../shared/platform.ts';
import { digitEntries, GREY_STEP, readDigits } from './digits.ts';

/** What the demo works with. */
export interface DemoEntities {
  project: EntityKinds['Project'];
  dataset: EntityKinds['Dataset'];
  model: EntityKinds['Model'];
  snapshot: EntityKinds['Snapshot'];
}

const NAMES = { project: 'Digits', dataset: 'digits', model: 'svm', snapshot: 'rbf' };

const LABELS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** scikit-learn's SVC was run with the same values on the same split. */
const CONFIGURATION: JsonObject = {
  kernel: 'rbf',
  C: 10,
  gamma: 0.001,
  image: { channels: 1, scale: GREY_STEP },
};

/** Finds or makes project, dataset with all items, model and snapshot: run again, it makes what is missing. */
export async function prepareEntities(
  platform: Platform,
  onImport: (done: number, total: number) => void,
): Promise<DemoEntities> {
  const project = await ensure(platform, 'Project', { name: NAMES.project }, () =>
    createProject(platform, LOCAL_ACTOR, { name: NAMES.project }),
  );
  const inProject = { projectId: project.id };
  const [known] = await listDatasets(platform, LOCAL_ACTOR, { name: NAMES.dataset, projectId: project.id });
  const dataset =
    known ??
    (await createDataset(platform, LOCAL_ACTOR, {
      name: NAMES.dataset,
      projects: [project.id],
      createDefaultRecipe: true,
    }));
  // Before the items: the order of labels is the order of classes, here that of the reference.
  await addLabels(platform, LOCAL_ACTOR, dataset.id, LABELS);
  await importDigits(platform, dataset.id, onImport);
  const model = await ensure(platform, 'Model', { name: NAMES.model, ...inProject }, () =>
    createModel(platform, LOCAL_ACTOR, {
      name: NAMES.model,
      ...inProject,
      description: 'Support vector machine (C-SVC)',
      entryPoint: 'modelfn/svm',
      className: 'SvmAdapter',
      inputType: 'image',
      outputType: 'class',
      configuration: CONFIGURATION,
    }),
  );
  const snapshot = await ensure(platform, 'Snapshot', { name: NAMES.snapshot, modelId: model.id }, () =>
    createSnapshot(platform, LOCAL_ACTOR, {
      name: NAMES.snapshot,
      ...inProject,
      modelId: model.id,
      datasetId: dataset.id,
    }),
  );
  return { project, dataset, model, snapshot };
}

async function importDigits(
  platform: Platform,
  datasetId: string,
  onImport: (done: number, total: number) => void,
): Promise<void> {
  const digits = await readDigits();
  const there = await platform.store.count('Item', { filter: { type: 'file' }, scope: { datasetId } });
  if (there >= digits.length) return;
  await uploadItems(platform, LOCAL_ACTOR, datasetId, digitEntries(digits), {
    mode: 'skip',
    onProgress: (done) => onImport(done, digits.length),
  });
}

async function ensure<K extends EntityKind>(
  { store }: Platform,
  kind: K,
  fields: Record<string, string>,
  create: () => Promise<EntityKinds[K]>,
): Promise<EntityKinds[K]> {
  const filter = { $and: Object.entries(fields).map(([field, value]) => ({ [field]: { $eq: value } })) };
  const { items } = await store.query(kind, { filter, pageSize: 1 });
  return items[0] ?? create();
}
