import { type Actor, LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createDataset } from '../../shared/catalog/datasets.ts';
import { uploadItem } from '../../shared/catalog/item-upload.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import type { Config } from '../../shared/config.ts';
import type { Dataset } from '../../shared/entities/dataset.ts';
import type { DatasetEvent } from '../../shared/entities/dataset-event.ts';
import type { Item } from '../../shared/entities/item.ts';
import type { Project } from '../../shared/entities/project.ts';
import { openTestPlatform, type TestPlatform } from './test-platform.ts';

/** A platform with one project and one empty dataset, its outbox empty too. */
export interface Workspace {
  platform: TestPlatform;
  actor: Actor;
  project: Project;
  dataset: Dataset;
}

export async function openWorkspace(overrides: Partial<Config> = {}): Promise<Workspace> {
  const platform = await openTestPlatform(overrides);
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'p1' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'd1', projects: [project.id] });
  await takeEvents(platform);
  return { platform, actor: LOCAL_ACTOR, project, dataset };
}

/** Someone with a project of their own and no right to any other. */
export const STRANGER: Actor = { email: 'stranger@example.org', projectIds: ['another-project'] };

/** Puts a small text file into the workspace's dataset. */
export async function put({ platform, actor, dataset }: Workspace, path: string, text = path): Promise<Item> {
  const source = new TextEncoder().encode(text);
  return (await uploadItem(platform, actor, { datasetId: dataset.id, path, source, mode: 'overwrite' })).item;
}

/** Empties the outbox and answers what was in it. */
export async function takeEvents(platform: TestPlatform): Promise<DatasetEvent[]> {
  const entries = await platform.store.readEvents(10_000);
  await platform.store.removeEvents(entries.map(({ sequence }) => sequence));
  return entries.map(({ event }) => event);
}

/** Events as `Item Created`, in order. */
export function eventNames(events: readonly DatasetEvent[]): string[] {
  return events.map(({ resource, action }) => `${resource} ${action}`);
}

/** Every path of the dataset, folders too, sorted. */
export async function pathsOf({ platform, dataset }: Workspace): Promise<string[]> {
  const page = await platform.store.query('Item', { scope: { datasetId: dataset.id }, pageSize: 10_000 });
  return page.items.map(({ filename }) => filename).sort();
}
