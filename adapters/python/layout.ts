import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { relativePathProblem } from '../../shared/content/relative-path.ts';
import type { Annotation } from '../../shared/entities/annotation.ts';
import type { Item } from '../../shared/entities/item.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { LabelledInput, PartitionData } from '../model-adapter.ts';

/** Data on disk, as the host is told of it. */
export interface LaidOutData extends JsonObject {
  /** Holds `<partition>/items/<path>` and `<partition>/json/<path>.json`. */
  directory: string;
  /** By partition: a file with a line of JSON for each item, in order. */
  indexes: Record<string, string>;
}

/**
 * Writes partitions to disk as the Dataloop SDK downloads them: an item under its own path, and beside it a JSON file with the
 * item and what people said about it. One item is in memory at a time.
 * @throws the signal's reason, and what reading an item fails with
 */
export async function layOut(
  folder: string,
  partitions: readonly PartitionData<unknown>[],
  signal: AbortSignal,
): Promise<LaidOutData> {
  const directory = join(folder, 'data');
  const indexes: Record<string, string> = {};
  for (const data of partitions) {
    const index = join(folder, `${data.partition}.jsonl`);
    await layOutPartition(join(directory, data.partition), index, data, signal);
    indexes[data.partition] = index;
  }
  return { directory, indexes };
}

async function layOutPartition(
  directory: string,
  index: string,
  data: PartitionData<unknown>,
  signal: AbortSignal,
): Promise<void> {
  for (const folder of ['items', 'json']) await mkdir(join(directory, folder), { recursive: true });
  const lines = createWriteStream(index);
  try {
    for await (const labelled of data.inputs()) {
      signal.throwIfAborted();
      const entry = await layOutItem(directory, labelled);
      if (!lines.write(`${JSON.stringify(entry)}\n`)) await once(lines, 'drain');
    }
  } finally {
    lines.end();
    await once(lines, 'close');
  }
}

async function layOutItem(
  directory: string,
  { input, annotations, label }: LabelledInput,
): Promise<JsonObject> {
  const { item } = input;
  const path = pathOf(item);
  const wire = annotations.map(annotationOf);
  const file = join(directory, 'items', path);
  const { dir, name } = posix.parse(path);
  const json = join(directory, 'json', dir, `${name}.json`);
  for (const each of [file, json]) await mkdir(dirname(each), { recursive: true });
  await writeFile(file, await input.bytes());
  await writeFile(json, JSON.stringify({ ...itemOf(item), annotations: wire }));
  return { path, item: itemOf(item), annotations: wire, label: label ?? null };
}

/** Names come from outside; the id stands in for one that is no plain path. */
function pathOf(item: Readonly<Item>): string {
  const path = item.filename.replace(/^\/+/, '');
  return relativePathProblem(path) === undefined ? path : item.id;
}

/** What an adapter is told of an item. */
export function itemOf({ id, datasetId, filename, name, dir, metadata }: Readonly<Item>): JsonObject {
  return { id, datasetId, filename, name, dir, metadata };
}

/** The keys of the wire, without links: the SDK reads an annotation by them. */
function annotationOf({
  coordinates,
  labelSuggestions,
  content: _internal,
  ...fields
}: Readonly<Annotation>): JsonObject {
  return {
    ...fields,
    ...(coordinates !== undefined && { coordinates }),
    ...(labelSuggestions !== undefined && { labelSuggestions }),
  };
}
