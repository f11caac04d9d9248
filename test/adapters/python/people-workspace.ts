import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createSnapshot } from '../../../shared/catalog/snapshots.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { openPythonWorkspace } from './python-workspace.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'python-adapters');

/** A folder with one of the fixtures as `model.py`, the stand-in packages, and other files beside it. */
export function adapterFolder(fixture: string, files: Readonly<Record<string, string>> = {}): string {
  const folder = temporaryFolder();
  cpSync(join(FIXTURES, 'stand-in'), folder, { recursive: true });
  cpSync(join(FIXTURES, `${fixture}.py`), join(folder, 'model.py'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** The tiny numbers with one of the fixtures as the model. */
export async function openPeopleWorkspace(
  fixture: string,
  { files = {}, configuration = {} }: { files?: Record<string, string>; configuration?: JsonObject } = {},
) {
  const space = await openPythonWorkspace(adapterFolder(fixture, files), configuration);
  const { platform, project, model, dataset } = space;
  const addSnapshot = (name: string, over: { configuration?: JsonObject; parentId?: string } = {}) =>
    createSnapshot(platform, LOCAL_ACTOR, {
      ...{ name, projectId: project.id, modelId: model.id, datasetId: dataset.id },
      ...over,
    });
  return { ...space, addSnapshot };
}
