import type { Annotation } from '../../entities/annotation.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/**
 * The keys of the wire (docs/WIRE.md, Keys of the answers). A `class` annotation has no coordinates; those of a tensor that is
 * a file say where it is.
 */
export function annotationToWire(annotation: Annotation, baseUrl: string): JsonObject {
  const { coordinates, labelSuggestions, content, ...fields } = annotation;
  const artifact = content && { artifact: linkTo(baseUrl, 'annotations', annotation.id, 'stream') };
  return {
    ...fields,
    url: linkTo(baseUrl, 'annotations', annotation.id),
    item: linkTo(baseUrl, 'items', annotation.itemId),
    dataset: linkTo(baseUrl, 'datasets', annotation.datasetId),
    ...(annotation.type !== 'class' &&
      coordinates !== undefined && {
        coordinates: artifact && isJsonObject(coordinates) ? { ...coordinates, ...artifact } : coordinates,
      }),
    ...(labelSuggestions !== undefined && { labelSuggestions }),
  };
}
