import { beforeEach, expect, it } from 'vitest';
import { loadFunction } from '../../functions/load/load.ts';
import { predictFunction } from '../../functions/predict/predict.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import { Secrets } from '../../shared/secrets.ts';
import { GIT_MISSING } from '../support/git-program.ts';
import { GitServer } from '../support/git-server.ts';
import { runInPlace } from '../support/run-function.ts';
import { openTinyWorkspace } from '../support/tiny-workspace.ts';

/** An adapter as it lies in a repository: it says `high` above the mean of all numbers it saw. */
const ADAPTER = `
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
export class Mean {
  maxBatchSize = 256;
  constructor(setup) { this.configuration = setup.configuration; this.labels = setup.labels; }
  async prepare(input) { return (await input.json()).x; }
  async train(data) {
    const samples = (await data.train.samples()).map(({ sample }) => sample);
    this.mean = samples.reduce((sum, x) => sum + x, 0) / samples.length;
  }
  predict(samples) {
    return samples.map((x) => [{ type: 'class', label: x > this.mean ? 'high' : 'low', confidence: 1 }]);
  }
  async save(directory) { await writeFile(join(directory, 'mean'), String(this.mean)); }
  async load(directory) { this.mean = Number(await readFile(join(directory, 'mean'), 'utf8')); }
}
`;

beforeEach(({ skip }) => {
  if (GIT_MISSING !== undefined) skip(GIT_MISSING);
});

it('code and weights in private repositories train, load and predict; the commit is in the lineage, the secret nowhere', async () => {
  const secret = 'hunter2-planted';
  const server = await GitServer.start();
  server.credentials = `git:${secret}`;
  const space = await openTinyWorkspace({
    config: { gitHosts: [server.origin], secrets: new Secrets({ MODELFN_SECRET_TOKEN: secret }) },
  });
  const { platform, container, project, dataset } = space;
  const credentials = { password: { key: 'MODELFN_SECRET_TOKEN' } };
  const code = await server.repository();
  const commit = await code.repository.commit({ 'models/mean.mjs': ADAPTER });
  const weights = await server.repository();
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'mean',
    projectId: project.id,
    entryPoint: 'mean.mjs',
    className: 'Mean',
    codebase: { type: 'git', gitUrl: code.gitUrl, gitTag: 'main', gitPath: 'models', credentials },
  });
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    name: 'in-git',
    projectId: project.id,
    modelId: model.id,
    datasetId: dataset.id,
    bucket: { type: 'git', gitUrl: weights.gitUrl, gitTag: 'weights/mean', credentials },
  });

  await runInPlace(container, trainFunction, { snapshot: snapshot.id });
  const loaded = await runInPlace(container, loadFunction, { snapshot: snapshot.id });
  const predicted = await runInPlace(container, predictFunction, {
    snapshot: snapshot.id,
    items: { dataset: dataset.id },
  });

  const trained = await platform.store.get('Snapshot', snapshot.id);
  expect(trained?.lineage).toMatchObject({ model: { codeDigest: commit } });
  expect(loaded).toMatchObject({ codeDigest: commit });
  expect(await weights.repository.length('weights/mean')).toBe(1);
  const records = JSON.stringify([
    predicted,
    loaded,
    trained,
    (await platform.store.query('Execution', {})).items,
    (await platform.store.query('Model', {})).items,
  ]);
  expect(records).not.toContain(secret);
  expect(await weights.repository.git('log', '-p', '--all')).not.toContain(secret);
  await platform.close();
});
