import { isDeepStrictEqual } from 'node:util';
import type { Actor } from '../auth/actor.ts';
import { assertWritable } from '../catalog/access.ts';
import { chunksOf, listMatches } from '../catalog/all-matches.ts';
import { annotationEvents } from '../catalog/events.ts';
import type { Annotation } from '../entities/annotation.ts';
import type { Dataset } from '../entities/dataset.ts';
import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { EntityNotFound } from '../store/errors.ts';
import type { KeptPredictions } from './keep-tensors.ts';
import { predictedBy, toAnnotations } from './predictions.ts';

/** What was written. */
export interface WrittenPredictions {
  /** The annotations as they stand now, of all items written to. */
  annotations: Annotation[];
  /** Items that were deleted while the prediction was made; nothing was written for them. */
  goneItemIds: string[];
}

/**
 * Puts a snapshot's predictions on items in place of its earlier ones, whatever their revision: for each item, both
 * happen in one transaction. What is there already, unchanged, is not touched: the same call again changes nothing
 * and tells nobody.
 * @throws DatasetReadonly
 */
export async function writePredictions(
  platform: Platform,
  actor: Actor,
  by: Predictor,
  results: readonly KeptPredictions[],
): Promise<WrittenPredictions> {
  const written: WrittenPredictions = { annotations: [], goneItemIds: [] };
  for (const chunk of chunksOf(results)) {
    const { annotations, goneItemIds } = await platform.store.transaction((store) =>
      replaceChunk({ platform, store, actor, by }, chunk),
    );
    written.annotations.push(...annotations);
    written.goneItemIds.push(...goneItemIds);
  }
  return written;
}

/** What predicted: every annotation records it. */
export interface Predictor {
  snapshot: Readonly<Snapshot>;
  model: Readonly<Model>;
  /** Names the exact code of the adapter. */
  codeDigest: string;
}

interface Write {
  platform: Platform;
  store: EntityStore;
  actor: Actor;
  by: Predictor;
}

async function replaceChunk(write: Write, results: readonly KeptPredictions[]): Promise<WrittenPredictions> {
  const { platform, store, actor, by } = write;
  const itemIds = results.map(({ item }) => item.id);
  const alive = await store.versions('Item', itemIds);
  const earlier = await predictionsOf(store, by.snapshot.id, itemIds);
  const annotations = results
    .filter(({ item }) => alive.has(item.id))
    .flatMap((result) => toAnnotations(platform, { ...by, creator: actor.email }, result));
  const standing = annotations.map((annotation) => standingOf(annotation, earlier.get(annotation.id)));
  const changed = standing.filter((annotation) => annotation !== earlier.get(annotation.id));
  const kept = new Set(annotations.map(({ id }) => id));
  const removed = [...earlier.values()].filter(({ id, itemId }) => !kept.has(id) && alive.has(itemId));
  if (changed.length > 0 || removed.length > 0) await apply(write, { changed, removed, earlier });
  return { annotations: standing, goneItemIds: itemIds.filter((id) => !alive.has(id)) };
}

async function apply(
  { platform, store, actor }: Write,
  {
    changed,
    removed,
    earlier,
  }: { changed: Annotation[]; removed: Annotation[]; earlier: ReadonlyMap<string, Annotation> },
): Promise<void> {
  if (removed.length > 0)
    await store.delete(
      'Annotation',
      removed.map(({ id }) => id),
    );
  if (changed.length > 0) await store.upsert('Annotation', changed);
  await store.refreshAnnotationCounts([...new Set([...changed, ...removed].map(({ itemId }) => itemId))]);
  for (const [datasetId, own] of byDataset(changed, removed)) {
    const dataset = await store.get('Dataset', datasetId);
    if (!dataset) throw new EntityNotFound({ kind: 'Dataset', reference: datasetId });
    assertWritable(dataset);
    await store.appendEvents(eventsOf({ platform, actor, dataset }, own, earlier));
  }
}

function eventsOf(
  origin: { platform: Platform; actor: Actor; dataset: Dataset },
  { changed, removed }: { changed: Annotation[]; removed: Annotation[] },
  earlier: ReadonlyMap<string, Annotation>,
) {
  return [
    ...annotationEvents(
      origin,
      'Created',
      changed.filter(({ id }) => !earlier.has(id)),
    ),
    ...annotationEvents(
      origin,
      'Updated',
      changed.filter(({ id }) => earlier.has(id)),
    ),
    ...annotationEvents(origin, 'Deleted', removed),
  ];
}

/** The earlier annotation when it says the same; else the new one, with the earlier one's birthday. */
function standingOf(annotation: Annotation, earlier: Annotation | undefined): Annotation {
  if (!earlier) return annotation;
  const { creator, createdAt } = earlier;
  const same = {
    ...annotation,
    creator,
    createdAt,
    updatedAt: earlier.updatedAt,
    updatedBy: earlier.updatedBy,
  };
  return isDeepStrictEqual(same, earlier) ? earlier : { ...annotation, creator, createdAt };
}

/** The snapshot's annotations on the items, by id. */
export async function predictionsOf(
  store: EntityStore,
  snapshotId: string,
  itemIds: readonly string[],
): Promise<Map<string, Annotation>> {
  const found = new Map<string, Annotation>();
  for (const ids of chunksOf(itemIds)) {
    const annotations = await listMatches(store, 'Annotation', {
      filter: {
        $and: [{ itemId: { $in: ids } }, { 'metadata.user.model.snapshot_id': { $eq: snapshotId } }],
      },
    });
    for (const annotation of annotations) if (predictedBy(annotation)) found.set(annotation.id, annotation);
  }
  return found;
}

function byDataset(
  changed: readonly Annotation[],
  removed: readonly Annotation[],
): Map<string, { changed: Annotation[]; removed: Annotation[] }> {
  const groups = new Map<string, { changed: Annotation[]; removed: Annotation[] }>();
  const groupOf = (id: string) => {
    const group = groups.get(id) ?? { changed: [], removed: [] };
    groups.set(id, group);
    return group;
  };
  for (const annotation of changed) groupOf(annotation.datasetId).changed.push(annotation);
  for (const annotation of removed) groupOf(annotation.datasetId).removed.push(annotation);
  return groups;
}
