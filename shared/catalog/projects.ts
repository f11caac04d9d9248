import * as z from 'zod/mini';
import { type Actor, scopeOf } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { jsonSchema, nameSchema } from '../entities/fields.ts';
import type { EntityKind } from '../entities/kinds.ts';
import { newProjectSchema, type Project } from '../entities/project.ts';
import { hasCode } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { projectFor, projectIdsOf } from './access.ts';
import { chunksOf, listMatches } from './all-matches.ts';
import { removeDataset } from './dataset-removal.ts';
import { ProjectNameTaken } from './errors.ts';
import { assertNotInUse, removeSnapshots } from './snapshot-removal.ts';

/** What goes with a project, beside what lies in its datasets and snapshots. */
const PROJECT_KINDS = [
  'Model',
  'Trigger',
  'Execution',
  'Pipeline',
  'PipelineExecution',
  'Service',
  'Package',
] as const;

/** @throws InvalidInput, ProjectNameTaken (code `Conflict`, status 500) */
export async function createProject(platform: Platform, actor: Actor, input: unknown): Promise<Project> {
  const { name } = parse(newProjectSchema, input, 'project');
  const now = isoTime(platform.clock);
  const project: Project = {
    id: platform.ids.uuid(),
    name,
    creator: actor.email,
    role: 'owner',
    org: null,
    account: null,
    contributors: [],
    featureConstraints: [],
    isBlocked: false,
    createdAt: now,
    updatedAt: now,
  };
  await platform.store.transaction(async (store) => {
    await assertNameFree(store, name);
    await orNameTaken(name, () => store.insert('Project', [project]));
  });
  return project;
}

/** @throws EntityNotFound */
export function getProject(platform: Platform, actor: Actor, id: string): Promise<Project> {
  return projectFor(platform.store, actor, id);
}

/** Projects of exactly this name that the actor may see: one or none, names being unique. */
export function findProjectsByName(platform: Platform, actor: Actor, name: string): Promise<Project[]> {
  return listMatches(platform.store, 'Project', { filter: { name: { $in: [name] } }, scope: scopeOf(actor) });
}

/** All projects of the actor, oldest first. */
export function listProjects(platform: Platform, actor: Actor): Promise<Project[]> {
  return listMatches(platform.store, 'Project', { scope: scopeOf(actor) });
}

const projectPatchSchema = z.object({
  name: z.nullish(nameSchema),
  contributors: z.nullish(z.array(jsonSchema)),
});

/** Renames. What else a client sends back of a whole project is noise. @throws EntityNotFound, ProjectNameTaken */
export async function updateProject(
  platform: Platform,
  actor: Actor,
  id: string,
  patch: unknown,
): Promise<Project> {
  const { name } = parse(projectPatchSchema, patch, 'update of a project');
  return platform.store.transaction(async (store) => {
    const current = await projectFor(store, actor, id);
    if (!name || name === current.name) return current;
    await assertNameFree(store, name);
    return orNameTaken(name, () =>
      store.update('Project', id, (project) => ({ ...project, name, updatedAt: isoTime(platform.clock) })),
    );
  });
}

/**
 * Deletes a project with all that is in it. A dataset, recipe or ontology that other projects share stays with them.
 * Bytes of items and buckets are left alone. @throws EntityNotFound; SnapshotInUse while a run writes one of its snapshots
 */
export async function deleteProject(platform: Platform, actor: Actor, id: string): Promise<void> {
  await platform.store.transaction(async (store) => {
    await projectFor(store, actor, id);
    const inProject: JsonObject = { projectId: { $in: [id] } };
    const snapshots = await listMatches(store, 'Snapshot', { filter: inProject });
    for (const snapshot of snapshots) await assertNotInUse({ ...platform, store }, snapshot);
    await removeSnapshots({ platform, actor }, store, snapshots);
    for (const kind of PROJECT_KINDS)
      await deleteAll(store, kind, await store.ids(kind, { filter: inProject }));
    await leaveDatasets(platform, actor, store, id);
    await leaveRecipes(store, id);
    await leaveOntologies(store, id);
    await store.delete('Project', [id]);
  });
}

async function leaveDatasets(
  platform: Platform,
  actor: Actor,
  store: EntityStore,
  projectId: string,
): Promise<void> {
  for (const dataset of await listMatches(store, 'Dataset', { scope: { projectIds: [projectId] } })) {
    if (dataset.projects[0] === projectId) await removeDataset({ platform, actor, dataset }, store);
    else if (dataset.projects.includes(projectId))
      await store.update('Dataset', dataset.id, (current) => ({
        ...current,
        projects: current.projects.filter((each) => each !== projectId),
      }));
  }
}

async function leaveRecipes(store: EntityStore, projectId: string): Promise<void> {
  for (const recipe of await listMatches(store, 'Recipe', { scope: { projectIds: [projectId] } })) {
    const others = recipe.projectIds.filter((each) => each !== projectId);
    if (others.length === recipe.projectIds.length) continue;
    if (others.length === 0) await store.delete('Recipe', [recipe.id]);
    else await store.update('Recipe', recipe.id, (current) => ({ ...current, projectIds: others }));
  }
}

async function leaveOntologies(store: EntityStore, projectId: string): Promise<void> {
  for (const ontology of await listMatches(store, 'Ontology', { scope: { projectIds: [projectId] } })) {
    const own = projectIdsOf(ontology);
    const others = own.filter((each) => each !== projectId);
    if (others.length === own.length) continue;
    if (others.length === 0) await store.delete('Ontology', [ontology.id]);
    else
      await store.update('Ontology', ontology.id, (current) => ({
        ...current,
        metadata: {
          ...current.metadata,
          system: { ...(current.metadata.system as JsonObject), projectIds: others },
        },
      }));
  }
}

async function deleteAll(store: EntityStore, kind: EntityKind, ids: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(ids)) await store.delete(kind, chunk);
}

async function assertNameFree(store: EntityStore, name: string): Promise<void> {
  if ((await store.count('Project', { filter: { name: { $in: [name] } } })) > 0)
    throw new ProjectNameTaken(name);
}

async function orNameTaken<T>(name: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw hasCode(error, 'Conflict') ? new ProjectNameTaken(name, error) : error;
  }
}
