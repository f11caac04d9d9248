import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { predictFunction } from '../../functions/predict/predict.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createItemBucket } from '../../shared/catalog/item-folder.ts';
import { listRevisions, restoreSnapshot } from '../../shared/catalog/snapshot-revisions.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { describeUnless } from '../support/describe-unless.ts';
import { runInPlace } from '../support/run-function.ts';
import { startTestApi } from '../support/test-api.ts';
import { openTinyWorkspace } from '../support/tiny-workspace.ts';

/** A Python 3.8 with dtlpy 1.49.20, the last of the SDK that has snapshots with buckets. */
const SDK = process.env.TEST_DTLPY_1_49;
const problem = SDK === undefined ? 'TEST_DTLPY_1_49 names no Python with dtlpy 1.49.20' : undefined;

/** What the training finds, and the same with its labels swapped. */
const TRAINED = '{"low":2,"high":12}';
const SWAPPED = '{"low":12,"high":2}';

describeUnless(problem, 'weights that the server and the Dataloop SDK share', () => {
  it('an upload of the SDK is what the warm server predicts with', async () => {
    const { sdk, train, predict } = await openShared();
    await train();
    expect(await predict()).toEqual(['low', 1]);

    await sdk('upload', SWAPPED);

    expect(await predict()).toEqual(['high', 2]);
  }, 120_000);

  it('the trained weights come to an adapter of the SDK under their own names', async () => {
    const { sdk, train } = await openShared();
    await train();

    expect(await sdk('load')).toMatchObject({ 'means.json': TRAINED });
  }, 120_000);

  it('a save of the SDK on top leaves the trained revision restorable, for the server and for the SDK', async () => {
    const { sdk, train, predict, revisions, restore } = await openShared();
    await train();
    await predict();

    await sdk('save', SWAPPED);
    const saved = await revisions();
    const predicted = await predict();
    const loaded = await sdk('load');
    await restore(1);

    expect(saved).toEqual([2, 1]);
    expect(predicted).toEqual(['high', 2]);
    expect(loaded).toMatchObject({ 'means.json': SWAPPED });
    expect(await predict()).toEqual(['low', 3]);
    expect(await sdk('load')).toMatchObject({ 'means.json': TRAINED });
  }, 120_000);
});

/** A snapshot with an item bucket, a container that serves it, and the SDK at the same API. */
async function openShared() {
  const { platform, container, project, model, dataset, items } = await openTinyWorkspace();
  const api = await startTestApi(platform);
  onTestFinished(async () => {
    await api.close();
    await platform.close();
  });
  const names = { projectId: project.id, modelName: 'tiny', snapshotName: 'shared' };
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    ...{ name: 'shared', projectId: project.id, modelId: model.id, datasetId: dataset.id },
    bucket: await createItemBucket(platform, LOCAL_ACTOR, names),
  });
  const { id } = snapshot;
  const folder = temporaryFolder();
  // The SDK reads an email and an end out of a token; nobody here checks it.
  const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');
  const token = `${part({ alg: 'none' })}.${part({ email: LOCAL_ACTOR.email, exp: 9e9 })}.e30`;
  const environment = { alias: 'local', audience: '', client_id: '', auth0_url: '', token };
  const login = { ...environment, gate_url: new URL(api.url).origin, refresh_token: null, verify_ssl: true };
  const cookie = { url: api.url, login_parameters: { [api.url]: login } };
  writeFileSync(join(folder, 'cookie.json'), JSON.stringify(cookie));

  return {
    sdk: async (command: 'save' | 'upload' | 'load', weights?: string): Promise<unknown> => {
      const script = join(import.meta.dirname, 'dataloop_weights.py');
      const words = [script, command, id, ...(weights === undefined ? [] : [weights])];
      const env = { PATH: process.env.PATH, HOME: folder, DATALOOP_PATH: folder };
      const { stdout } = await promisify(execFile)(SDK!, words, { cwd: folder, env });
      return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as unknown;
    },
    train: () => runInPlace(container, trainFunction, { snapshot: id }),
    predict: async () => {
      const item = items.get('/test/4.json')!.id;
      const output = await runInPlace(container, predictFunction, { snapshot: id, item, write: false });
      const [{ annotations }] = output.predictions as [{ annotations: [{ label: string }] }];
      return [annotations[0].label, (output.snapshot as { revision: number }).revision];
    },
    revisions: async () =>
      (await listRevisions(platform, LOCAL_ACTOR, id)).items.map(({ revision }) => revision),
    restore: (revision: number) => restoreSnapshot(platform, LOCAL_ACTOR, id, { revision }),
  };
}
