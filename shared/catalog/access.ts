import { type Actor, maySee } from '../auth/actor.ts';
import type { Annotation } from '../entities/annotation.ts';
import type { Dataset } from '../entities/dataset.ts';
import { type Item, systemMetadata } from '../entities/item.ts';
import type { EntityKind } from '../entities/kinds.ts';
import type { Ontology } from '../entities/ontology.ts';
import type { Project } from '../entities/project.ts';
import type { Recipe } from '../entities/recipe.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { EntityNotFound } from '../store/errors.ts';
import { DatasetReadonly, MalformedId, ProjectForbidden } from './errors.ts';

const DELETED = 'It was deleted, or it belongs to a project that you are not a member of.';

// Each reader throws EntityNotFound for a foreign entity as for a missing one: existence is not given away.

/** @throws EntityNotFound */
export async function projectFor(store: EntityStore, actor: Actor, id: string): Promise<Project> {
  const project = maySee(actor, id) ? await store.get('Project', id) : undefined;
  return project ?? notFound('Project', id);
}

/** The stored dataset; its counts are not filled in. @throws EntityNotFound */
export async function datasetFor(store: EntityStore, actor: Actor, id: string): Promise<Dataset> {
  const dataset = await store.get('Dataset', id);
  return dataset && seesAny(actor, dataset.projects) ? dataset : notFound('Dataset', id);
}

/** @throws EntityNotFound, MalformedId */
export async function itemFor(
  store: EntityStore,
  actor: Actor,
  id: string,
): Promise<{ item: Item; dataset: Dataset }> {
  const item = await store.get('Item', wellFormed('Item', id));
  const dataset = item && (await store.get('Dataset', item.datasetId));
  return item && dataset && seesAny(actor, dataset.projects) ? { item, dataset } : notFound('Item', id);
}

/** @throws EntityNotFound, MalformedId */
export async function annotationFor(
  store: EntityStore,
  actor: Actor,
  id: string,
): Promise<{ annotation: Annotation; dataset: Dataset }> {
  const annotation = await store.get('Annotation', wellFormed('Annotation', id));
  const dataset = annotation && (await store.get('Dataset', annotation.datasetId));
  return annotation && dataset && seesAny(actor, dataset.projects)
    ? { annotation, dataset }
    : notFound('Annotation', id);
}

/** The entities that an address names above one that is read by its id. */
export interface ParentsInPath {
  datasetId?: string;
  itemId?: string;
}

/** An address that names another dataset or item than the entity's own leads nowhere. @throws EntityNotFound */
export function assertParents(
  kind: 'Item' | 'Annotation',
  entity: { id: string; datasetId: string; itemId?: string },
  { datasetId, itemId }: ParentsInPath,
): void {
  const isElsewhere =
    (datasetId !== undefined && datasetId !== entity.datasetId) ||
    (itemId !== undefined && itemId.toLowerCase() !== entity.itemId);
  if (isElsewhere) notFound(kind, entity.id);
}

/** @throws EntityNotFound */
export async function recipeFor(store: EntityStore, actor: Actor, id: string): Promise<Recipe> {
  const recipe = await store.get('Recipe', id);
  return recipe && seesAny(actor, recipe.projectIds) ? recipe : notFound('Recipe', id);
}

/** @throws EntityNotFound, MalformedId */
export async function ontologyFor(store: EntityStore, actor: Actor, id: string): Promise<Ontology> {
  const ontology = await store.get('Ontology', wellFormed('Ontology', id));
  return ontology && seesAny(actor, projectIdsOf(ontology)) ? ontology : notFound('Ontology', id);
}

/** Projects that may use the ontology. */
export function projectIdsOf(ontology: Pick<Ontology, 'metadata'>): string[] {
  const ids = systemMetadata(ontology).projectIds;
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}

/** @throws ProjectForbidden for a project that the actor may not use, or that is not there. */
export async function assertMayUse(
  store: EntityStore,
  actor: Actor,
  projectIds: readonly string[],
): Promise<void> {
  const found = await store.getMany('Project', projectIds);
  const usable = new Set(found.map(({ entity }) => entity.id).filter((id) => maySee(actor, id)));
  const foreign = projectIds.find((id) => !usable.has(id));
  if (foreign !== undefined) throw new ProjectForbidden(foreign);
}

/** @throws DatasetReadonly */
export function assertWritable(dataset: Pick<Dataset, 'id' | 'name' | 'readonly'>): void {
  if (dataset.readonly) throw new DatasetReadonly(dataset);
}

function seesAny(actor: Actor, projectIds: readonly string[]): boolean {
  return projectIds.some((id) => maySee(actor, id));
}

function wellFormed(kind: EntityKind, id: string): string {
  if (!/^[0-9a-fA-F]{24}$/.test(id)) throw new MalformedId(kind, id);
  return id.toLowerCase();
}

function notFound(kind: EntityKind, id: string): never {
  throw new EntityNotFound({ kind, reference: JSON.stringify(id.slice(0, 128)), advice: DELETED });
}
