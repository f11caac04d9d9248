import type { Annotation } from '../../entities/annotation.ts';
import type { JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/** The keys of the wire (docs/WIRE.md, Keys of the answers). A `class` annotation has no coordinates. */
export function annotationToWire(annotation: Annotation, baseUrl: string): JsonObject {
  const { coordinates, labelSuggestions, ...fields } = annotation;
  return {
    ...fields,
    url: linkTo(baseUrl, 'annotations', annotation.id),
    item: linkTo(baseUrl, 'items', annotation.itemId),
    dataset: linkTo(baseUrl, 'datasets', annotation.datasetId),
    ...(annotation.type !== 'class' && coordinates !== undefined && { coordinates }),
    ...(labelSuggestions !== undefined && { labelSuggestions }),
  };
}
