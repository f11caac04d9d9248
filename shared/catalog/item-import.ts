import type { Actor } from '../auth/actor.ts';
import { type Partition, systemMetadata } from '../entities/item.ts';
import { labelNodeSchema } from '../entities/ontology.ts';
import { Cancelled, type ErrorBody, isModelfnError, toErrorBody } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { assertWritable, datasetFor } from './access.ts';
import { itemsAt } from './folders.ts';
import { readItemPath } from './item-path.ts';
import {
  type ArrivedFile,
  placeFiles,
  receiveFile,
  type UploadMode,
  type UploadOutcome,
} from './item-upload.ts';
import { labelItems } from './label-items.ts';

const BATCH_SIZE = 500;
const PARALLEL_CONTENTS = 8;
/** What can be wrong with one entry alone; anything else stops the import. */
const ENTRY_CODES: readonly string[] = ['InvalidItemPath', 'InvalidInput', 'ItemTooLarge', 'Conflict'];

/** One file to import: `bytes`, or a `source` that is read once. */
export interface ImportEntry {
  path: string;
  bytes?: Uint8Array;
  source?: AsyncIterable<Uint8Array>;
  metadata?: JsonObject;
  /** Gives the item a class annotation by the actor, and the dataset's ontology the label. */
  label?: string;
  partition?: Partition;
}

export interface ImportResult {
  created: number;
  overwritten: number;
  /** Paths that were taken and left as they are (mode `skip`), annotations too. */
  existed: number;
  /** Entries that could not be taken in, each with its reason. */
  failures: { path: string; error: ErrorBody }[];
  /** Images that were taken in and cannot be decoded, each with its reason. */
  unreadable: { path: string; problem: string }[];
}

export interface ImportOptions {
  mode: UploadMode;
  /** Called after each batch with the number of entries dealt with so far. */
  onProgress?: (done: number) => void;
  signal?: AbortSignal;
}

/**
 * Imports many files: contents a few at a time, items in batches of which each lands whole or not at all. Stopped
 * half-way, it is finished by running it again. @throws EntityNotFound, DatasetReadonly; Cancelled on abort, after
 * which the batches before stay.
 */
export async function uploadItems(
  platform: Platform,
  actor: Actor,
  datasetId: string,
  entries: AsyncIterable<ImportEntry> | Iterable<ImportEntry>,
  { mode, onProgress, signal }: ImportOptions,
): Promise<ImportResult> {
  assertWritable(await datasetFor(platform.store, actor, datasetId));
  const result: ImportResult = { created: 0, overwritten: 0, existed: 0, failures: [], unreadable: [] };
  const target: ImportTarget = { platform, actor, datasetId, mode };
  const iterator = iterate(entries);
  let done = 0;
  try {
    for (;;) {
      const batch = await receiveBatch(target, iterator, result, signal);
      if (batch.size === 0) return result;
      await placeBatch(target, batch.arrived, result);
      done += batch.size;
      onProgress?.(done);
    }
  } finally {
    await iterator.return?.(undefined);
  }
}

interface ImportTarget {
  platform: Platform;
  actor: Actor;
  datasetId: string;
  mode: UploadMode;
}

interface Arrival {
  entry: ImportEntry;
  file: ArrivedFile;
}

/** Takes up to a batch of entries and stores their bytes; their order is kept. */
async function receiveBatch(
  target: ImportTarget,
  iterator: AsyncGenerator<ImportEntry>,
  result: ImportResult,
  signal: AbortSignal | undefined,
): Promise<{ size: number; arrived: Arrival[] }> {
  const arrived: (Arrival | undefined)[] = [];
  let taken = 0;
  let size = 0;
  const work = async (): Promise<void> => {
    while (taken < BATCH_SIZE) {
      const index = taken++;
      if (signal?.aborted) throw new Cancelled('The import', signal.reason);
      const step = await iterator.next();
      if (step.done) return;
      size += 1;
      arrived[index] = await receiveEntry(target, step.value, result);
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: PARALLEL_CONTENTS }, work));
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  return { size, arrived: arrived.filter((each) => each !== undefined) };
}

async function receiveEntry(
  target: ImportTarget,
  entry: ImportEntry,
  result: ImportResult,
): Promise<Arrival | undefined> {
  try {
    const path = readItemPath(entry.path);
    if (entry.label !== undefined) parse(labelNodeSchema.shape.tag, entry.label, 'label');
    if (await isLeftAlone(target, path.filename)) {
      result.existed += 1;
      return undefined;
    }
    const bytes = entry.bytes ?? entry.source ?? new Uint8Array();
    const file = await receiveFile(target.platform, path, bytes, metadataOf(entry));
    const problem = file.media.unreadable;
    if (problem !== undefined) result.unreadable.push({ path: entry.path, problem });
    return { entry, file };
  } catch (error) {
    noteFailure(result, entry, error);
    return undefined;
  }
}

/** A path that is taken is not read at all: an import run again takes little time. */
async function isLeftAlone({ platform, datasetId, mode }: ImportTarget, filename: string): Promise<boolean> {
  if (mode !== 'skip') return false;
  return (await itemsAt(platform.store, datasetId, [filename])).get(filename)?.type === 'file';
}

function metadataOf({ metadata, partition }: ImportEntry): JsonObject {
  if (partition === undefined) return metadata ?? {};
  return {
    ...metadata,
    system: { ...systemMetadata({ metadata: metadata ?? {} }), snapshotPartition: partition },
  };
}

/** All at once; where one entry spoils that, one by one, so that only the bad ones are left out. */
async function placeBatch(
  target: ImportTarget,
  arrivals: readonly Arrival[],
  result: ImportResult,
): Promise<void> {
  if (arrivals.length === 0) return;
  try {
    count(result, await placeTogether(target, arrivals));
  } catch (error) {
    if (!isEntryFault(error)) throw error;
    if (arrivals.length === 1) noteFailure(result, arrivals[0]!.entry, error);
    else for (const arrival of arrivals) await placeBatch(target, [arrival], result);
  }
}

function placeTogether(
  { platform, actor, datasetId, mode }: ImportTarget,
  arrivals: readonly Arrival[],
): Promise<UploadOutcome[]> {
  return platform.store.transaction(async (store) => {
    const dataset = await datasetFor(store, actor, datasetId);
    assertWritable(dataset);
    const origin = { platform, actor, dataset };
    const files = arrivals.map(({ file }) => file);
    const outcomes = await placeFiles(origin, store, files, mode);
    await labelItems(origin, store, labelsOfOutcomes(arrivals, outcomes));
    return outcomes;
  });
}

/** Labels by item id; of two for one item the last. An item that was left as it is keeps its annotations too. */
function labelsOfOutcomes(
  arrivals: readonly Arrival[],
  outcomes: readonly UploadOutcome[],
): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [index, { entry }] of arrivals.entries()) {
    const { item, op } = outcomes[index]!;
    if (entry.label !== undefined && op !== 'exist') labels.set(item.id, entry.label);
  }
  return labels;
}

function count(result: ImportResult, outcomes: readonly UploadOutcome[]): void {
  const fieldOf = { created: 'created', overwrite: 'overwritten', exist: 'existed' } as const;
  for (const { op } of outcomes) result[fieldOf[op]] += 1;
}

function noteFailure(result: ImportResult, entry: ImportEntry, error: unknown): void {
  if (!isEntryFault(error)) throw error;
  result.failures.push({ path: entry.path, error: toErrorBody(error) });
}

function isEntryFault(error: unknown): boolean {
  return isModelfnError(error) && ENTRY_CODES.includes(error.code);
}

async function* iterate(
  entries: AsyncIterable<ImportEntry> | Iterable<ImportEntry>,
): AsyncGenerator<ImportEntry> {
  yield* entries;
}
