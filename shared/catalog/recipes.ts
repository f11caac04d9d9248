import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { idSchema, jsonObjectSchema, jsonSchema, textSchema } from '../entities/fields.ts';
import { newRecipeSchema, type Recipe } from '../entities/recipe.ts';
import { mergePatch } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore, Page } from '../store/entity-store.ts';
import { assertMayUse, projectIdsOf, recipeFor } from './access.ts';
import { type ListPage, pagingOf } from './listing.ts';
import { scopeWithin } from './ontologies.ts';

/** @throws InvalidInput, ProjectForbidden (403) */
export async function createRecipe(platform: Platform, actor: Actor, input: unknown): Promise<Recipe> {
  const fields = parse(newRecipeSchema, input, 'recipe');
  await assertMayUse(platform.store, actor, fields.projectIds);
  const recipe = { ...emptyRecipe(platform, actor, fields.projectIds, fields.title), ...fields };
  recipe.metadata = mergePatch({ system: {} }, fields.metadata);
  await platform.store.insert('Recipe', [recipe]);
  return recipe;
}

/** A recipe without ontologies, not yet in the store. */
export function emptyRecipe(
  platform: Pick<Platform, 'ids' | 'clock'>,
  actor: Actor,
  projectIds: readonly string[],
  title: string,
): Recipe {
  return {
    id: platform.ids.objectId(),
    title,
    projectIds: [...projectIds],
    ontologyIds: [],
    metadata: { system: {} },
    creator: actor.email,
    description: null,
    instructions: null,
    examples: null,
    customActions: null,
    uiSettings: {},
    createdAt: isoTime(platform.clock),
  };
}

/** @throws EntityNotFound */
export function getRecipe(platform: Platform, actor: Actor, id: string): Promise<Recipe> {
  return recipeFor(platform.store, actor, id);
}

export function listRecipes(
  platform: Platform,
  actor: Actor,
  options: ListPage & { projectIds?: readonly string[] } = {},
): Promise<Page<Recipe>> {
  return platform.store.query('Recipe', {
    scope: scopeWithin(actor, options.projectIds),
    ...pagingOf(options),
  });
}

const recipePatchSchema = z.object({
  title: z.nullish(z.string().check(z.minLength(1), z.maxLength(255))),
  projectIds: z.nullish(z.array(idSchema)),
  ontologyIds: z.nullish(z.array(idSchema)),
  metadata: z.nullish(jsonObjectSchema),
  description: z.nullish(textSchema),
  instructions: z.nullish(jsonSchema),
  examples: z.nullish(jsonSchema),
  customActions: z.nullish(jsonSchema),
  uiSettings: z.nullish(jsonObjectSchema),
});

/**
 * Takes what is set in a whole recipe; nulls, ids and times of it are noise. `metadata.system` changes only with
 * `system`. @throws EntityNotFound, InvalidInput, ProjectForbidden for a new project that the actor may not use.
 */
export async function updateRecipe(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
  options: { system?: boolean } = {},
): Promise<Recipe> {
  const { metadata, projectIds, ...fields } = parse(recipePatchSchema, input, 'update of a recipe');
  const given = Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
  return platform.store.transaction(async (store) => {
    const current = await recipeFor(store, actor, id);
    const projects = await nextProjects(store, actor, current, projectIds);
    return store.update('Recipe', id, (recipe) => ({
      ...recipe,
      ...given,
      projectIds: projects,
      metadata: options.system
        ? mergePatch(recipe.metadata, metadata ?? {})
        : { ...mergePatch(recipe.metadata, metadata ?? {}), system: recipe.metadata.system ?? {} },
    }));
  });
}

async function nextProjects(
  store: EntityStore,
  actor: Actor,
  current: Recipe,
  asked: readonly string[] | null | undefined,
): Promise<string[]> {
  if (!asked || asked.length === 0) return current.projectIds;
  await assertMayUse(
    store,
    actor,
    asked.filter((id) => !current.projectIds.includes(id)),
  );
  return [...new Set(asked)];
}

/** Deletes the recipe; its ontologies stay. @throws EntityNotFound */
export async function deleteRecipe(platform: Platform, actor: Actor, id: string): Promise<void> {
  await recipeFor(platform.store, actor, id);
  await platform.store.delete('Recipe', [id]);
}

/** A copy of the recipe: with the same ontologies if `shallow`, else with copies of them. @throws EntityNotFound */
export async function cloneRecipe(
  platform: Platform,
  actor: Actor,
  id: string,
  { shallow }: { shallow: boolean },
): Promise<Recipe> {
  return platform.store.transaction(async (store) => {
    const source = await recipeFor(store, actor, id);
    const ontologyIds = shallow ? source.ontologyIds : await copyOntologies(platform, store, source);
    const clone: Recipe = {
      ...source,
      id: platform.ids.objectId(),
      title: `Clone of ${source.title}`.slice(0, 255),
      ontologyIds,
      creator: actor.email,
      createdAt: isoTime(platform.clock),
    };
    await store.insert('Recipe', [clone]);
    return clone;
  });
}

async function copyOntologies(
  platform: Platform,
  store: EntityStore,
  { ontologyIds, projectIds }: Recipe,
): Promise<string[]> {
  const copies = (await store.getMany('Ontology', ontologyIds))
    .filter(({ entity }) => projectIdsOf(entity).some((id) => projectIds.includes(id)))
    .map(({ entity }) => ({ ...entity, id: platform.ids.objectId(), createdAt: isoTime(platform.clock) }));
  await store.insert('Ontology', copies);
  return copies.map(({ id }) => id);
}
