import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { createItemBucket } from '../../../shared/catalog/item-folder.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { createSnapshot, deleteSnapshot } from '../../../shared/catalog/snapshots.ts';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import type { ErrorBody } from '../../../shared/errors.ts';
import { collectGarbage, type GarbageOptions } from '../../../shared/gc/collect-garbage.ts';
import { claimExecution, finishExecution } from '../../../shared/invoke/executions.ts';
import { openPlatform } from '../../../shared/open-platform.ts';
import { objectKey } from '../../../shared/snapshots/files/manifest.ts';
import { bytesOf, listOf } from '../../contracts/bucket.contract.ts';
import { cutOff, rewriteDocument } from '../../support/damage-document.ts';
import { openPath } from '../../support/test-platform.ts';
import { type ModelWorkspace, openModelWorkspace } from '../catalog/model-workspace.ts';
import { PackingBucket, save } from '../snapshots/weights.ts';
import { age, checkAllRevisions, packingPlatform, putGarbage, saveAsRun } from './gc-workspace.ts';

const DAY_MS = 24 * 3600 * 1000;

describe('gc', () => {
  let workspace: ModelWorkspace;
  let snapshot: Snapshot;
  let root: string;
  let bucket: Bucket;
  beforeEach(async () => {
    workspace = await openModelWorkspace();
    root = openPath(workspace.platform, 'shared-weights');
    snapshot = await snapshotIn('owner');
    bucket = await workspace.platform.openBucket(snapshot, snapshot.bucket);
  });
  afterEach(() => workspace.platform.close());

  const snapshotIn = (name: string): Promise<Snapshot> =>
    createSnapshot(workspace.platform, workspace.actor, {
      name,
      modelId: workspace.model.id,
      bucket: { type: 'local', localPath: root },
    });
  const gc = async (options: Partial<GarbageOptions> = {}) => {
    const garbage = await collectGarbage(workspace.platform, { free: true, ...options });
    const own = garbage.buckets.find(
      (each) => JSON.stringify(each.bucket) === JSON.stringify(snapshot.bucket),
    );
    return { ...garbage, own: own! };
  };
  const keys = async () => (await listOf(bucket)).map(({ key }) => key);

  it('shows first, frees with the word, and touches neither a revision nor a file somebody put there', async () => {
    const one = await saveAsRun(workspace.platform, snapshot, { 'model.bin': 'one' });
    await saveAsRun(workspace.platform, one, { 'model.bin': 'two' });
    await bucket.write('mine/model.bin', bytesOf('bare'));
    await bucket.write('objects/readme.txt', bytesOf('bare too'));
    await age(root, bucket);
    const garbage = await putGarbage(root, bucket, 'left behind');
    const before = await keys();

    const shown = await gc({ free: false });
    expect(shown.own).toMatchObject({
      objects: { count: 1, sizeBytes: 11 },
      freed: { count: 0 },
      problem: null,
    });
    expect(await keys()).toEqual(before);

    const freed = await gc();
    expect(freed.own).toMatchObject({ freed: { count: 1, sizeBytes: 11 }, problem: null });
    expect(await keys()).toEqual(before.filter((key) => key !== garbage));
    expect(await checkAllRevisions(workspace.platform)).toBe(2);
  });

  it('frees nothing of any bucket while a stored snapshot cannot be read, names it, and goes on with this machine', async () => {
    await saveAsRun(workspace.platform, snapshot, { 'model.bin': 'one' });
    await age(root, bucket);
    const garbage = await putGarbage(root, bucket, 'left behind');
    const other = await snapshotIn('damaged');
    rewriteDocument(workspace.platform, 'snapshots', other.id, cutOff);

    const { problem, buckets, local } = await collectGarbage(workspace.platform, { free: true });

    expect(problem).toMatchObject({
      code: 'DocumentUnreadable',
      message: expect.stringContaining(other.id),
    });
    expect(buckets).toEqual([]);
    expect(local).not.toBeNull();
    expect(await keys()).toContain(garbage);
  });

  it('keeps the checkpoint of a training that failed and is to be tried again, until it is over', async () => {
    const { platform, actor } = workspace;
    const key = `checkpoints/run-1/objects/${'0'.repeat(64)}`;
    await bucket.write(key, bytesOf('state'));
    await age(root, bucket);
    const call = { functionName: 'train', input: {}, caller: 'event', actor, executionId: 'run-1' } as const;
    await claimExecution(platform, 'run-1', call, 'holder');
    const weights = { manifestKey: 'manifests/1.json', manifestSha256: '0'.repeat(64) };
    await platform.store.update('Execution', 'run-1', (now) => ({
      ...now,
      checkpoint: { bucket: snapshot.bucket, weights, facts: {} },
    }));
    const fail = (error: object) =>
      finishExecution(platform, 'run-1', 'holder', { durationMs: 1, error: error as ErrorBody });

    await fail({ statusCode: 503, code: 'PythonDied', message: 'killed', details: {} });
    await gc();
    const afterFault = await keys();
    platform.clock.advance(13 * DAY_MS);
    await gc();
    const afterDays = await keys();
    await claimExecution(platform, 'run-1', call, 'holder');
    await fail({ statusCode: 422, code: 'PythonRaised', message: 'wrong', details: {} });
    await gc();

    expect(afterFault).toContain(key);
    expect(afterDays).toContain(key);
    expect(await keys()).not.toContain(key);
  });

  it('frees the checkpoint of a training that failed and was never tried again', async () => {
    const { platform, actor } = workspace;
    const key = `checkpoints/run-1/objects/${'0'.repeat(64)}`;
    await bucket.write(key, bytesOf('state'));
    await age(root, bucket);
    const call = { functionName: 'train', input: {}, caller: 'event', actor, executionId: 'run-1' } as const;
    await claimExecution(platform, 'run-1', call, 'holder');
    const weights = { manifestKey: 'manifests/1.json', manifestSha256: '0'.repeat(64) };
    const checkpoint = { bucket: snapshot.bucket, weights, facts: {} };
    await platform.store.update('Execution', 'run-1', (now) => ({ ...now, checkpoint }));
    const error = { statusCode: 503, code: 'PythonDied', message: 'killed', details: {} };
    await finishExecution(platform, 'run-1', 'holder', { durationMs: 1, error });

    platform.clock.advance(15 * DAY_MS);
    await gc();

    expect(await keys()).not.toContain(key);
  });

  it('leaves what is younger than the grace, and refuses a grace below an hour', async () => {
    const young = await putGarbage(root, bucket, 'just sent', false);

    expect((await gc()).own).toMatchObject({
      objects: { count: 0 },
      young: { count: 1 },
      freed: { count: 0 },
    });
    expect(await keys()).toEqual([young]);
    await expect(gc({ graceMs: 1000 })).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it('keeps what any snapshot of a shared bucket refers to, and frees what a deleted one leaves', async () => {
    const other = await snapshotIn('other');
    await saveAsRun(workspace.platform, snapshot, { a: 'common', b: 'mine' });
    await saveAsRun(workspace.platform, other, { a: 'common', b: 'other' });
    await age(root, bucket);
    expect((await gc()).own.freed.count).toBe(0);

    await deleteSnapshot(workspace.platform, workspace.actor, other.id);
    expect((await gc()).own).toMatchObject({ manifests: { count: 1 }, objects: { count: 1 }, problem: null });

    expect(await keys()).toHaveLength(3);
    expect(await checkAllRevisions(workspace.platform)).toBe(1);
  });

  it('finds the bucket of a deleted snapshot that nobody else uses, frees it and then forgets it', async () => {
    const { platform, actor, project } = workspace;
    const names = { projectId: project.id, modelName: 'm1', snapshotName: 'gone' };
    const item = await createItemBucket(platform, actor, names);
    const saved = await saveAsRun(platform, snapshot, { a: 'x' }, item);
    const items = await platform.openBucket(saved, item);
    await items.write('bare.txt', bytesOf('mine'));
    await deleteSnapshot(platform, actor, saved.id);

    expect(await platform.store.count('SnapshotRevision', {})).toBe(1);
    await gc();
    // Two of history; its visible name with the companion of a single file, and what was there.
    expect((await listOf(items)).length).toBe(5);
    platform.clock.advance(8 * 24 * 3600 * 1000);
    await gc();

    expect((await listOf(items)).map(({ key }) => key)).toEqual(['.keep', 'a', 'bare.txt']);
    expect(await platform.store.count('SnapshotRevision', {})).toBe(0);
  });

  it('keeps earlier revisions of a store that is older than their records', async () => {
    const { store } = workspace.platform;
    const one = await saveAsRun(workspace.platform, snapshot, { 'model.bin': 'one' });
    await saveAsRun(workspace.platform, one, { 'model.bin': 'two' });
    await store.delete('SnapshotRevision', await store.ids('SnapshotRevision', {}));
    await age(root, bucket);

    expect((await gc()).own).toMatchObject({ freed: { count: 0 }, problem: null });
    expect(await keys()).toHaveLength(4);
  });

  it('keeps what another store saved into the same bucket', async () => {
    const other = await openModelWorkspace();
    // Ids of test platforms count up: this store's are to be others than those of the first.
    for (let used = 0; used < 100; used += 1) other.platform.ids.objectId();
    const guest = await createSnapshot(other.platform, other.actor, {
      name: 'guest of another store',
      modelId: other.model.id,
      bucket: snapshot.bucket,
    });
    const config = { ...other.platform.config, localRoots: [openPath(workspace.platform)] };
    const { close } = other.platform;
    const neighbour = await openPlatform(config, { store: other.platform.store });
    await saveAsRun(neighbour, guest, { a: 'theirs' });
    await saveAsRun(workspace.platform, snapshot, { a: 'ours' });
    await age(root, bucket);
    await putGarbage(root, bucket, 'left behind');

    expect((await gc()).own).toMatchObject({ foreign: 1, freed: { count: 1 }, problem: null });

    expect(await checkAllRevisions(neighbour)).toBe(1);
    await close();
  });

  it('keeps a pack as long as one of its files is that of a revision, of whichever snapshot', async () => {
    const { model, actor } = workspace;
    const platform = packingPlatform(workspace.platform);
    const packOf = (...texts: string[]) => objectKey(sha256Of(texts.join('')));
    const parent = await saveAsRun(platform, snapshot, { a: 'both', b: 'parent', c: 'parent too' });
    const child = await createSnapshot(platform, actor, {
      name: 'child',
      modelId: model.id,
      parentId: parent.id,
      bucket: snapshot.bucket,
    });
    const saved = await saveAsRun(platform, child, { a: 'both', b: 'child', c: 'child too' });
    await age(root, bucket);
    const [first, second] = [packOf('both', 'parent', 'parent too'), packOf('child', 'child too')];
    expect((await keys()).filter((key) => key.startsWith('objects/')).sort()).toEqual([first, second].sort());

    await deleteSnapshot(platform, actor, parent.id, { force: true });
    expect((await gc()).own).toMatchObject({ freed: { count: 1 }, problem: null });
    expect((await keys()).filter((key) => key.startsWith('objects/')).sort()).toEqual([first, second].sort());
    expect(await checkAllRevisions(platform)).toBe(1);

    await saveAsRun(platform, saved, { b: 'child', c: 'child too' });
    await age(root, bucket);
    expect((await gc()).own).toMatchObject({ freed: { count: 0 }, problem: null });

    await deleteSnapshot(platform, actor, child.id);
    expect((await gc()).own).toMatchObject({ freed: { count: 4 }, problem: null });
    expect(await keys()).toEqual([]);
  });

  it('keeps the packs of a manifest that is young, and of one that another store saved', async () => {
    const packing = new PackingBucket(bucket);
    await save(packing, { a: 'from', b: 'elsewhere' }, 1, { snapshotId: 'f'.repeat(24) });
    await age(root, bucket);
    const before = await keys();
    expect((await gc()).own).toMatchObject({ foreign: 1, freed: { count: 0 } });
    expect(await keys()).toEqual(before);

    const saved = await save(packing, { a: 'about', b: 'to be pointed at' }, 1, { snapshotId: snapshot.id });
    const pack = objectKey(sha256Of('aboutto be pointed at'));
    await utimes(join(root, pack), new Date('2020-01-01'), new Date('2020-01-01'));
    expect((await gc()).own).toMatchObject({ freed: { count: 0 } });
    expect(await keys()).toContain(pack);

    await bucket.delete(saved.manifestKey);
    expect((await gc()).own).toMatchObject({ freed: { count: 1 } });
    expect(await keys()).toEqual(before);
  });

  it.each([
    ['changed', 'WeightsCorrupt', (key: string) => bucket.write(key, bytesOf('{}'))],
    ['gone', 'WeightsMissing', (key: string) => bucket.delete(key)],
  ])('frees nothing in a bucket of which a manifest is %s', async (_what, code, damage) => {
    const saved = await saveAsRun(workspace.platform, snapshot, { 'model.bin': 'one' });
    await damage(saved.weights!.manifestKey);
    await age(root, bucket);
    await putGarbage(root, bucket, 'left behind');
    const before = await keys();

    const { own } = await gc();

    expect(own).toMatchObject({ problem: { code }, freed: { count: 0 } });
    expect(await keys()).toEqual(before);
  });

  it('reports a bucket that cannot be opened and goes on with the others', async () => {
    await createSnapshot(workspace.platform, workspace.actor, {
      name: 'elsewhere',
      modelId: workspace.model.id,
      bucket: { type: 'local', localPath: '/etc/weights' },
    });
    await putGarbage(root, bucket, 'left behind');

    const { buckets, own } = await gc();

    expect(buckets.flatMap(({ problem }) => problem?.code ?? [])).toEqual(['BucketNotAllowed']);
    expect(own.freed.count).toBe(1);
  });

  it('of one project only looks at what its snapshots use, with what others refer to in it', async () => {
    const { platform, actor, project } = workspace;
    const empty = await createProject(platform, actor, { name: 'empty' });
    await putGarbage(root, bucket, 'left behind');

    expect((await gc({ projectId: empty.id })).buckets).toEqual([]);
    expect(await gc({ projectId: project.id })).toMatchObject({ local: null, own: { freed: { count: 1 } } });
  });

  it('frees the folder of a clone that was never finished, once nothing in it is new', async () => {
    const { platform } = workspace;
    const owner = { id: 'f'.repeat(24), projectId: workspace.project.id };
    const folder = join(platform.config.home, 'buckets', 'snapshots', owner.id);
    const orphan = await platform.openBucket(owner, { type: 'local' });
    const key = await putGarbage(folder, orphan, 'old part');
    await putGarbage(folder, orphan, 'new part', false);

    await gc();
    expect(await listOf(orphan)).toHaveLength(2);
    await age(folder, orphan);
    await gc();

    expect((await listOf(orphan)).map((each) => each.key)).not.toContain(key);
    expect(await listOf(orphan)).toHaveLength(0);
  });

  it('fails when the folder of buckets cannot be listed, instead of reporting that nothing is in it', async () => {
    const { config } = workspace.platform;
    const folder = join(config.home, 'buckets', 'snapshots');
    await rm(folder, { recursive: true, force: true });
    await mkdir(dirname(folder), { recursive: true });
    await writeFile(folder, 'a file in the place of a folder');

    await expect(gc()).rejects.toMatchObject({
      code: 'StorageUnavailable',
      details: { systemCode: 'ENOTDIR' },
    });
  });

  it('frees temporary files, unfinished writes and code that no model has any more', async () => {
    const { config } = workspace.platform;
    const old = new Date('2020-01-01T00:00:00.000Z');
    const [unused, fresh] = ['a'.repeat(64), 'b'.repeat(64)];
    const files = [
      join(config.home, 'contents', 'tmp', 'killed'),
      join(config.home, 'cache', 'tmp', 'killed'),
      join(root, '.modelfn-tmp', 'killed'),
      join(config.home, 'cache', 'codebases', unused, 'adapter.mjs'),
      join(config.home, 'cache', 'codebases', fresh, 'adapter.mjs'),
    ];
    for (const file of files) {
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, '12345');
      await utimes(file, old, old);
    }
    await utimes(join(config.home, 'cache', 'codebases', unused), old, old);

    const shown = await gc({ free: false });
    expect(shown.local).toMatchObject({ temporary: { count: 2, sizeBytes: 10 }, codebases: { count: 1 } });
    expect(shown.own.unfinished).toEqual({ count: 1, sizeBytes: 5 });
    await gc();

    expect(await readdir(join(config.home, 'cache', 'codebases'))).toEqual([fresh]);
    expect(await readdir(join(root, '.modelfn-tmp'))).toEqual([]);
    expect((await gc()).local).toMatchObject({ temporary: { count: 0 }, codebases: { count: 0 } });
  });
});
