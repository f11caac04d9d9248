import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { apiClient } from '../../cli/demo/api-client.ts';
import { digitEntries, GREY_STEP, readDigits } from '../../cli/demo/digits.ts';
import { until } from '../../cli/demo/until.ts';
import { startLocalServer } from '../../cli/local/local-server.ts';
import { ownArchitecture } from '../../cli/package/architecture.ts';
import { addNativeParts } from '../../cli/package/native-parts.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createDataset } from '../../shared/catalog/datasets.ts';
import { uploadItems } from '../../shared/catalog/item-import.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import { readConfig } from '../../shared/config.ts';
import type { JsonObject } from '../../shared/json.ts';
import { silentLog } from '../../shared/log.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { trainAndPredict } from '../shared/pipelines/graphs.ts';
import { buildProject } from '../support/project-build.ts';

const ROOT = join(import.meta.dirname, '..', '..');

it('a pipeline that is sent to the local server runs through the deployed functions', {
  timeout: 180_000,
}, async () => {
  const folder = temporaryFolder();
  const outdir = join(folder, 'dist');
  const names = ['api', 'train', 'evaluate', 'predict'];
  const built = await buildProject(outdir, names);
  // Outside of the project nothing else would lead to libvips.
  await addNativeParts({ root: ROOT, outdir, architecture: ownArchitecture() }, names);
  const config = readConfig({
    MODELFN_HOME: join(folder, 'home'),
    PORT: '0',
    MODELFN_WORKERS: '1',
    MODELFN_LOG_LEVEL: 'error',
  });
  const platform = await openPlatform(config);
  onTestFinished(() => platform.close());
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'digits' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'digits', projects: [project.id] });
  const digits = (await readDigits()).filter((_digit, row) => row % 11 === 0);
  await uploadItems(platform, LOCAL_ACTOR, dataset.id, digitEntries(digits), { mode: 'skip' });
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'svm',
    projectId: project.id,
    entryPoint: 'modelfn/svm',
    className: 'SvmAdapter',
    configuration: { kernel: 'rbf', C: 10, gamma: 0.001, image: { channels: 1, scale: GREY_STEP } },
  });
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    name: 'rbf',
    projectId: project.id,
    modelId: model.id,
    datasetId: dataset.id,
  });
  const bundles = new Map(built.map(({ name, bundle }) => [name, bundle]));
  const server = await startLocalServer({ config, platform, root: ROOT, log: silentLog, bundles });
  onTestFinished(() => server.close(0));
  const api = apiClient(`${server.url}/api/v1`);
  const drawn = trainAndPredict('{"metrics.accuracy": {"$gt": 0.8}}');
  const filter = { 'metadata.system.snapshotPartition': 'test' };
  drawn.nodes[2]!.config = { inputs: { items: { dataset: dataset.id, filter } } };

  const pipeline = (await api.post('/pipelines', {
    ...drawn,
    name: 'p',
    projectId: project.id,
  } as unknown as JsonObject)) as {
    id: string;
  };
  const begun = (await api.post(`/pipelines/${pipeline.id}/execute`, {
    input: { snapshot: snapshot.id },
  })) as {
    id: string;
  };
  const poll = async () =>
    (await (await fetch(`${server.url}/api/v1/pipelines/${pipeline.id}/executions/${begun.id}`)).json()) as {
      status: string;
      error: JsonObject | null;
      executions: Record<string, { output: JsonObject; latestStatus: JsonObject }[]>;
    };
  await until(async () => ['success', 'failed'].includes((await poll()).status));

  const ended = await poll();
  expect(ended).toMatchObject({ status: 'success', error: null });
  for (const name of ['train', 'evaluate', 'predict'])
    expect(ended.executions[name], name).toMatchObject([{ latestStatus: { status: 'success' } }]);
  const tested = digits.filter(({ split }) => split === 'test').length;
  expect(ended.executions.predict![0]!.output).toMatchObject({ items: tested, failed: [] });
});
