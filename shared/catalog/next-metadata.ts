import { systemMetadata } from '../entities/item.ts';
import { type JsonObject, mergePatch } from '../json.ts';

/** The merged metadata; `system` stays an object, and stays as it was unless the caller may change it. */
export function nextMetadata(current: JsonObject, patch: JsonObject, system: boolean): JsonObject {
  const merged = mergePatch(current, patch);
  merged.system = system ? systemMetadata({ metadata: merged }) : (current.system ?? {});
  return merged;
}
