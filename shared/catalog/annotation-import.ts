import type { Actor } from '../auth/actor.ts';
import { type Annotation, type NewAnnotation, newAnnotationSchema } from '../entities/annotation.ts';
import { labelNodeSchema } from '../entities/ontology.ts';
import { derivedId } from '../ids.ts';
import { canonicalJson } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { assertWritable, datasetFor } from './access.ts';
import { newAnnotation } from './annotations.ts';
import { annotationEvents } from './events.ts';
import { ensureLabels } from './labels.ts';

/** Annotations of one item, as they are to be. */
export interface AnnotationGroup {
  itemId: string;
  annotations: readonly NewAnnotation[];
}

/** An annotation from a file. @throws InvalidInput */
export function readNewAnnotation(value: unknown): NewAnnotation {
  const annotation = parse(newAnnotationSchema, value, 'annotation');
  parse(labelNodeSchema.shape.tag, annotation.label, 'label');
  return annotation;
}

/**
 * Adds annotations to items of a dataset, all or none, and the labels to its ontology. An id follows from the item and
 * from what the annotation says: the same import again finds its own there and changes nothing. Groups of items that
 * are gone are passed over. @throws EntityNotFound, DatasetReadonly
 */
export async function importAnnotations(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  groups: readonly AnnotationGroup[],
): Promise<{ created: number; existed: number }> {
  return platform.store.transaction(async (store) => {
    const dataset = await datasetFor(store, actor, datasetId);
    assertWritable(dataset);
    const alive = await store.versions('Item', [...new Set(groups.map(({ itemId }) => itemId))]);
    const found = groups
      .filter(({ itemId }) => alive.has(itemId))
      .flatMap((group) => annotationsOf({ platform, actor, datasetId }, group));
    const standing = await store.versions(
      'Annotation',
      found.map(({ id }) => id),
    );
    const made = found.filter(({ id }) => !standing.has(id));
    if (made.length > 0) {
      const origin = { platform, actor, dataset };
      await ensureLabels(origin, store, [...new Set(made.map(({ label }) => label))]);
      await store.insert('Annotation', made);
      await store.refreshAnnotationCounts([...new Set(made.map(({ itemId }) => itemId))]);
      await store.appendEvents(annotationEvents(origin, 'Created', made));
    }
    return { created: made.length, existed: found.length - made.length };
  });
}

function annotationsOf(
  { platform, actor, datasetId }: { platform: Platform; actor: Actor; datasetId: string },
  { itemId, annotations }: AnnotationGroup,
): Annotation[] {
  const seen = new Map<string, number>();
  return annotations.map((given) => {
    const said = canonicalJson(given);
    const times = seen.get(said) ?? 0;
    seen.set(said, times + 1);
    const id = derivedId('import', itemId, said, times);
    return newAnnotation(platform, actor, { id: itemId, datasetId }, given, { id, source: 'import' });
  });
}
