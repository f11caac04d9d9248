import { allMatches } from '../catalog/all-matches.ts';
import { queryOf, withGroundTruth } from '../datasets/partition-data.ts';
import type { Annotation } from '../entities/annotation.ts';
import { type Item, PARTITIONS, type Partition, systemMetadata } from '../entities/item.ts';
import type { FormatAnnotation, FormatItem, FormatSource } from '../formats/format.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import type { Query } from '../query/query.ts';

/** Items that are in no partition. */
const UNASSIGNED = 'unassigned';

/** What people said about a dataset's items, as formats take it, page by page from the store. */
export interface AnnotationSource extends FormatSource {
  /** Number of items by partition; those without any are left out. */
  readonly counts: Readonly<Record<string, number>>;
  /** The items themselves, in the same order. */
  files(partition: string): AsyncIterable<Item>;
}

/** `all` is every partition, and the items that are in none. */
export async function openAnnotationSource(
  { store }: Pick<Platform, 'store'>,
  from: {
    datasetId: string;
    partition: Partition | 'all';
    filter: JsonObject | undefined;
    labels: readonly string[];
  },
): Promise<AnnotationSource> {
  const { datasetId, partition, filter, labels } = from;
  const wanted = partition === 'all' ? [...PARTITIONS, UNASSIGNED] : [partition];
  const queryFor = (name: string): Query =>
    name === UNASSIGNED
      ? queryOf({ datasetId, partition: 'all', filter: withoutPartition(filter) })
      : queryOf({ datasetId, partition: name as Partition, filter });
  const counts: Record<string, number> = {};
  for (const name of wanted) {
    const count = await store.count('Item', queryFor(name));
    if (count > 0) counts[name] = count;
  }
  return {
    labels,
    partitions: Object.keys(counts),
    counts,
    async *items(name) {
      for await (const page of allMatches(store, 'Item', queryFor(name)))
        for await (const { item, annotations } of withGroundTruth({ store }, page))
          yield formatItem(item, annotations);
    },
    async *files(name) {
      for await (const page of allMatches(store, 'Item', queryFor(name))) yield* page;
    },
  };
}

/** The path that an item has in the files of a format. */
export function pathOf({ filename }: Pick<Item, 'filename'>): string {
  return filename.slice(1);
}

function withoutPartition(filter: JsonObject | undefined): JsonObject {
  const none: JsonObject = { 'metadata.system.snapshotPartition': { $exists: false } };
  return filter === undefined ? none : { $and: [none, filter] };
}

function formatItem(item: Item, annotations: readonly Annotation[]): FormatItem {
  const { width, height } = systemMetadata(item);
  return {
    path: pathOf(item),
    width: typeof width === 'number' ? width : undefined,
    height: typeof height === 'number' ? height : undefined,
    annotations: annotations.map(formatAnnotation),
  };
}

function formatAnnotation(annotation: Annotation): FormatAnnotation {
  const { type, label, attributes, coordinates, metadata, labelSuggestions } = annotation;
  return {
    type,
    label,
    attributes,
    ...(coordinates !== undefined && { coordinates }),
    metadata,
    ...(labelSuggestions !== undefined && { labelSuggestions }),
  };
}
