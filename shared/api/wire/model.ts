import type { Model } from '../../entities/model.ts';
import type { JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';
import { contextOf, type Reader } from './sdk-entity.ts';

/** The keys of the wire (docs/WIRE.md, Keys of the answers); `configuration` beside them, left out while it is empty. */
export function modelToWire(model: Model, baseUrl: string, { readsContext }: Reader): JsonObject {
  const { revisions: _internal, configuration, ...fields } = model;
  return {
    ...fields,
    ...(Object.keys(configuration).length > 0 && { configuration }),
    ...(readsContext && { ...contextOf(model), defaultConfiguration: configuration }),
    url: linkTo(baseUrl, 'models', model.id),
  } as JsonObject;
}
