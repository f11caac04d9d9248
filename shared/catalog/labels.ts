import type { Actor } from '../auth/actor.ts';
import type { Dataset } from '../entities/dataset.ts';
import { systemMetadata } from '../entities/item.ts';
import { type LabelNode, labelsOf, type Ontology } from '../entities/ontology.ts';
import type { Recipe } from '../entities/recipe.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { assertWritable, datasetFor, projectIdsOf } from './access.ts';
import { applyLabels, emptyOntology } from './ontologies.ts';
import { emptyRecipe } from './recipes.ts';

/**
 * The first ontology of the dataset's recipes; `undefined` when there is none. Ids in metadata are the caller's to
 * write: what no project of the dataset may use does not count.
 */
export async function ontologyOfDataset(
  platform: Pick<Platform, 'store'>,
  dataset: Pick<Dataset, 'metadata' | 'projects'>,
): Promise<Ontology | undefined> {
  const shares = (projectIds: readonly string[]): boolean =>
    projectIds.some((id) => dataset.projects.includes(id));
  for (const recipe of await recipesOf(platform.store, dataset)) {
    const ontologies = await platform.store.getMany('Ontology', recipe.ontologyIds);
    const usable = ontologies.find(({ entity }) => shares(projectIdsOf(entity)));
    if (usable) return usable.entity;
  }
  return undefined;
}

async function recipesOf(
  store: EntityStore,
  dataset: Pick<Dataset, 'metadata' | 'projects'>,
): Promise<Recipe[]> {
  const recipes = await store.getMany('Recipe', recipeIdsOf(dataset));
  return recipes
    .map(({ entity }) => entity)
    .filter(({ projectIds }) => projectIds.some((id) => dataset.projects.includes(id)));
}

/** Full labels of the dataset's ontology, parents before children; none without an ontology. */
export async function labelsOfDataset(
  platform: Pick<Platform, 'store'>,
  dataset: Pick<Dataset, 'metadata' | 'projects'>,
): Promise<string[]> {
  const ontology = await ontologyOfDataset(platform, dataset);
  return ontology ? labelsOf(ontology) : [];
}

/**
 * Adds labels to the dataset's ontology; those it has stay as they are. Recipe and ontology are made where the
 * dataset has none. @throws EntityNotFound, DatasetReadonly, InvalidInput
 */
export async function addLabels(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  labels: readonly (string | LabelNode)[],
): Promise<Ontology> {
  return platform.store.transaction(async (store) => {
    const dataset = await datasetFor(store, actor, datasetId);
    assertWritable(dataset);
    return ensureLabels({ platform, actor, dataset }, store, labels);
  });
}

/** `addLabels` within a transaction that is open, for a dataset that was read before. */
export async function ensureLabels(
  { platform, actor, dataset }: { platform: Platform; actor: Actor; dataset: Dataset },
  store: EntityStore,
  labels: readonly (string | LabelNode)[],
): Promise<Ontology> {
  const ontology =
    (await ontologyOfDataset({ store }, dataset)) ?? (await makeOntology(platform, actor, store, dataset));
  const known = new Set(labelsOf(ontology));
  const missing = labels
    .map((label) => (typeof label === 'string' ? { tag: label } : label))
    .filter(({ tag }) => !known.has(tag));
  return missing.length === 0 ? ontology : applyLabels(store, ontology.id, missing, true);
}

/** Recipe ids of a dataset, in order. */
export function recipeIdsOf(dataset: Pick<Dataset, 'metadata'>): string[] {
  const { recipes } = systemMetadata(dataset);
  return Array.isArray(recipes) ? recipes.filter((id) => typeof id === 'string') : [];
}

/** The platform's default recipe and its empty ontology, put into the store. Answers the recipe's id. */
export async function insertDefaultRecipe(
  platform: Platform,
  actor: Actor,
  store: EntityStore,
  dataset: Pick<Dataset, 'name' | 'projects'>,
): Promise<{ recipeId: string; ontology: Ontology }> {
  const ontology = emptyOntology(platform, actor, dataset.projects, `${dataset.name} Ontology`);
  const recipe = emptyRecipe(platform, actor, dataset.projects, `${dataset.name} Default Recipe`);
  await store.insert('Ontology', [ontology]);
  await store.insert('Recipe', [{ ...recipe, ontologyIds: [ontology.id] }]);
  return { recipeId: recipe.id, ontology };
}

async function makeOntology(
  platform: Platform,
  actor: Actor,
  store: EntityStore,
  dataset: Dataset,
): Promise<Ontology> {
  const [recipe] = await recipesOf(store, dataset);
  if (recipe) {
    const ontology = emptyOntology(platform, actor, dataset.projects, `${dataset.name} Ontology`);
    await store.insert('Ontology', [ontology]);
    await store.update('Recipe', recipe.id, (current) => ({
      ...current,
      ontologyIds: [ontology.id, ...current.ontologyIds],
    }));
    return ontology;
  }
  const { recipeId, ontology } = await insertDefaultRecipe(platform, actor, store, dataset);
  await store.update('Dataset', dataset.id, (current) => ({
    ...current,
    metadata: { ...current.metadata, system: { ...systemMetadata(current), recipes: [recipeId] } },
  }));
  return ontology;
}
