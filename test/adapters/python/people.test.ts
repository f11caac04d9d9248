import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { saveFunction } from '../../../functions/save/save.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { runInPlace } from '../../support/run-function.ts';
import { moduleWith, pythonCode, pythonProblem } from './hosted-python.ts';
import { openPeopleWorkspace } from './people-workspace.ts';
import { openPythonWorkspace } from './python-workspace.ts';

type Space = Awaited<ReturnType<typeof openPeopleWorkspace>>;

async function openSpace(...given: Parameters<typeof openPeopleWorkspace>): Promise<Space> {
  const space = await openPeopleWorkspace(...given);
  onTestFinished(() => space.platform.close());
  return space;
}

/** Saves files as weights. */
async function saveFiles({ container, model }: Space, snapshot: Snapshot, files: Record<string, string>) {
  // A root of the test platform: the model's own folder.
  const directory = (model.codebase as { localPath: string }).localPath;
  const { mkdtempSync } = await import('node:fs');
  const folder = mkdtempSync(join(directory, 'weights-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  await runInPlace(container, saveFunction, { snapshot: snapshot.id, directory: folder });
}

/** What the snapshot predicts for `/test/14.json`. */
async function predictOne(space: Space, snapshot: Snapshot) {
  const { predictions } = await runInPlace(space.openContainer(), predictFunction, {
    snapshot: snapshot.id,
    items: [space.items.get('/test/14.json')!.id],
  });
  const [item] = predictions as { annotations: { label: string; confidence: number; type: string }[] }[];
  return item!.annotations;
}

async function readWeights(space: Space, snapshot: Snapshot, name: string): Promise<unknown> {
  const container = space.openContainer();
  const now = (await space.platform.store.get('Snapshot', snapshot.id))!;
  const { bucket, weights } = now;
  const { directory, release } = await container.loaded.fetch({ bucket, owner: now, weights });
  const { readFileSync } = await import('node:fs');
  try {
    return JSON.parse(readFileSync(join(directory, name), 'utf8'));
  } finally {
    release();
  }
}

describeUnless(pythonProblem, 'a class of the Dataloop SDK with a class-level configuration', () => {
  it("runs with the snapshot's weights file and label map, not with those of its class", async () => {
    const space = await openSpace('detector', {
      configuration: { threshold: 1, label_map: { 0: 'model', 7: 'x' } },
    });
    const snapshot = await space.addSnapshot('road', {
      configuration: { weights_filename: 'road.txt', label_map: { 0: 'low' } },
    });
    await saveFiles(space, snapshot, { 'road.txt': '0.75', 'general.txt': '0.1' });

    expect(await predictOne(space, snapshot)).toMatchObject([
      { type: 'box', label: 'low', confidence: 0.75 },
    ]);
  });

  it("runs with the model's configuration where the snapshot says nothing, and with the class's where neither does", async () => {
    const space = await openSpace('detector', {
      configuration: { weights_filename: 'model.txt', threshold: 9999 },
    });
    const quiet = await space.addSnapshot('quiet', { configuration: { label_map: { 0: 'low' } } });
    const loud = await space.addSnapshot('loud', {
      configuration: { label_map: { 0: 'low' }, threshold: 1 },
    });
    for (const snapshot of [quiet, loud]) await saveFiles(space, snapshot, { 'model.txt': '0.5' });

    expect(await predictOne(space, quiet)).toEqual([]);
    expect(await predictOne(space, loud)).toMatchObject([{ confidence: 0.5 }]);
  });

  it('is refused a training that its class only raises NotImplementedError for, with the methods it has', async () => {
    const space = await openSpace('detector');

    await expect(
      runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id }),
    ).rejects.toMatchObject({
      code: 'AdapterMethodMissing',
      statusCode: 422,
      message: expect.stringContaining('has no train. It has: load, predict.'),
    });
  });
});

describeUnless(pythonProblem, 'a class of the Dataloop SDK that trains from what load left', () => {
  it("goes on from the snapshot's own weights, and keeps its label map with the snapshot", async () => {
    const space = await openSpace('classifier', { configuration: { step: 2 } });
    const snapshot = await space.addSnapshot('own', { configuration: { num_epochs: 5 } });

    await runInPlace(space.container, trainFunction, { snapshot: snapshot.id });
    const first = await readWeights(space, snapshot, 'model.json');
    await runInPlace(space.openContainer(), trainFunction, { snapshot: snapshot.id });
    const second = await readWeights(space, snapshot, 'model.json');
    const now = await space.platform.store.get('Snapshot', snapshot.id);

    expect(first).toEqual({ bias: 10, trained: 1 });
    expect(second).toEqual({ bias: 20, trained: 2 });
    expect(now).toMatchObject({
      lineage: { startedFrom: { id: snapshot.id, revision: 1 } },
      configuration: { num_epochs: 5, weights_filename: 'model.json', label_map: { 0: 'low', 1: 'high' } },
    });
    expect(now!.configuration).not.toHaveProperty('bucket_path');
    expect(await predictOne(space, snapshot)).toMatchObject([{ label: 'low' }]);
  });

  it("begins with its parent's weights while it has none of its own", async () => {
    const space = await openSpace('classifier');
    const parent = await space.addSnapshot('parent');
    await saveFiles(space, parent, { 'model.json': JSON.stringify({ bias: 100, trained: 7 }) });
    const child = await space.addSnapshot('child', { parentId: parent.id });

    await runInPlace(space.container, trainFunction, { snapshot: child.id });

    expect(await readWeights(space, child, 'model.json')).toEqual({ bias: 101, trained: 8 });
    expect((await space.platform.store.get('Snapshot', child.id))!.lineage).not.toHaveProperty('startedFrom');
  });

  it('fails when the weights it is to start from cannot be loaded', async () => {
    const space = await openSpace('classifier');
    const parent = await space.addSnapshot('parent');
    await saveFiles(space, parent, { 'other.json': '{}' });
    const child = await space.addSnapshot('child', { parentId: parent.id });

    await expect(runInPlace(space.container, trainFunction, { snapshot: child.id })).rejects.toMatchObject({
      code: 'PythonRaised',
      message: expect.stringContaining('FileNotFoundError'),
    });
  });

  it('has its defaults as attributes when it is older than dtlpy 1.35', async () => {
    const space = await openSpace('attribute_classifier', { configuration: { use_pretrained: true } });
    const snapshot = await space.addSnapshot('old', { configuration: { weights_filename: 'old.txt' } });

    const trained = await runInPlace(space.container, trainFunction, { snapshot: snapshot.id });

    expect((trained.weights as JsonObject).files).toMatchObject([
      { path: 'history.txt' },
      { path: 'old.txt', sizeBytes: 'pretrained'.length },
    ]);
  });
});

describeUnless(pythonProblem, 'a training in Python with functions', () => {
  it("is given folders with its parent's weights and with its own", async () => {
    const source = moduleWith(`
import os
found = {}
def read(directory):
    return None if directory is None else open(os.path.join(directory, "found")).read()
def train(data, context):
    found["text"] = "%s/%s/x" % (read(context.parent), read(context.own_weights()))
def save(directory):
    with open(os.path.join(directory, "found"), "w") as file:
        file.write(found["text"])
`);
    const folder = pythonCode({ 'model.py': source }).code.directory;
    const space = await openPythonWorkspace(folder);
    onTestFinished(() => space.platform.close());
    const { createSnapshot } = await import('../../../shared/catalog/snapshots.ts');
    const { LOCAL_ACTOR } = await import('../../../shared/auth/actor.ts');
    const child = await createSnapshot(space.platform, LOCAL_ACTOR, {
      ...{ name: 'child', projectId: space.project.id, modelId: space.model.id },
      ...{ datasetId: space.dataset.id, parentId: space.snapshot.id },
    });
    const sizes: unknown[] = [];
    for (const snapshot of [space.snapshot, child, child]) {
      const { weights } = await runInPlace(space.container, trainFunction, { snapshot: snapshot.id });
      sizes.push((weights as { files: { sizeBytes: number }[] }).files[0]!.sizeBytes);
    }

    // None/None/x, then that/None/x, then the first again with the second.
    expect(sizes).toEqual([11, 18, 32]);
  });
});
