import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { onTestFinished } from 'vitest';
import { builtInAdapters } from '../../adapters/registry.ts';
import { saveFunction } from '../../functions/save/save.ts';
import { uploadItem } from '../../shared/catalog/item-upload.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import type { Item } from '../../shared/entities/item.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import type { Container } from '../../shared/invoke/run.ts';
import type { JsonObject } from '../../shared/json.ts';
import { runInPlace } from './run-function.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

export interface SnapshotWorkspace extends Workspace {
  container: Container;
  snapshot: Snapshot;
}

/** A workspace with a snapshot of a built-in adapter whose weights are the files of a folder. */
export async function openSnapshotOf(
  adapter: string,
  { weights, labels, configuration }: { weights: string; labels: string[]; configuration: JsonObject },
): Promise<SnapshotWorkspace> {
  const workspace = await openWorkspace({ localRoots: [weights] });
  onTestFinished(() => workspace.platform.close());
  const { platform, actor, project, dataset } = workspace;
  const container = createContainer(platform, builtInAdapters);
  const model = await createModel(platform, actor, {
    name: 'model',
    projectId: project.id,
    entryPoint: adapter,
    className: 'Adapter',
    configuration,
  });
  const created = await createSnapshot(platform, actor, {
    name: 'pretrained',
    projectId: project.id,
    modelId: model.id,
    datasetId: dataset.id,
    ontologySpec: { ontologyId: null, labels },
  });
  await runInPlace(container, saveFunction, { snapshot: created.id, directory: weights });
  const snapshot = (await platform.store.get('Snapshot', created.id))!;
  return { ...workspace, container, snapshot };
}

/** Puts files of this machine into the workspace's dataset, in their order. */
export async function putFiles(
  { platform, actor, dataset }: Workspace,
  paths: readonly string[],
): Promise<Item[]> {
  const items: Item[] = [];
  for (const path of paths) {
    const source = await readFile(path);
    const to = { datasetId: dataset.id, path: `/${basename(path)}`, source, mode: 'skip' } as const;
    items.push((await uploadItem(platform, actor, to)).item);
  }
  return items;
}
