import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startLocalServer } from '../../cli/local/local-server.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import { readConfig } from '../../shared/config.ts';
import type { JsonObject } from '../../shared/json.ts';
import { silentLog } from '../../shared/log.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';

const PROJECT_ROOT = join(import.meta.dirname, '../..');

it('the local server runs an execution that was put under an id, once, and again when it is told to', async () => {
  const home = temporaryFolder();
  const config = readConfig({ MODELFN_HOME: home, PORT: '0', MODELFN_LOG_LEVEL: 'error' });
  const platform = await openPlatform(config, { log: silentLog });
  onTestFinished(() => platform.close());
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'p' });
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'm',
    projectId: project.id,
    entryPoint: 'modelfn/svm',
    className: 'SvmAdapter',
  });
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, { name: 's', modelId: model.id });
  const server = await startLocalServer({ config, platform, root: PROJECT_ROOT, log: silentLog });
  onTestFinished(() => server.close(0));
  const call = async (method: string, path: string, body?: object) => {
    const init = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${server.url}/api/v1/executions/${path}`, body ? init : { method });
    return (await response.json()) as JsonObject;
  };
  const request = { functionName: 'load', input: { snapshot: snapshot.id }, projectId: project.id };

  await call('PUT', 'mine', request);
  while ((await platform.store.get('Execution', 'mine'))!.latestStatus.status !== 'failed')
    await new Promise(setImmediate);
  const repeated = await call('PUT', 'mine', request);
  const rerun = await call('POST', 'mine/rerun?sync=true');

  // There are no weights to load: that is what both runs come to.
  expect(repeated).toMatchObject({ id: 'mine', attempts: 1, error: { code: 'WeightsMissing' } });
  expect(rerun).toMatchObject({ id: 'mine', attempts: 2, error: { code: 'WeightsMissing' } });
  expect(await platform.store.count('Execution', {})).toBe(1);
}, 120_000);
