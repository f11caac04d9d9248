import { readdirSync } from 'node:fs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { convertFunction } from '../../../functions/convert/convert.ts';
import { evaluateFunction } from '../../../functions/evaluate/evaluate.ts';
import { loadFunction } from '../../../functions/load/load.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openPath } from '../../support/test-platform.ts';
import type { TinyWorkspace } from '../../support/tiny-workspace.ts';
import { exampleFolder, moduleWith, pythonCode, pythonProblem } from './hosted-python.ts';
import { openPythonWorkspace } from './python-workspace.ts';

const EXAMPLE = exampleFolder('python-adapter');

const close = ({ platform }: TinyWorkspace) => platform.close();

describeUnless(pythonProblem, 'functions with an adapter in Python', () => {
  it('train, save, load, predict, evaluate and convert', async () => {
    const space = await openPythonWorkspace(EXAMPLE);
    const { container, snapshot, items } = space;

    const trained = await runInPlace(container, trainFunction, { snapshot: snapshot.id });
    const other = space.openContainer();
    const loaded = await runInPlace(other, loadFunction, { snapshot: snapshot.id });
    const predicted = await runInPlace(other, predictFunction, {
      snapshot: snapshot.id,
      items: [items.get('/test/0.json')!.id, items.get('/test/14.json')!.id],
    });
    const evaluated = await runInPlace(other, evaluateFunction, { snapshot: snapshot.id, predict: true });
    const converted = await runInPlace(other, convertFunction, {
      snapshot: snapshot.id,
      partition: 'train',
      bucket: { type: 'local' },
    });

    expect(trained).toMatchObject({ status: 'trained', metrics: { 'accuracy/train': 1 } });
    expect(loaded).toMatchObject({ snapshot: { id: snapshot.id } });
    expect(predicted).toMatchObject({
      items: 2,
      annotations: 2,
      predictions: [{ annotations: [{ label: 'low' }] }, { annotations: [{ label: 'high' }] }],
    });
    expect(evaluated).toMatchObject({ metrics: { accuracy: 1 } });
    expect(converted).toMatchObject({ items: { train: 6 } });
    await close(space);
  });

  it('give the same weights for the same seed and data', async () => {
    const space = await openPythonWorkspace(EXAMPLE);
    const digests = async () => {
      const { weights } = await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
      return (weights as { files: { sha256: string }[] }).files.map(({ sha256 }) => sha256);
    };

    expect(await digests()).toEqual(await digests());
    await close(space);
  });

  it('lay data out as the SDK of Dataloop downloads it', async () => {
    const source = moduleWith(`
import os, json
def train(data, context):
    listing = sorted(os.path.relpath(os.path.join(f, n), data.directory) for f, _, names in os.walk(data.directory) for n in names)
    first = next(iter(data))
    context.progress(0.5, json.dumps(listing))
    path, annotations, label = first
    assert label == "low" and annotations[0]["label"] == "low" and json.load(open(path)) == {"x": 1}, first
    assert len(data) == 6 and len(data.validation) == 0
    assert json.load(open(os.path.join(data.directory, "train", "json", "train", "11.json")))["annotations"][0]["type"] == "class"
    assert listing[:2] == ["train/items/train/1.json", "train/items/train/11.json"], listing
def save(directory):
    open(os.path.join(directory, "nothing"), "w").close()
`);
    const space = await openPythonWorkspace(pythonCode({ 'model.py': source }).code.directory);

    const trained = await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });

    expect(trained).toMatchObject({ status: 'trained' });
    await close(space);
  });

  it('convert with the functions of the adapter, there and back', async () => {
    const source = moduleWith(`
import os, json
def convert(data, directory, context):
    with open(os.path.join(directory, "labels.json"), "w") as file:
        json.dump({example.filename: [example.label, example.text()] for example in data.partitions["train"]}, file)
def convert_back(directory):
    with open(os.path.join(directory, "labels.json")) as file:
        for name, (label, text) in json.load(file).items():
            yield name, text.encode(), label
`);
    const space = await openPythonWorkspace(pythonCode({ 'model.py': source }).code.directory);
    const bucket = { type: 'local', localPath: openPath(space.platform, 'layout') };

    const there = await runInPlace(space.container, convertFunction, {
      snapshot: space.snapshot.id,
      partition: 'train',
      bucket,
    });
    const back = await runInPlace(space.container, convertFunction, {
      snapshot: space.snapshot.id,
      from: bucket,
      folder: '/back',
    });

    expect(there).toMatchObject({ items: { train: 6 }, files: [{ path: 'labels.json' }] });
    expect(back).toMatchObject({ created: 6, failed: [] });
    await close(space);
  });

  it('leave no folder of a process behind', async () => {
    // A folder for temporary ones that no other test knows.
    const own = temporaryFolder();
    vi.stubEnv('TMPDIR', own);
    onTestFinished(() => void vi.unstubAllEnvs());
    const space = await openPythonWorkspace(EXAMPLE);

    await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });

    expect(readdirSync(own).filter((name) => name.startsWith('modelfn-python-'))).toEqual([]);
    await close(space);
  });
});
