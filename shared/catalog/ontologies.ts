import * as z from 'zod/mini';
import { type Actor, scopeOf } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { idSchema, jsonObjectSchema, jsonSchema, wordSchema } from '../entities/fields.ts';
import { systemMetadata } from '../entities/item.ts';
import {
  type LabelNode,
  labelNodeSchema,
  labelsOf,
  newOntologySchema,
  type Ontology,
} from '../entities/ontology.ts';
import { isJsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore, Page } from '../store/entity-store.ts';
import { assertMayUse, ontologyFor, projectIdsOf } from './access.ts';
import { LabelNotFound } from './errors.ts';
import { type ListPage, pagingOf } from './listing.ts';
import { completeRoots, withLabel } from './ontology-nodes.ts';

/** @throws InvalidInput, ProjectForbidden (403) */
export async function createOntology(platform: Platform, actor: Actor, input: unknown): Promise<Ontology> {
  const { projectIds, title, roots, attributes } = parse(newOntologySchema, input, 'ontology');
  await assertMayUse(platform.store, actor, projectIds);
  const ontology: Ontology = {
    ...emptyOntology(platform, actor, projectIds, title),
    roots: completeRoots(roots),
    attributes,
  };
  await platform.store.insert('Ontology', [ontology]);
  return ontology;
}

/** An ontology without labels, not yet in the store. */
export function emptyOntology(
  platform: Pick<Platform, 'ids' | 'clock'>,
  actor: Actor,
  projectIds: readonly string[],
  title: string | null,
): Ontology {
  return {
    id: platform.ids.objectId(),
    title,
    creator: actor.email,
    roots: [],
    attributes: [],
    metadata: { system: { projectIds: [...projectIds] } },
    createdAt: isoTime(platform.clock),
  };
}

/** @throws EntityNotFound, MalformedId */
export function getOntology(platform: Platform, actor: Actor, id: string): Promise<Ontology> {
  return ontologyFor(platform.store, actor, id);
}

/** Ontologies of the projects, or of all the actor may see; narrowed to `ids` when given. */
export function listOntologies(
  platform: Platform,
  actor: Actor,
  options: ListPage & { projectIds?: readonly string[]; ids?: readonly string[] } = {},
): Promise<Page<Ontology>> {
  const { projectIds, ids } = options;
  return platform.store.query('Ontology', {
    filter: ids ? { id: { $in: [...ids] } } : {},
    scope: scopeWithin(actor, projectIds),
    ...pagingOf(options),
  });
}

/** The actor's border, narrowed to some projects. */
export function scopeWithin(
  actor: Actor,
  projectIds: readonly string[] | undefined,
): { projectIds?: readonly string[] } {
  if (!projectIds) return scopeOf(actor);
  return { projectIds: projectIds.flatMap((id) => scopeOf(actor, id).projectIds ?? []) };
}

const ontologyPatchSchema = z.object({
  title: z.nullish(wordSchema),
  roots: z.nullish(z.array(jsonObjectSchema)),
  attributes: z.nullish(z.array(jsonSchema)),
  metadata: z.nullish(jsonObjectSchema),
});

/**
 * Takes `roots`, `attributes`, `title` and the projects from a whole ontology; the rest of it is noise.
 * @throws EntityNotFound, MalformedId, ProjectForbidden for a new project that the actor may not use.
 */
export async function updateOntology(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Ontology> {
  const patch = parse(ontologyPatchSchema, input, 'update of an ontology');
  const roots = patch.roots && completeRoots(patch.roots);
  return platform.store.transaction(async (store) => {
    const current = await ontologyFor(store, actor, id);
    const projectIds = await nextProjects(store, actor, current, patch.metadata);
    return store.update('Ontology', current.id, (ontology) => ({
      ...ontology,
      title: patch.title ?? ontology.title,
      roots: roots ?? ontology.roots,
      attributes: patch.attributes ?? ontology.attributes,
      metadata: { ...ontology.metadata, system: { ...systemMetadata(ontology), projectIds } },
    }));
  });
}

async function nextProjects(
  store: EntityStore,
  actor: Actor,
  current: Ontology,
  metadata: unknown,
): Promise<string[]> {
  const own = projectIdsOf(current);
  const system = isJsonObject(metadata) ? metadata.system : undefined;
  const asked = isJsonObject(system) ? system.projectIds : undefined;
  if (!Array.isArray(asked) || asked.length === 0) return own;
  const next = parse(z.array(idSchema), asked, 'update of an ontology');
  await assertMayUse(
    store,
    actor,
    next.filter((id) => !own.includes(id)),
  );
  return [...new Set(next)];
}

const labelsPatchSchema = z.object({
  labelsNode: z.union([z.array(labelNodeSchema), labelNodeSchema]),
  upsert: z._default(z.nullable(z.boolean()), true),
});

/**
 * Adds or changes labels (docs/WIRE.md, Recipes and ontologies). All or none. @throws EntityNotFound, MalformedId, InvalidInput;
 * LabelNotFound for an unknown label with `upsert: false`.
 */
export async function patchLabels(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Ontology> {
  const { labelsNode, upsert } = parse(labelsPatchSchema, input, 'labels');
  const labels = Array.isArray(labelsNode) ? labelsNode : [labelsNode];
  return platform.store.transaction(async (store) => {
    const { id: ontologyId } = await ontologyFor(store, actor, id);
    return applyLabels(store, ontologyId, labels, upsert ?? true);
  });
}

/** The change of `patchLabels` by itself, on an ontology that was read before. */
export function applyLabels(
  store: EntityStore,
  ontologyId: string,
  labels: readonly LabelNode[],
  upsert: boolean,
): Promise<Ontology> {
  return store.update('Ontology', ontologyId, (ontology) => ({
    ...ontology,
    roots: labels.reduce((roots, label) => {
      const next = withLabel(roots, label, upsert);
      if (!next) throw new LabelNotFound(label.tag, ontology.id, labelsOf(ontology));
      return next;
    }, ontology.roots),
  }));
}

/** Deletes it. Recipes keep its id; labels of their datasets then read as none. @throws EntityNotFound, MalformedId */
export async function deleteOntology(platform: Platform, actor: Actor, id: string): Promise<void> {
  const ontology = await ontologyFor(platform.store, actor, id);
  await platform.store.delete('Ontology', [ontology.id]);
}
