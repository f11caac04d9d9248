import { builtInAdapters } from '../../../adapters/registry.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createModel } from '../../../shared/catalog/models.ts';
import { createSnapshot } from '../../../shared/catalog/snapshots.ts';
import { readConfig } from '../../../shared/config.ts';
import { createContainer } from '../../../shared/invoke/handler.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { openTinyWorkspace } from '../../support/tiny-workspace.ts';

/** The tiny numbers with a model whose code is Python. */
export async function openPythonWorkspace(localPath: string, configuration: JsonObject = {}) {
  const tiny = await openTinyWorkspace({ config: { localRoots: [localPath], python: readConfig().python } });
  const { platform, project, dataset } = tiny;
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'python',
    projectId: project.id,
    entryPoint: 'model.py',
    codebase: { type: 'local', localPath },
    configuration,
  });
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    name: 'python',
    projectId: project.id,
    modelId: model.id,
    datasetId: dataset.id,
  });
  const openContainer = () => createContainer(platform, builtInAdapters);
  return { ...tiny, model, snapshot, openContainer, container: openContainer() };
}
