import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadFunction } from '../../functions/load/load.ts';
import { predictFunction } from '../../functions/predict/predict.ts';
import { saveFunction } from '../../functions/save/save.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { predictedBy } from '../../shared/annotations/predictions.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { artifactFolder } from '../../shared/catalog/artifact-folder.ts';
import { cloneSnapshot } from '../../shared/catalog/snapshot-clone.ts';
import { listRevisions, restoreSnapshot } from '../../shared/catalog/snapshot-revisions.ts';
import { updateSnapshot } from '../../shared/catalog/snapshots.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { claimExecution } from '../../shared/invoke/executions.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { Platform } from '../../shared/platform.ts';
import { restoreFiles } from '../../shared/snapshots/restore-files.ts';
import { beginRun } from '../../shared/snapshots/snapshot-run.ts';
import { ownBucketFolder } from '../../shared/state-folder.ts';
import { WatchedBucket } from '../shared/buckets/watched-bucket.ts';
import { textsIn } from '../shared/snapshots/weights.ts';
import { runInPlace } from '../support/run-function.ts';
import { openPath } from '../support/test-platform.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

describe('revisions of a snapshot', () => {
  let space: TinyWorkspace;
  beforeEach(async () => {
    space = await openTinyWorkspace();
  });
  afterEach(() => space.platform.close());

  const train = () =>
    runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id }, 'e'.repeat(24));
  const save = async (means: object, more: JsonObject = {}) => {
    const directory = openPath(space.platform, 'upload');
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'means.json'), JSON.stringify(means));
    return runInPlace(space.container, saveFunction, { snapshot: space.snapshot.id, directory, ...more });
  };
  const current = async (): Promise<Snapshot> =>
    (await space.platform.store.get('Snapshot', space.snapshot.id))!;
  const revisions = async (id = space.snapshot.id) =>
    (await listRevisions(space.platform, LOCAL_ACTOR, id)).items;
  const restore = (input: unknown) => restoreSnapshot(space.platform, LOCAL_ACTOR, space.snapshot.id, input);
  const load = (more: JsonObject = {}) =>
    runInPlace(space.container, loadFunction, { snapshot: space.snapshot.id, ...more });

  it('are recorded by train and save with what each was made of, the newest first', async () => {
    await train();
    await updateSnapshot(space.platform, LOCAL_ACTOR, space.snapshot.id, { configuration: { bias: 1 } });
    await save({ low: 2, high: 8 });

    expect(await revisions()).toMatchObject([
      { revision: 2, configuration: { bias: 1 }, files: 1, lineage: { saved: { from: 'directory' } } },
      {
        revision: 1,
        configuration: {},
        executionId: 'e'.repeat(24),
        creator: LOCAL_ACTOR.email,
        labels: ['low', 'high'],
        lineage: { seed: 0 },
        sizeBytes: 19,
      },
    ]);
    expect((await current()).run).toBeNull();
  });

  it('come a page at a time', async () => {
    for (const high of [8, 9, 10]) await save({ low: 2, high });

    const page = await listRevisions(space.platform, LOCAL_ACTOR, space.snapshot.id, {
      page: 1,
      pageSize: 2,
    });

    expect(page).toMatchObject({ totalItemsCount: 3, hasNextPage: false, items: [{ revision: 1 }] });
  });

  it('get the entry of the current one in a store that is older than the records', async () => {
    await save({ low: 2, high: 8 });
    const { store } = space.platform;
    await store.delete('SnapshotRevision', await store.ids('SnapshotRevision', {}));

    expect(await revisions()).toMatchObject([{ revision: 1, sizeBytes: null, files: null }]);
    await store.delete('SnapshotRevision', await store.ids('SnapshotRevision', {}));
    await save({ low: 3, high: 8 });
    expect(await revisions()).toMatchObject([{ revision: 2 }, { revision: 1 }]);
    expect(await load({ revision: 1 })).toMatchObject({ snapshot: { revision: 1 } });
  });

  it('begin anew with a clone that takes the weights along', async () => {
    await save({ low: 2, high: 8 });
    const clone = await cloneSnapshot(space.platform, LOCAL_ACTOR, space.snapshot.id, {
      name: 'child',
      withWeights: true,
    });

    expect(await revisions(clone.id)).toMatchObject([{ revision: 1, files: 1, sizeBytes: 18 }]);
  });

  it('load and predict as they were, whichever is current', async () => {
    await save({ low: 2, high: 8 });
    await updateSnapshot(space.platform, LOCAL_ACTOR, space.snapshot.id, { configuration: { bias: 100 } });
    await save({ low: 8, high: 2 });
    const item = space.items.get('/test/4.json')!.id;
    const predict = (more: JsonObject) =>
      runInPlace(space.container, predictFunction, { snapshot: space.snapshot.id, item, ...more });

    const earlier = await load({ revision: 1 });
    expect(earlier).toMatchObject({ snapshot: { revision: 1 }, configuration: { bias: 0 }, cold: true });
    expect(await load({ revision: 1 })).toMatchObject({ cold: false });
    expect(await load()).toMatchObject({ snapshot: { revision: 2 }, configuration: { bias: 100 } });

    await predict({});
    await predict({ revision: 1 });
    const { items } = await space.platform.store.query('Annotation', {
      filter: { creator: LOCAL_ACTOR.email, itemId: item },
    });
    const predictions = items.filter((each) => predictedBy(each));
    expect(predictions.map((each) => predictedBy(each)?.revision)).toEqual([1]);
    expect(predictions[0]!.label).toBe('low');
  });

  it('that never were are told with those there are', async () => {
    await save({ low: 2, high: 8 });

    await expect(load({ revision: 7 })).rejects.toMatchObject({
      code: 'RevisionNotFound',
      statusCode: 404,
      message: expect.stringContaining('It has: 1.'),
    });
    await expect(restore({ revision: 7 })).rejects.toMatchObject({ code: 'RevisionNotFound' });
    await expect(restore({})).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it('are restored as a new one, with the configuration they were made with and nothing copied', async () => {
    await train();
    await updateSnapshot(space.platform, LOCAL_ACTOR, space.snapshot.id, { configuration: { bias: 1 } });
    const itemId = await artifactFolder(space.platform, LOCAL_ACTOR, space.project.id, '/moved');
    await save({ low: 9, high: 1 }, { bucket: { type: 'item', itemId } });
    const objects = await readdir(ownBucketFolder(space.platform.config.home, space.snapshot.id), {
      recursive: true,
    });
    const [, first] = await revisions();

    const restored = await restore({ revision: 1 });

    expect(restored).toMatchObject({
      revision: 3,
      weights: first!.weights,
      bucket: { type: 'local' },
      configuration: {},
      status: 'trained',
      run: null,
      lineage: { seed: 0, restored: { revision: 1 } },
    });
    expect((await revisions()).map(({ revision }) => revision)).toEqual([3, 2, 1]);
    expect(await load()).toMatchObject({ snapshot: { revision: 3 } });
    expect(await load({ revision: 2 })).toMatchObject({
      snapshot: { revision: 2 },
      bucket: { type: 'item' },
    });
    expect(
      await readdir(ownBucketFolder(space.platform.config.home, space.snapshot.id), { recursive: true }),
    ).toEqual(objects);
  });

  it('are not restored while a run holds the snapshot, nor when a file of theirs is gone', async () => {
    await save({ low: 2, high: 8 });
    await save({ low: 3, high: 8 });
    const call = { functionName: 'train', input: {}, caller: 'http' as const, actor: LOCAL_ACTOR };
    await claimExecution(space.platform, 'running', call, 'holder');
    await beginRun(space.platform, await current(), 'running');
    await expect(restore({ revision: 1 })).rejects.toMatchObject({ code: 'SnapshotInUse', statusCode: 409 });

    space.platform.clock.advance(60_000);
    const bucket = await space.platform.openBucket(space.snapshot, { type: 'local' });
    const [, first] = await revisions();
    const manifest = await readFile(
      join(ownBucketFolder(space.platform.config.home, space.snapshot.id), first!.weights.manifestKey),
      'utf8',
    );
    const { files } = JSON.parse(manifest) as { files: { sha256: string }[] };
    await bucket.delete(`objects/${files[0]!.sha256}`);
    await expect(restore({ revision: 1 })).rejects.toMatchObject({ code: 'WeightsMissing' });
    expect(await current()).toMatchObject({ revision: 2 });
  });

  it('are written into a folder whole or not at all', async () => {
    await save({ low: 2, high: 8 });
    const { home } = space.platform.config;
    const bucket = await space.platform.openBucket(space.snapshot, { type: 'local' });
    const [record] = await revisions();
    const to = (directory: string, from = bucket) =>
      restoreFiles({ bucket: from, weights: record!.weights, snapshotId: space.snapshot.id, directory });
    await mkdir(join(home, 'out', 'empty'), { recursive: true });
    await mkdir(join(home, 'out', 'full'));
    await writeFile(join(home, 'out', 'full', 'mine.txt'), 'mine');

    await to(join(home, 'out', 'empty'));
    await to(join(home, 'out', 'new', 'deep'));
    await expect(to(join(home, 'out', 'full'))).rejects.toMatchObject({ code: 'FolderNotEmpty' });
    await expect(to(join(home, 'out', 'full', 'mine.txt'))).rejects.toMatchObject({ code: 'FolderNotEmpty' });
    const changed = new WatchedBucket(bucket);
    changed.read = async function* (key, options) {
      if (key.startsWith('objects/')) yield Buffer.from('other bytes');
      else yield* bucket.read(key, options);
    };
    await expect(to(join(home, 'out', 'damaged'), changed)).rejects.toMatchObject({ code: 'WeightsCorrupt' });

    expect(await textsIn(join(home, 'out'))).toEqual({
      'empty/means.json': '{"low":2,"high":8}',
      'new/deep/means.json': '{"low":2,"high":8}',
      'full/mine.txt': 'mine',
    });
    expect((await readdir(join(home, 'out'))).sort()).toEqual(['empty', 'full', 'new']);
  });

  describe('moved from bucket to bucket', () => {
    const move = async (container = space.container) => {
      const itemId = await artifactFolder(space.platform, LOCAL_ACTOR, space.project.id, '/moved');
      return runInPlace(container, saveFunction, {
        snapshot: space.snapshot.id,
        fromSnapshot: space.snapshot.id,
        bucket: { type: 'item', itemId },
      });
    };
    const withTarget = (before: ConstructorParameters<typeof WatchedBucket>[1]) => {
      const sent: string[] = [];
      const platform: Platform = {
        ...space.platform,
        openBucket: async (owner, spec) => {
          const opened = await space.platform.openBucket(owner, spec);
          if (spec.type !== 'item') return opened;
          return new WatchedBucket(opened, async (call, index) => {
            if (call.operation === 'write') sent.push(call.key);
            await before?.(call, index);
          });
        },
      };
      return { container: createContainer(platform, space.container.builtIns), sent };
    };
    const saveMany = async (): Promise<void> => {
      const directory = openPath(space.platform, 'many');
      await mkdir(directory, { recursive: true });
      for (let n = 0; n < 9; n += 1) await writeFile(join(directory, `${n}.bin`), String(n).repeat(100));
      await runInPlace(space.container, saveFunction, { snapshot: space.snapshot.id, directory });
    };

    it('their bytes are not put into the cache on the way', async () => {
      await saveMany();

      await move();

      const cached = await readdir(join(space.platform.cacheDirectory, 'objects')).catch(() => []);
      expect(cached).toEqual([]);
      expect(await current()).toMatchObject({ revision: 2, bucket: { type: 'item' } });
    });

    it('and stopped half-way, the next move sends only the rest', async () => {
      await saveMany();
      let written = 0;
      const first = withTarget(({ operation }) => {
        if (operation === 'write' && ++written > 5) throw new Error('the line is dead');
      });
      await expect(move(first.container)).rejects.toThrow('the line is dead');
      expect(await current()).toMatchObject({ revision: 1, status: 'trained', run: null });

      const second = withTarget(() => undefined);
      const output = await move(second.container);

      const done = first.sent.slice(0, 5);
      expect(second.sent.filter((key) => key.startsWith('objects/'))).toHaveLength(4);
      expect(second.sent.filter((key) => done.includes(key))).toEqual([]);
      expect(output).toMatchObject({ weights: { sizeBytes: 900, uploadedBytes: 400 } });
    });
  });
});
