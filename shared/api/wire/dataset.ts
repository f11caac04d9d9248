import type { Dataset } from '../../entities/dataset.ts';
import type { JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/** The keys of the wire (docs/WIRE.md, Keys of the answers); `items`, `directoryTree` and `export` are links. */
export function datasetToWire(dataset: Dataset, baseUrl: string): JsonObject {
  const { id, name, annotated, creator, projects, metadata, driver, expirationOptions } = dataset;
  const { readableType, createdAt, accessLevel, readonly, itemsCount } = dataset;
  const link = (...parts: string[]): string => linkTo(baseUrl, 'datasets', id, ...parts);
  return {
    id,
    url: link(),
    name,
    annotated,
    creator,
    projects,
    metadata,
    directoryTree: link('directoryTree'),
    export: link('export'),
    driver,
    items: link('items'),
    readableType,
    createdAt,
    accessLevel,
    readonly,
    itemsCount,
    ...(expirationOptions != null && { expirationOptions }),
  };
}
