import type { ModelAdapterClass } from '../../adapters/model-adapter.ts';
import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { deepFreeze, type JsonObject, mergePatch } from '../json.ts';

/**
 * What an adapter runs with: the class's defaults, the model's configuration over them, the snapshot's over that.
 * Objects merge, all else replaces, `null` takes a default away; for classes with `replacesConfiguration` every value replaces. The result is new and frozen: reading a default never
 * writes it anywhere.
 */
export function effectiveConfiguration(
  adapterClass: Pick<ModelAdapterClass, 'defaults' | 'replacesConfiguration'>,
  model: Pick<Model, 'configuration'>,
  snapshot: Pick<Snapshot, 'configuration'>,
): Readonly<JsonObject> {
  const defaults = structuredClone(adapterClass.defaults ?? {}) as JsonObject;
  const layers = [model.configuration, snapshot.configuration].map(
    (layer) => structuredClone(layer) as JsonObject,
  );
  if (adapterClass.replacesConfiguration === true)
    return deepFreeze(Object.assign(defaults, ...layers) as JsonObject);
  return deepFreeze(layers.reduce(mergePatch, defaults));
}
