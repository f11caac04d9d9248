import type { ModelAdapterClass } from '../../adapters/model-adapter.ts';
import type { Model } from '../entities/model.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { deepFreeze, type JsonObject, mergePatch } from '../json.ts';

/**
 * What an adapter runs with: the class's defaults, the model's configuration over them, the snapshot's over that.
 * Objects merge, all else replaces, `null` takes a default away. The result is new and frozen: reading a default never
 * writes it anywhere.
 */
export function effectiveConfiguration(
  adapterClass: Pick<ModelAdapterClass, 'defaults'>,
  model: Pick<Model, 'configuration'>,
  snapshot: Pick<Snapshot, 'configuration'>,
): Readonly<JsonObject> {
  const defaults = structuredClone(adapterClass.defaults ?? {}) as JsonObject;
  const layers = [model.configuration, snapshot.configuration].map(
    (layer) => structuredClone(layer) as JsonObject,
  );
  return deepFreeze(layers.reduce(mergePatch, defaults));
}
