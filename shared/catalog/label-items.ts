import { isoTime } from '../clock.ts';
import type { Annotation } from '../entities/annotation.ts';
import type { Item } from '../entities/item.ts';
import { derivedId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { annotationEvents, type EventOrigin } from './events.ts';
import { ensureLabels } from './labels.ts';

/**
 * Gives items the class annotations that their imports came with, and the ontology the labels, within a transaction that
 * is open.
 */
export async function labelItems(
  origin: EventOrigin & { platform: Platform },
  store: EntityStore,
  labelled: ReadonlyMap<Item['id'], string>,
): Promise<void> {
  if (labelled.size === 0) return;
  const made = [...labelled].map(([itemId, label]) => classAnnotation(origin, itemId, label));
  await ensureLabels(origin, store, [...new Set(made.map(({ label }) => label))]);
  await store.upsert('Annotation', made);
  await store.refreshAnnotationCounts(made.map(({ itemId }) => itemId));
  await store.appendEvents(annotationEvents(origin, 'Created', made));
}

/** One per item whatever its label, so that importing again with another label replaces it. */
function classAnnotation(
  { platform, actor, dataset }: EventOrigin & { platform: Platform },
  itemId: string,
  label: string,
): Annotation {
  const now = isoTime(platform.clock);
  return {
    id: derivedId('import', itemId),
    datasetId: dataset.id,
    itemId,
    type: 'class',
    label,
    attributes: [],
    metadata: { system: {} },
    creator: actor.email,
    createdAt: now,
    updatedAt: now,
    updatedBy: actor.email,
    source: 'import',
    hash: null,
  };
}
