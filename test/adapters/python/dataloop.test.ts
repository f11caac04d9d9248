import { execFile } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { builtInAdapters } from '../../../adapters/registry.ts';
import { madeData } from '../../../conformance/data/made-data.ts';
import { convertFunction } from '../../../functions/convert/convert.ts';
import { evaluateFunction } from '../../../functions/evaluate/evaluate.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createDataset } from '../../../shared/catalog/datasets.ts';
import { uploadItems } from '../../../shared/catalog/item-import.ts';
import { readMetrics } from '../../../shared/catalog/metrics.ts';
import { createModel } from '../../../shared/catalog/models.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { createSnapshot } from '../../../shared/catalog/snapshots.ts';
import { readConfig } from '../../../shared/config.ts';
import { createContainer } from '../../../shared/invoke/handler.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { runInPlace } from '../../support/run-function.ts';
import { startTestApi } from '../../support/test-api.ts';
import { openTestPlatform } from '../../support/test-platform.ts';
import { exampleFolder, pythonProblem } from './hosted-python.ts';

/** A Python that has the packages of the example's requirements, or `install`: then pip brings 260 MB of them. */
const SDK = process.env.TEST_DTLPY;
const problem =
  pythonProblem ??
  (SDK === undefined
    ? 'TEST_DTLPY names no Python with dtlpy 1.61.17 (or is "install", which brings 260 MB)'
    : undefined);

describeUnless(problem, 'an adapter of the Dataloop SDK, unchanged', () => {
  it('trains, saves, loads, predicts, evaluates and converts', async () => {
    const space = await openImages();
    const { container, snapshot, platform } = space;

    const trained = await runInPlace(container, trainFunction, { snapshot: snapshot.id });
    const other = createContainer(platform, builtInAdapters);
    const predicted = await runInPlace(other, predictFunction, {
      snapshot: snapshot.id,
      items: { dataset: space.dataset.id, filter: { dir: '/test' } },
    });
    const evaluated = await runInPlace(other, evaluateFunction, { snapshot: snapshot.id });
    const converted = await runInPlace(container, convertFunction, {
      snapshot: snapshot.id,
      partition: 'test',
      bucket: { type: 'local' },
    });

    expect(trained).toMatchObject({
      status: 'trained',
      weights: { files: [{ path: 'colours.json' }, { path: 'history.json' }] },
    });
    expect(predicted).toMatchObject({ failed: [] });
    expect((evaluated.metrics as { accuracy: number }).accuracy).toBeGreaterThan(0.8);
    expect((converted.files as { path: string }[]).map(({ path }) => path)).toContain('test/labels.tsv');
  }, 600_000);

  it('asks the platform while it works, within the project of its run', async () => {
    const { container, snapshot, platform, dataset } = await openImages(
      join(import.meta.dirname, 'sdk_adapter.py'),
    );
    const project = await createProject(platform, LOCAL_ACTOR, { name: 'other' });
    const other = await createDataset(platform, LOCAL_ACTOR, { name: 'secret', projects: [project.id] });
    await platform.store.update('Snapshot', snapshot.id, (now) => ({
      ...now,
      configuration: { other_dataset: other.id },
    }));

    const trained = await runInPlace(container, trainFunction, { snapshot: snapshot.id }, 'execution-1');
    const after = await platform.store.get('Snapshot', snapshot.id);
    const predicted = await runInPlace(createContainer(platform, builtInAdapters), predictFunction, {
      snapshot: snapshot.id,
      items: { dataset: dataset.id, filter: { dir: '/test' } },
    });

    expect(trained).toMatchObject({ status: 'trained' });
    expect(after).toMatchObject({
      ...{ description: 'trained by the SDK', status: 'trained', revision: 1, bucket: { type: 'local' } },
      configuration: {
        asked: {
          ...{ annotations: 1, projects: ['sdk'], model: 'colours', dataset: 'images' },
          ...{ other: '404', new: '403' },
        },
        after: true,
      },
    });
    expect(after?.bucket).not.toHaveProperty('localPath');
    expect(after?.configuration).not.toHaveProperty('bucket_path');
    expect(await readMetrics(platform, LOCAL_ACTOR, snapshot.id)).toHaveLength(3);
    expect(predicted).toMatchObject({ failed: [] });
  }, 600_000);

  it('finds in the API what its users rely on', async () => {
    const { platform } = await openImages();
    const api = await startTestApi(platform);
    onTestFinished(() => api.close());
    const folder = temporaryFolder();
    // The SDK looks into a token for an email and an end; there is nobody here who checks it.
    const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');
    const token = `${part({ alg: 'none' })}.${part({ email: LOCAL_ACTOR.email, exp: 9e9 })}.e30`;
    const environment = { alias: 'local', gate_url: new URL(api.url).origin, token, verify_ssl: true };
    const cookie = { url: api.url, login_parameters: { [api.url]: environment } };
    writeFileSync(join(folder, 'cookie.json'), JSON.stringify(cookie));

    const { stdout } = await promisify(execFile)(
      platform.config.python.command,
      [join(import.meta.dirname, 'sdk_calls.py')],
      { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, DATALOOP_PATH: folder } },
    );

    const steps = stdout.split('\n').filter((line) => line.startsWith('{'));
    const problems = steps.map((line) => JSON.parse(line) as { step: string; problem: string | null });
    expect(problems.filter(({ problem: found }) => found !== null)).toEqual([]);
    expect(problems.at(-1)?.step).toBe('removals');
  }, 600_000);
});

/** What the example's folder or a file of this one holds, as a model's code, with images to learn from. */
async function openImages(source = join(exampleFolder('dataloop-adapter'), 'model.py')) {
  const localPath = temporaryFolder();
  copyFileSync(source, join(localPath, 'model.py'));
  if (SDK === 'install')
    copyFileSync(
      join(exampleFolder('dataloop-adapter'), 'requirements.txt'),
      join(localPath, 'requirements.txt'),
    );
  const { python } = readConfig(SDK === 'install' ? process.env : { ...process.env, MODELFN_PYTHON: SDK });
  const platform = await openTestPlatform({ localRoots: [localPath], python });
  onTestFinished(() => platform.close());
  const project = await createProject(platform, LOCAL_ACTOR, { name: 'sdk' });
  const dataset = await createDataset(platform, LOCAL_ACTOR, { name: 'images', projects: [project.id] });
  const { classes } = await madeData('image', 1);
  const entries = [...classes].flatMap(([label, files]) =>
    files.map(({ bytes, extension }, index) => {
      const partition = index % 2 === 0 ? ('train' as const) : ('test' as const);
      return { path: `/${partition}/${label}-${index}${extension}`, bytes, label, partition };
    }),
  );
  await uploadItems(platform, LOCAL_ACTOR, dataset.id, entries, { mode: 'skip' });
  const model = await createModel(platform, LOCAL_ACTOR, {
    name: 'colours',
    projectId: project.id,
    entryPoint: 'model.py',
    codebase: { type: 'local', localPath },
  });
  const snapshot = await createSnapshot(platform, LOCAL_ACTOR, {
    name: 'colours',
    projectId: project.id,
    modelId: model.id,
    datasetId: dataset.id,
  });
  return { platform, dataset, snapshot, container: createContainer(platform, builtInAdapters) };
}
