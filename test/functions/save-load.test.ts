import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadFunction } from '../../functions/load/load.ts';
import { predictFunction } from '../../functions/predict/predict.ts';
import { saveFunction } from '../../functions/save/save.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { artifactFolder } from '../../shared/catalog/artifact-folder.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import type { JsonObject } from '../../shared/json.ts';
import { ownBucketFolder } from '../../shared/state-folder.ts';
import { runInPlace } from '../support/run-function.ts';
import { openPath } from '../support/test-platform.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

describe('the save and load functions', () => {
  let space: TinyWorkspace;
  beforeEach(async () => {
    space = await openTinyWorkspace();
  });
  afterEach(() => space.platform.close());

  const train = () =>
    runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id }, 'e'.repeat(24));
  const save = (input: JsonObject) => runInPlace(space.container, saveFunction, input);
  const load = (snapshot: string, container = space.container) =>
    runInPlace(container, loadFunction, { snapshot });
  const another = (): Promise<Snapshot> =>
    createSnapshot(space.platform, LOCAL_ACTOR, {
      name: 'second',
      projectId: space.project.id,
      modelId: space.model.id,
      datasetId: space.dataset.id,
    });
  const openFolder = async (files: Record<string, string>): Promise<string> => {
    const folder = openPath(space.platform, 'upload');
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return folder;
  };

  it('load tells what a snapshot is, and whether it had to be loaded', async () => {
    await train();

    const cold = await load(space.snapshot.id);
    const warm = await load(space.snapshot.id);

    expect(cold).toMatchObject({
      snapshot: { id: space.snapshot.id, revision: 1 },
      files: [{ path: 'means.json', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
      labels: ['low', 'high'],
      cold: true,
    });
    expect(warm).toMatchObject({ cold: false, files: cold.files as JsonObject[] });
    expect(space.probe.loads).toBe(1);
  });

  it('load of a snapshot that was never trained says what to do', async () => {
    await expect(load(space.snapshot.id)).rejects.toMatchObject({
      code: 'WeightsMissing',
      statusCode: 404,
      message: expect.stringContaining('Train it'),
    });
  });

  it('a weight file altered by one byte is refused, and nothing of it is handed to the adapter', async () => {
    await train();
    const objects = join(ownBucketFolder(space.platform.config.home, space.snapshot.id), 'objects');
    const [object] = await readdir(objects);
    const bytes = await readFile(join(objects, object!));
    bytes[0]! ^= 1;
    await writeFile(join(objects, object!), bytes);

    await expect(load(space.snapshot.id)).rejects.toMatchObject({ code: 'WeightsCorrupt', statusCode: 422 });
    expect(space.probe.loads).toBe(0);
  });

  it('save commits a directory as the next revision', async () => {
    const directory = await openFolder({ 'means.json': '{"low":1,"high":9}' });

    const output = await save({ snapshot: space.snapshot.id, directory });

    expect(output).toMatchObject({
      snapshot: { revision: 1 },
      status: 'trained',
      weights: { files: [{ path: 'means.json' }] },
    });
    expect(await load(space.snapshot.id)).toMatchObject({ cold: true });
  });

  it.each([
    ['outside the state folder', '/etc'],
    ['that climbs out of it', '../../../../etc'],
    ['that is not there', '/nosuch/folder'],
  ])('save refuses a directory %s', async (_what, directory) => {
    await expect(save({ snapshot: space.snapshot.id, directory })).rejects.toMatchObject({
      code: 'InvalidInput',
    });
    expect(await space.platform.store.get('Snapshot', space.snapshot.id)).toMatchObject({
      revision: 0,
      run: null,
    });
  });

  it('save refuses a call with two sources, or none', async () => {
    for (const sources of [{}, { directory: '/a', fromSnapshot: space.snapshot.id }])
      await expect(save({ snapshot: space.snapshot.id, ...sources })).rejects.toMatchObject({
        code: 'InvalidInput',
        message: expect.stringContaining('exactly one'),
      });
  });

  it("save commits an execution's output to another snapshot, which then predicts the same", async () => {
    await train();
    const second = await another();

    await save({ snapshot: second.id, execution: 'e'.repeat(24) });

    const item = space.items.get('/test/4.json')!.id;
    const predict = (snapshot: string) =>
      runInPlace(space.container, predictFunction, { snapshot, item, write: false });
    const [a, b] = [await predict(space.snapshot.id), await predict(second.id)];
    expect(b.predictions).toEqual(a.predictions);
    expect(await space.platform.store.get('Snapshot', second.id)).toMatchObject({
      lineage: { saved: { from: 'execution', execution: 'e'.repeat(24) } },
    });
  });

  it('save moves a snapshot into a bucket of another type, and it loads cold from there', async () => {
    await train();
    const itemId = await artifactFolder(
      space.platform,
      LOCAL_ACTOR,
      space.project.id,
      '/models/tiny/snapshots/first',
    );

    await save({
      snapshot: space.snapshot.id,
      fromSnapshot: space.snapshot.id,
      bucket: { type: 'item', itemId },
    });

    const moved = (await space.platform.store.get('Snapshot', space.snapshot.id))!;
    expect(moved).toMatchObject({ revision: 2, bucket: { type: 'item', itemId }, lineage: { seed: 0 } });
    const fresh = createContainer(
      { ...space.platform, cacheDirectory: join(space.platform.config.home, 'cache2') },
      space.container.builtIns,
    );
    expect(await load(space.snapshot.id, fresh)).toMatchObject({
      cold: true,
      fromCache: false,
      bucket: { type: 'item' },
    });
  });

  it('save takes the bare files of another bucket', async () => {
    const bucket = { type: 'local' as const, localPath: openPath(space.platform, 'mine') };
    await mkdir(bucket.localPath, { recursive: true });
    await writeFile(join(bucket.localPath, 'means.json'), '{"low":2,"high":8}');

    await save({ snapshot: space.snapshot.id, fromBucket: bucket });

    expect(await load(space.snapshot.id)).toMatchObject({
      files: [{ path: 'means.json' }],
      snapshot: { revision: 1 },
    });
  });

  it.each([
    { why: "another project's snapshot", change: {}, foreign: true },
    { why: 'a function that the user wrote', change: { packageId: 'p'.repeat(24) }, foreign: false },
    { why: 'a function without files', change: { functionName: 'predict' }, foreign: false },
  ])(
    'save takes no files of an execution of $why, whatever its output claims',
    async ({ change, foreign }) => {
      await train();
      const { store } = space.platform;
      const second = await another();
      await store.update('Execution', 'e'.repeat(24), (now) => ({ ...now, ...change }));
      if (foreign)
        await store.update('Snapshot', space.snapshot.id, (now) => ({
          ...now,
          projectId: 'another-project',
        }));

      const saved = save({ snapshot: second.id, execution: 'e'.repeat(24) });

      await expect(saved).rejects.toMatchObject({ code: 'ExecutionWithoutFiles', statusCode: 422 });
      expect((await store.get('Snapshot', second.id))?.revision).toBe(0);
    },
  );

  it.each(['contents', 'buckets', '.'])(
    "a save does not publish modelfn's own files, even below an allowed folder: %s",
    async (name) => {
      const { platform } = space;
      await mkdir(join(platform.config.home, 'contents'), { recursive: true });
      const config = { ...platform.config, localRoots: [dirname(platform.config.home)] };
      const container = createContainer({ ...platform, config }, space.container.builtIns);

      for (const directory of [join(platform.config.home, name), dirname(platform.config.home)]) {
        const saved = runInPlace(container, saveFunction, { snapshot: space.snapshot.id, directory });
        await expect(saved).rejects.toMatchObject({ code: 'InvalidInput' });
      }
    },
  );

  it('an empty directory is not saved over the weights there are', async () => {
    await train();
    const directory = await openFolder({});

    await expect(save({ snapshot: space.snapshot.id, directory })).rejects.toMatchObject({
      code: 'NothingToSave',
    });

    expect(await load(space.snapshot.id)).toMatchObject({ snapshot: { revision: 1 } });
  });
});
