import type { Annotation } from '../entities/annotation.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { chunksOf } from './all-matches.ts';
import { annotationEvents, type EventOrigin } from './events.ts';

/** Takes annotations of one dataset out of the store within a transaction that is open; their items' counts follow. */
export async function removeAnnotations(
  origin: EventOrigin,
  store: EntityStore,
  annotations: readonly Annotation[],
): Promise<void> {
  for (const chunk of chunksOf(annotations)) {
    await store.delete(
      'Annotation',
      chunk.map(({ id }) => id),
    );
    await store.refreshAnnotationCounts([...new Set(chunk.map(({ itemId }) => itemId))]);
    await store.appendEvents(annotationEvents(origin, 'Deleted', chunk));
  }
}
