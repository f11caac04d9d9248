import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuiltInAdapters } from '../adapters/built-in-adapters.ts';
import type { ModelAdapterClass } from '../adapters/model-adapter.ts';
import { LOCAL_ACTOR } from '../shared/auth/actor.ts';
import { listMatches } from '../shared/catalog/all-matches.ts';
import { importAnnotations, readNewAnnotation } from '../shared/catalog/annotation-import.ts';
import { createDataset } from '../shared/catalog/datasets.ts';
import { type ImportEntry, uploadItems } from '../shared/catalog/item-import.ts';
import { createModel } from '../shared/catalog/models.ts';
import { createProject } from '../shared/catalog/projects.ts';
import { createSnapshot } from '../shared/catalog/snapshots.ts';
import { readConfig } from '../shared/config.ts';
import { LocalContentStore } from '../shared/content/local-content-store.ts';
import type { Dataset } from '../shared/entities/dataset.ts';
import type { Item, Partition } from '../shared/entities/item.ts';
import type { Model } from '../shared/entities/model.ts';
import type { Snapshot } from '../shared/entities/snapshot.ts';
import { createContainer } from '../shared/invoke/handler.ts';
import type { Container, Run } from '../shared/invoke/run.ts';
import type { JsonObject } from '../shared/json.ts';
import { openPlatform } from '../shared/open-platform.ts';
import type { Platform } from '../shared/platform.ts';
import { commitWeights } from '../shared/snapshots/commit-weights.ts';
import { stateFolder } from '../shared/state-folder.ts';
import type { CheckData, CheckFile } from './data/check-data.ts';
import { CheckDataUnusable } from './errors.ts';

/** Entry point of the adapter on the workbench: as if it were built in, whatever file it came from. */
const ENTRY_POINT = 'modelfn/adapter-under-check';
/** Of every four items of a class: two to train on, one to validate, one to test. */
const TURNS: readonly Partition[] = ['train', 'test', 'train', 'validation'];

/** A real platform in a temporary folder: SQLite, local buckets, the kit's items in a dataset, an untrained snapshot. */
export interface Workbench {
  readonly platform: Platform;
  readonly dataset: Dataset;
  readonly model: Model;
  readonly snapshot: Snapshot;
  /** Items to predict; each is labelled. */
  readonly testItems: readonly Item[];
  /** Items to predict that look like no class; may be none. */
  readonly oddItems: readonly Item[];
  /** Items that nobody can read: an empty file, and one of random bytes. */
  readonly brokenItems: readonly Item[];
  /** A process's memory: a second one has loaded nothing. */
  openContainer(): Container;
  /** A run of the kit's project, which adapters ask the entity API within. */
  openRun(): Run;
  /** A new empty folder. */
  folder(): Promise<string>;
  /** Removes all of it. */
  close(): Promise<void>;
}

/** @throws CheckDataUnusable */
export async function openWorkbench(
  adapterClass: ModelAdapterClass,
  configuration: JsonObject,
  data: CheckData,
  parent?: string | undefined,
): Promise<Workbench> {
  const root = await mkdtemp(join(tmpdir(), 'modelfn-check-'));
  const home = join(root, 'state');
  const folders = join(root, 'folders');
  const config = readConfig({
    MODELFN_HOME: home,
    MODELFN_LOCAL_ROOTS: folders,
    MODELFN_LOG_LEVEL: 'silent',
  });
  // Gone when the check is over: nothing there needs to outlive a power cut.
  const content = new LocalContentStore({ directory: stateFolder(home).contents, durable: false });
  const platform = await openPlatform(config, { content });
  const close = async () => {
    await platform.close();
    await rm(root, { recursive: true, force: true });
  };
  try {
    return {
      ...(await fill(platform, adapterClass, configuration, data, parent)),
      folder: () => folderIn(folders),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function fill(
  platform: Platform,
  adapterClass: ModelAdapterClass,
  configuration: JsonObject,
  data: CheckData,
  parentFiles: string | undefined,
): Promise<Omit<Workbench, 'folder' | 'close'>> {
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'conformance' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'items', projects: [project.id] });
  const { failures } = await uploadItems(platform, LOCAL_ACTOR, dataset.id, entriesOf(data), {
    mode: 'skip',
  });
  const [failure] = failures;
  if (failure) throw new CheckDataUnusable(failure.path, failure.error.message, 'Leave it out.');
  await annotateBoxes(platform, dataset, data);
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'model',
    projectId: project.id,
    entryPoint: ENTRY_POINT,
    className: 'Adapter',
    configuration,
  });
  const whole = { projectId: project.id, modelId: model.id, datasetId: dataset.id };
  const parent =
    parentFiles === undefined
      ? undefined
      : await createSnapshot(platform, LOCAL_ACTOR, { name: 'parent', ...whole });
  if (parent)
    await commitWeights(platform, parent, {
      source: parentFiles!,
      lineage: {},
      actor: LOCAL_ACTOR,
      executionId: platform.ids.objectId(),
    });
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    name: 'snapshot',
    ...whole,
    ...(parent && { parentId: parent.id }),
  });
  const builtIns: BuiltInAdapters = {
    has: (entryPoint) => entryPoint === ENTRY_POINT,
    load: async () => adapterClass,
  };
  const below = (folder: string) =>
    listMatches(platform.store, 'Item', {
      filter: { $and: [{ type: 'file' }, { filename: { $glob: `/${folder}/*` } }] },
      scope: { datasetId: dataset.id },
      sort: [{ field: 'filename', direction: 'ascending' }],
    });
  return {
    platform,
    dataset,
    model,
    snapshot,
    testItems: await below('test'),
    oddItems: await below('odd'),
    brokenItems: await below('broken'),
    openContainer: () => createContainer(platform, builtIns),
    openRun: () => ({
      ...{ platform, container: createContainer(platform, builtIns), actor: LOCAL_ACTOR },
      ...{ executionId: platform.ids.objectId(), projectId: project.id, deadline: undefined },
      ...{ signal: new AbortController().signal, log: platform.log, progress: () => undefined },
      assertAllRead: () => undefined,
    }),
  };
}

/** Items as they are named and where they lie, with the file each is made of. */
function* placedOf({
  classes,
}: CheckData): Generator<{ path: string; label: string; file: CheckFile; partition: Partition }> {
  let index = 0;
  for (const [label, files] of classes)
    for (const [turn, file] of files.entries()) {
      index += 1;
      const partition = TURNS[turn % TURNS.length]!;
      yield { path: `/${partition}/${nameOf(file, index)}`, label, file, partition };
    }
}

/** What a person would have drawn on the items whose files tell of a box. */
async function annotateBoxes(platform: Platform, { id }: Dataset, data: CheckData): Promise<void> {
  const boxes = new Map([...placedOf(data)].map(({ path, label, file: { box } }) => [path, { label, box }]));
  if (![...boxes.values()].some(({ box }) => box)) return;
  const items = await listMatches(platform.store, 'Item', {
    filter: { type: 'file' },
    scope: { datasetId: id },
  });
  const groups = items.flatMap((item) => {
    const { label, box } = boxes.get(item.filename) ?? {};
    if (!label || !box) return [];
    const coordinates = [
      { x: box.left, y: box.top, z: 0 },
      { x: box.right, y: box.bottom, z: 0 },
    ];
    return [{ itemId: item.id, annotations: [readNewAnnotation({ type: 'box', label, coordinates })] }];
  });
  await importAnnotations(platform, LOCAL_ACTOR, id, groups);
}

/** Names are unique without their folders, so that an item is found again whatever an adapter's layout makes of paths. */
function* entriesOf(data: CheckData): Generator<ImportEntry> {
  const { classes, odd } = data;
  let index = 0;
  for (const { path, label, file, partition } of placedOf(data)) {
    index += 1;
    yield { path, bytes: file.bytes, label, partition };
  }
  const next = (file: CheckFile) => {
    index += 1;
    return nameOf(file, index);
  };
  for (const file of odd) yield { path: `/odd/${next(file)}`, bytes: file.bytes };
  const [sample] = [...classes.values()].flat();
  if (!sample) return;
  yield { path: `/train/${next(sample)}`, bytes: sample.bytes, partition: 'train' };
  const noise = Uint8Array.from({ length: 64 }, (_, position) => 0xff - (position % 7));
  for (const bytes of [new Uint8Array(), noise]) yield { path: `/broken/${next(sample)}`, bytes };
}

function nameOf({ extension }: CheckFile, index: number): string {
  return `item-${String(index).padStart(4, '0')}${extension}`;
}

async function folderIn(folders: string): Promise<string> {
  const folder = join(folders, randomUUID());
  await mkdir(folder, { recursive: true });
  return folder;
}
