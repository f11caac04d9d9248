import type {
  ItemInput,
  LabelledInput,
  LabelledSample,
  PartitionData,
} from '../../adapters/model-adapter.ts';
import { classLabelOf, predictedBy } from '../annotations/predictions.ts';
import { allMatches, chunksOf, listMatches } from '../catalog/all-matches.ts';
import type { Annotation } from '../entities/annotation.ts';
import type { Item, Partition } from '../entities/item.ts';
import { createItemInput } from '../inputs/item-input.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import type { Query } from '../query/query.ts';
import { type FailedItem, mapItems } from './map-items.ts';
import { assertFewUnreadable, type UnreadableLimit } from './unreadable-share.ts';

/** Items that the latest complete pass over a partition used and left out. */
export interface LeftOut {
  /** Items that could not be prepared. */
  failed: FailedItem[];
  /** Items without a class label. */
  unlabelled: number;
}

/** A partition as an adapter gets it, and what was left out of it so far. */
export interface OpenPartition<Sample> extends PartitionData<Sample> {
  readonly leftOut: LeftOut;
  /** Number of items that were not left out. */
  readonly used: number;
}

/** Which items of a dataset a run reads, and how many of them it may leave out. */
export interface PartitionRequest {
  datasetId: string;
  /** `all`: every file. */
  partition: Partition | 'all';
  filter?: JsonObject | undefined;
  /** 0..1; see `assertFewUnreadable`. The setting of the process when missing. */
  maxUnreadableShare?: number | undefined;
}

/** Opens an item's bytes. Nothing is read before the adapter asks. */
export function inputOf(
  { content, config }: Pick<Platform, 'content' | 'config'>,
  item: Readonly<Item>,
): ItemInput {
  return createItemInput(item, () => content.bytes(item.content!), config);
}

/** The items of one partition of a dataset, in order of filename, with their ground truth. */
export async function openPartition<Sample>(
  platform: Platform,
  from: PartitionRequest,
  prepare: (input: ItemInput) => Promise<Sample> | Sample,
  signal: AbortSignal,
): Promise<OpenPartition<Sample>> {
  const query = queryOf(from);
  const count = await platform.store.count('Item', query);
  const leftOut: LeftOut = { failed: [], unlabelled: 0 };
  const inputs = (): AsyncIterable<LabelledInput> => readInputs(platform, query);
  const limit: UnreadableLimit = {
    share: from.maxUnreadableShare ?? platform.config.maxUnreadableShare,
    from: from.partition === 'all' ? 'the dataset' : `the ${from.partition} partition`,
  };
  const pass = { prepare, leftOut, signal, count, limit };
  return {
    partition: from.partition === 'all' ? 'train' : from.partition,
    count,
    leftOut,
    get used() {
      return Math.max(0, count - leftOut.unlabelled - leftOut.failed.length);
    },
    inputs,
    samples: () => prepareAll(inputs(), pass),
    stream: (skip = () => false) => prepareInTurn(inputs(), pass, skip),
  };
}

/** The query of a partition's files. */
export function queryOf({
  datasetId,
  partition,
  filter,
}: {
  datasetId: string;
  partition: Partition | 'all';
  filter?: JsonObject | undefined;
}): Query {
  return {
    filter: {
      $and: [
        { type: 'file' },
        { hidden: false },
        ...(partition === 'all' ? [] : [{ 'metadata.system.snapshotPartition': partition }]),
        ...(filter ? [filter] : []),
      ],
    },
    scope: { datasetId },
    sort: [{ field: 'filename', direction: 'ascending' }],
  };
}

async function* readInputs(platform: Platform, query: Query): AsyncGenerator<LabelledInput> {
  for await (const page of allMatches(platform.store, 'Item', query)) {
    for await (const { item, annotations } of withGroundTruth(platform, page))
      yield { input: inputOf(platform, item), annotations, label: classLabelOf(annotations) };
  }
}

/** Annotations in memory at once, where no single item has more. */
const MOST_ANNOTATIONS = 2_000;

/** An item and annotations of it, in order of creation. */
export interface AnnotatedItem {
  item: Readonly<Item>;
  annotations: Annotation[];
}

/** Each item with what people said about it, in the order of the items. Memory: that of a few items, however many there are. */
export async function* withGroundTruth(
  platform: Pick<Platform, 'store'>,
  items: readonly Readonly<Item>[],
): AsyncGenerator<AnnotatedItem> {
  for await (const { item, annotations } of withAnnotations(platform, items))
    yield { item, annotations: annotations.filter((each) => !predictedBy(each)) };
}

/** Each item with all its annotations, by people and by snapshots; order and memory as above. */
export async function* withAnnotations(
  platform: Pick<Platform, 'store'>,
  items: readonly Readonly<Item>[],
): AsyncGenerator<AnnotatedItem> {
  for (let from = 0; from < items.length; ) {
    let to = from + 1;
    let count = items[from]!.annotationsCount;
    while (to < items.length && count + items[to]!.annotationsCount <= MOST_ANNOTATIONS) {
      count += items[to]!.annotationsCount;
      to += 1;
    }
    const part = items.slice(from, to);
    const byItem = await annotationsOf(platform, part);
    for (const item of part) yield { item, annotations: byItem.get(item.id) ?? [] };
    from = to;
  }
}

async function annotationsOf(
  { store }: Pick<Platform, 'store'>,
  items: readonly Readonly<Item>[],
): Promise<Map<string, Annotation[]>> {
  const byItem = new Map<string, Annotation[]>();
  for (const chunk of chunksOf(items.filter(({ annotated }) => annotated))) {
    const annotations = await listMatches(store, 'Annotation', {
      filter: { itemId: { $in: chunk.map(({ id }) => id) } },
    });
    for (const annotation of annotations) {
      const own = byItem.get(annotation.itemId) ?? [];
      byItem.set(annotation.itemId, own);
      own.push(annotation);
    }
  }
  return byItem;
}

/** Items of a stream that are prepared at once, and in memory together. */
const STREAMED = 32;

/** One pass over the labelled items of a partition. */
interface Pass<Sample> {
  prepare(input: ItemInput): Promise<Sample> | Sample;
  leftOut: LeftOut;
  signal: AbortSignal;
  /** Number of items, labelled or not. */
  count: number;
  limit: UnreadableLimit;
}

async function* prepareInTurn<Sample>(
  inputs: AsyncIterable<LabelledInput>,
  pass: Pass<Sample>,
  skip: (input: LabelledInput) => boolean,
): AsyncGenerator<LabelledSample<Sample>> {
  const { leftOut, count, limit } = pass;
  leftOut.unlabelled = 0;
  leftOut.failed = [];
  let labelled = 0;
  let waiting: (LabelledInput & { label: string })[] = [];
  const prepareWaiting = async () => {
    const { samples, failed } = await prepareBatch(waiting, pass);
    leftOut.failed.push(...failed);
    waiting = [];
    // Fails early: the labelled items are counted at the end, and there are at most `count`.
    assertFewUnreadable(leftOut.failed, Math.max(count, labelled), limit);
    return samples;
  };
  for await (const each of inputs) {
    if (each.label === undefined) leftOut.unlabelled += 1;
    else {
      labelled += 1;
      if (!skip(each)) waiting.push({ ...each, label: each.label });
    }
    if (waiting.length >= STREAMED) yield* await prepareWaiting();
  }
  yield* await prepareWaiting();
  assertFewUnreadable(leftOut.failed, labelled, limit);
}

async function prepareAll<Sample>(
  inputs: AsyncIterable<LabelledInput>,
  pass: Pass<Sample>,
): Promise<LabelledSample<Sample>[]> {
  const { leftOut, limit } = pass;
  const labelled: (LabelledInput & { label: string })[] = [];
  leftOut.unlabelled = 0;
  for await (const each of inputs) {
    if (each.label === undefined) leftOut.unlabelled += 1;
    else labelled.push({ ...each, label: each.label });
  }
  const { samples, failed } = await prepareBatch(labelled, pass);
  leftOut.failed = failed;
  assertFewUnreadable(failed, labelled.length, limit);
  return samples;
}

async function prepareBatch<Sample>(
  entries: readonly (LabelledInput & { label: string })[],
  { prepare, signal }: Pass<Sample>,
): Promise<{ samples: LabelledSample<Sample>[]; failed: FailedItem[] }> {
  const { done, failed } = await mapItems(
    entries,
    ({ input }) => input.item,
    ({ input }) => prepare(input),
    signal,
  );
  return { samples: done.map(({ from, result }) => ({ ...from, sample: result })), failed };
}
