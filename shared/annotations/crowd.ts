import { isJsonObject, type JsonObject } from '../json.ts';

/**
 * True for an annotation of a crowd, as COCO calls a region with many that nobody counted. It is kept as
 * `metadata.user.isCrowd`.
 */
export function isCrowd({ metadata }: { metadata: JsonObject }): boolean {
  return isJsonObject(metadata.user) && metadata.user.isCrowd === true;
}
