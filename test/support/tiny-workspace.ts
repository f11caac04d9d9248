import type { BuiltInAdapters } from '../../adapters/built-in-adapters.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createDataset } from '../../shared/catalog/datasets.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import type { Config } from '../../shared/config.ts';
import type { Dataset } from '../../shared/entities/dataset.ts';
import type { Item } from '../../shared/entities/item.ts';
import type { Model } from '../../shared/entities/model.ts';
import type { Project } from '../../shared/entities/project.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import type { Container } from '../../shared/invoke/run.ts';
import { openTestPlatform, type TestPlatform } from './test-platform.ts';
import { type TinyProbe, tinyAdapters } from './tiny-adapter.ts';

/** A project with labelled numbers, a model and an untrained snapshot, in a container of its own. */
export interface TinyWorkspace {
  platform: TestPlatform;
  container: Container;
  builtIns: BuiltInAdapters;
  probe: TinyProbe;
  project: Project;
  dataset: Dataset;
  model: Model;
  snapshot: Snapshot;
  /** Items by filename. */
  items: ReadonlyMap<string, Item>;
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Low numbers are `low`, high ones `high`; three of each to train on, two of each to test. */
export async function openTinyWorkspace(
  options: { probe?: Partial<TinyProbe>; config?: Partial<Config> } = {},
): Promise<TinyWorkspace> {
  const platform = await openTestPlatform(options.config);
  const { builtIns, probe } = tinyAdapters(options.probe);
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'tiny' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'numbers', projects: [project.id] });
  const entries = [1, 2, 3, 11, 12, 13].map((x) => entryOf('train', x));
  entries.push(...[0, 4, 10, 14].map((x) => entryOf('test', x)));
  await uploadItems(platform, LOCAL_ACTOR, dataset.id, entries, { mode: 'skip' });
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'tiny',
    projectId: project.id,
    entryPoint: 'modelfn/tiny',
    className: 'TinyAdapter',
  });
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    name: 'first',
    projectId: project.id,
    modelId: model.id,
    datasetId: dataset.id,
  });
  const { items } = await platform.store.query('Item', { filter: { type: 'file' } });
  return {
    platform,
    container: createContainer(platform, builtIns),
    builtIns,
    probe,
    project,
    dataset,
    model,
    snapshot,
    items: new Map(items.map((item) => [item.filename, item])),
  };
}

function entryOf(partition: 'train' | 'test', x: number) {
  const label = x < 7 ? 'low' : 'high';
  return { path: `/${partition}/${x}.json`, bytes: encode({ x }), label, partition };
}
