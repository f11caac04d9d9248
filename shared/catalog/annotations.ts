import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { type Annotation, type NewAnnotation, newAnnotationSchema } from '../entities/annotation.ts';
import { jsonObjectSchema, jsonSchema } from '../entities/fields.ts';
import type { Item } from '../entities/item.ts';
import { InvalidInput } from '../errors.ts';
import { canonicalJson, isJsonObject, type Json, mergePatch } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { annotationFor, assertParents, assertWritable, itemFor, type ParentsInPath } from './access.ts';
import { listMatches } from './all-matches.ts';
import { removeAnnotations } from './annotation-removal.ts';
import { annotationEvents } from './events.ts';
import { nextMetadata } from './next-metadata.ts';
import type { SentFile } from './sent-file.ts';

/** Says which id an annotation gets: the same call again finds what it made, and makes nothing. */
export type AnnotationIds = (annotation: NewAnnotation, index: number) => string;

/**
 * Adds annotations to a file, all or none, and answers them in order; `[]` gives `[]`. Coordinates are kept verbatim.
 * @throws EntityNotFound, MalformedId, DatasetReadonly, InvalidInput; also for a folder.
 */
export async function createAnnotations(
  platform: Platform,
  actor: Actor,
  itemId: string,
  input: unknown,
  idOf?: AnnotationIds,
): Promise<Annotation[]> {
  const list = parse(z.array(newAnnotationSchema), Array.isArray(input) ? input : [input], 'annotations');
  return platform.store.transaction(async (store) => {
    const { item, dataset } = await itemFor(store, actor, itemId);
    assertFile(item);
    if (list.length === 0) return [];
    assertWritable(dataset);
    const ids = list.map(idOf ?? (() => platform.ids.objectId()));
    const found = idOf ? await store.getMany('Annotation', ids) : [];
    const known = new Map(found.map(({ entity }) => [entity.id, entity]));
    const annotations = list.map(
      (each, at) =>
        known.get(ids[at]!) ??
        newAnnotation(platform, actor, item, each, { id: ids[at]!, source: each.source ?? 'sdk' }),
    );
    const fresh = annotations.filter(({ id }) => !known.has(id));
    if (fresh.length === 0) return annotations;
    await store.insert('Annotation', fresh);
    await store.refreshAnnotationCounts([item.id]);
    await store.appendEvents(annotationEvents({ platform, actor, dataset }, 'Created', fresh));
    return annotations;
  });
}

/** @throws EntityNotFound, also when it is not below `parents`; MalformedId */
export async function getAnnotation(
  platform: Platform,
  actor: Actor,
  id: string,
  parents: ParentsInPath = {},
): Promise<Annotation> {
  const { annotation } = await annotationFor(platform.store, actor, id);
  assertParents('Annotation', annotation, parents);
  return annotation;
}

/** The file of a prediction's tensor as a stream, not yet opened. @throws EntityNotFound, MalformedId; InvalidInput where there is none. */
export async function readTensorFile(platform: Platform, actor: Actor, id: string): Promise<SentFile> {
  const { content } = await getAnnotation(platform, actor, id);
  if (content === undefined)
    throw new InvalidInput('annotation', [
      { field: 'id', problem: `${JSON.stringify(id)} has no file; its coordinates say all` },
    ]);
  return { name: `${id}.npy`, content, bytes: platform.content.stream(content) };
}

/** All annotations of an item, oldest first. @throws EntityNotFound, also when it is not below `parents`; MalformedId */
export async function listAnnotations(
  platform: Platform,
  actor: Actor,
  itemId: string,
  parents: Pick<ParentsInPath, 'datasetId'> = {},
): Promise<Annotation[]> {
  const { item } = await itemFor(platform.store, actor, itemId);
  assertParents('Item', item, parents);
  return listMatches(platform.store, 'Annotation', {
    filter: { itemId: { $in: [item.id] } },
    scope: { datasetId: item.datasetId },
  });
}

const annotationPatchSchema = z.object({
  type: z.nullish(newAnnotationSchema.shape.type),
  label: z.nullish(newAnnotationSchema.shape.label),
  attributes: z.nullish(jsonSchema),
  coordinates: z.optional(jsonSchema),
  metadata: z.nullish(jsonObjectSchema),
  labelSuggestions: z.optional(jsonSchema),
});

/**
 * Merges a diff (docs/WIRE.md, Partial updates): objects deeply, lists whole, `metadata.system` only with `system`. Nulls on
 * top and keys that are not the caller's are noise. @throws EntityNotFound, MalformedId, DatasetReadonly, InvalidInput
 */
export async function updateAnnotation(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
  options: { system?: boolean } = {},
): Promise<Annotation> {
  const patch = parse(annotationPatchSchema, input, 'update of an annotation');
  return platform.store.transaction(async (store) => {
    const { annotation: current, dataset } = await annotationFor(store, actor, id);
    assertWritable(dataset);
    const next: Annotation = {
      ...current,
      type: patch.type ?? current.type,
      label: patch.label ?? current.label,
      attributes: merged(current.attributes, patch.attributes) ?? [],
      // Those of a tensor's file are what is in it; a client sends them back with the link that it was answered.
      ...given('coordinates', merged(current.coordinates, current.content ? null : patch.coordinates)),
      ...given('labelSuggestions', merged(current.labelSuggestions, patch.labelSuggestions)),
      metadata: nextMetadata(current.metadata, patch.metadata ?? {}, options.system ?? false),
    };
    if (canonicalJson(next) === canonicalJson(current)) return current;
    const updated = await store.update('Annotation', current.id, () => ({
      ...next,
      updatedAt: isoTime(platform.clock),
      updatedBy: actor.email,
    }));
    await store.appendEvents(annotationEvents({ platform, actor, dataset }, 'Updated', [updated]));
    return updated;
  });
}

/** @throws EntityNotFound, MalformedId, DatasetReadonly */
export async function deleteAnnotation(platform: Platform, actor: Actor, id: string): Promise<void> {
  await platform.store.transaction(async (store) => {
    const { annotation, dataset } = await annotationFor(store, actor, id);
    assertWritable(dataset);
    await removeAnnotations({ platform, actor, dataset }, store, [annotation]);
  });
}

/** An annotation that is made now, of what was given for it. */
export function newAnnotation(
  { clock }: Pick<Platform, 'clock'>,
  actor: Actor,
  item: { id: string; datasetId: string },
  given: NewAnnotation,
  { id, source }: Pick<Annotation, 'id' | 'source'>,
): Annotation {
  const now = isoTime(clock);
  const metadata = mergePatch({}, given.metadata ?? {});
  return {
    id,
    datasetId: item.datasetId,
    itemId: item.id,
    type: given.type,
    label: given.label,
    attributes: given.attributes ?? [],
    ...(given.coordinates != null && { coordinates: given.coordinates }),
    ...(given.labelSuggestions != null && { labelSuggestions: given.labelSuggestions }),
    metadata: { ...metadata, system: isJsonObject(metadata.system) ? metadata.system : {} },
    creator: actor.email,
    createdAt: now,
    updatedAt: now,
    updatedBy: actor.email,
    source,
    hash: null,
  };
}

function merged(current: Json | undefined, patch: Json | null | undefined): Json | undefined {
  if (patch === null || patch === undefined) return current;
  return isJsonObject(current) && isJsonObject(patch) ? mergePatch(current, patch) : patch;
}

function given<K extends string>(key: K, value: Json | undefined): { [key in K]?: Json } {
  return (value === undefined ? {} : { [key]: value }) as { [key in K]?: Json };
}

function assertFile(item: Item): void {
  if (item.type === 'file') return;
  throw new InvalidInput('item of the annotations', [
    { field: 'id', problem: `${JSON.stringify(item.filename)} is a folder; only files have annotations` },
  ]);
}
