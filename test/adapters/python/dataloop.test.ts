import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { builtInAdapters } from '../../../adapters/registry.ts';
import { madeData } from '../../../conformance/data/made-data.ts';
import { convertFunction } from '../../../functions/convert/convert.ts';
import { evaluateFunction } from '../../../functions/evaluate/evaluate.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createDataset } from '../../../shared/catalog/datasets.ts';
import { uploadItems } from '../../../shared/catalog/item-import.ts';
import { createModel } from '../../../shared/catalog/models.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { createSnapshot } from '../../../shared/catalog/snapshots.ts';
import { readConfig } from '../../../shared/config.ts';
import { createContainer } from '../../../shared/invoke/handler.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openTestPlatform } from '../../support/test-platform.ts';
import { exampleFolder, pythonProblem } from './hosted-python.ts';

/** A Python that has the packages of the example's requirements, or `install`: then pip brings 260 MB of them. */
const SDK = process.env.TEST_DTLPY;
const problem =
  pythonProblem ??
  (SDK === undefined
    ? 'TEST_DTLPY names no Python with dtlpy 1.61.17 (or is "install", which brings 260 MB)'
    : undefined);

if (problem !== undefined)
  it(`the adapter of the Dataloop SDK is not tested here: ${problem}`, () => {
    console.log(`not tested: ${problem}`);
    expect(problem).toContain('Python');
  });

describe.skipIf(problem !== undefined)('an adapter of the Dataloop SDK, unchanged', () => {
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
});

async function openImages() {
  const localPath = temporaryFolder();
  for (const name of SDK === 'install' ? ['model.py', 'requirements.txt'] : ['model.py'])
    copyFileSync(join(exampleFolder('dataloop-adapter'), name), join(localPath, name));
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
