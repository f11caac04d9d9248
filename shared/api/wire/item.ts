import type { Item } from '../../entities/item.ts';
import type { JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/** The keys of the wire (docs/WIRE.md, Keys of the answers): `annotations`, `dataset` and `stream` are links, where its bytes lie is not told. */
export function itemToWire(item: Item, baseUrl: string): JsonObject {
  const { id, datasetId, name, type, filename, dir, hidden, annotated } = item;
  const { annotationsCount, metadata, createdAt, spec, creator } = item;
  return {
    id,
    url: linkTo(baseUrl, 'items', id),
    name,
    type,
    filename,
    dir,
    hidden,
    annotated,
    metadata,
    stream: type === 'file' ? linkTo(baseUrl, 'items', id, 'stream') : null,
    thumbnail: null,
    annotations: linkTo(baseUrl, 'datasets', datasetId, 'items', id, 'annotations'),
    annotationsCount,
    dataset: linkTo(baseUrl, 'datasets', datasetId),
    createdAt,
    datasetId,
    creator,
    ...(spec != null && { spec }),
  };
}
