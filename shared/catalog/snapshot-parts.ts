import type { Actor } from '../auth/actor.ts';
import type { Dataset } from '../entities/dataset.ts';
import type { Model } from '../entities/model.ts';
import { labelsOf } from '../entities/ontology.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { datasetFor } from './access.ts';
import { ontologyOfDataset } from './labels.ts';
import { modelFor, snapshotFor } from './model-access.ts';
import { ProjectMismatch } from './model-errors.ts';

/** What a snapshot is made of, read and known to belong together. */
export interface SnapshotParts {
  model: Model;
  dataset: Dataset | undefined;
}

/**
 * Reads what a snapshot points at.
 * @throws EntityNotFound; ProjectMismatch when the parts are not of the model's project
 */
export async function readParts(
  store: EntityStore,
  actor: Actor,
  ids: { modelId: string; projectId?: string | undefined; datasetId: string | null; parentId: string | null },
): Promise<SnapshotParts> {
  const model = await modelFor(store, actor, ids.modelId);
  if (ids.projectId !== undefined && ids.projectId !== model.projectId)
    throw new ProjectMismatch('modelId', model.id, ids.projectId);
  if (ids.parentId !== null) {
    const parent = await snapshotFor(store, actor, ids.parentId);
    if (parent.projectId !== model.projectId)
      throw new ProjectMismatch('parentId', parent.id, model.projectId);
  }
  return { model, dataset: await readDataset(store, actor, ids.datasetId, model.projectId) };
}

/** @throws EntityNotFound, ProjectMismatch */
export async function readDataset(
  store: EntityStore,
  actor: Actor,
  datasetId: string | null,
  projectId: string,
): Promise<Dataset | undefined> {
  if (datasetId === null) return undefined;
  const dataset = await datasetFor(store, actor, datasetId);
  if (!dataset.projects.includes(projectId)) throw new ProjectMismatch('datasetId', dataset.id, projectId);
  return dataset;
}

/** The labels of the dataset's ontology as they are now; none without a dataset. */
export async function ontologySpecOf(
  store: EntityStore,
  dataset: Dataset | undefined,
): Promise<Snapshot['ontologySpec']> {
  const ontology = dataset && (await ontologyOfDataset({ store }, dataset));
  return ontology
    ? { ontologyId: ontology.id, labels: labelsOf(ontology) }
    : { ontologyId: null, labels: [] };
}
