import { isoTime } from '../clock.ts';
import type { Annotation } from '../entities/annotation.ts';
import { canonicalJson, type JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { chunksOf } from './all-matches.ts';
import { annotationEvents, type EventOrigin } from './events.ts';
import { nextMetadata } from './next-metadata.ts';

/** `patchItems` for annotations: merges `metadata` into each one's within a transaction that is open. */
export async function patchAnnotations(
  origin: EventOrigin & { platform: Pick<Platform, 'ids' | 'clock'> },
  store: EntityStore,
  annotations: readonly Annotation[],
  metadata: JsonObject,
  options: { system: boolean },
): Promise<number> {
  const updatedAt = isoTime(origin.platform.clock);
  const changed = annotations.flatMap((annotation): Annotation[] => {
    const next = nextMetadata(annotation.metadata, metadata, options.system);
    return canonicalJson(next) === canonicalJson(annotation.metadata)
      ? []
      : [{ ...annotation, metadata: next, updatedAt, updatedBy: origin.actor.email }];
  });
  for (const chunk of chunksOf(changed)) {
    await store.upsert('Annotation', chunk);
    await store.appendEvents(annotationEvents(origin, 'Updated', chunk));
  }
  return changed.length;
}
