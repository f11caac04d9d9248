import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadFunction } from '../../functions/load/load.ts';
import { saveFunction } from '../../functions/save/save.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import { cloneSnapshot } from '../../shared/catalog/snapshot-clone.ts';
import { deleteSnapshot } from '../../shared/catalog/snapshots.ts';
import { sha256Of } from '../../shared/content/file-digest.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { revisionId } from '../../shared/entities/snapshot-revision.ts';
import { collectGarbage } from '../../shared/gc/collect-garbage.ts';
import { createContainer } from '../../shared/invoke/handler.ts';
import type { JsonObject } from '../../shared/json.ts';
import { objectKey } from '../../shared/snapshots/files/manifest.ts';
import { restoreFiles } from '../../shared/snapshots/restore-files.ts';
import { openWeightsBucket } from '../../shared/snapshots/shared-files.ts';
import { ownBucketFolder } from '../../shared/state-folder.ts';
import { packingPlatform } from '../shared/gc/gc-workspace.ts';
import { textsIn, writeFiles } from '../shared/snapshots/weights.ts';
import { runInPlace } from '../support/run-function.ts';
import { openPath } from '../support/test-platform.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

const OLD = new Date('2020-01-01T00:00:00.000Z');
const BACKBONE = 'the same in parent and child';
const CHILD = { 'means.json': '{"low":3,"high":8}', 'backbone.bin': BACKBONE };

describe('files that a child has in common with its parent', () => {
  let space: TinyWorkspace;
  let parent: Snapshot;
  let child: Snapshot;
  beforeEach(async () => {
    space = await openTinyWorkspace();
    parent = space.snapshot;
    await save(parent, { 'means.json': '{"low":2,"high":8}', 'backbone.bin': BACKBONE });
    child = await cloneSnapshot(space.platform, LOCAL_ACTOR, parent.id, { name: 'child' });
  });
  afterEach(() => space.platform.close());

  const save = async ({ id }: Snapshot, files: Record<string, string>, more: JsonObject = {}) => {
    const directory = openPath(space.platform, 'upload', id);
    await mkdir(directory, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    return runInPlace(space.container, saveFunction, { snapshot: id, directory, ...more });
  };
  /** Loads as a machine that has nothing cached. */
  let machines = 0;
  const load = ({ id }: Snapshot) => {
    machines += 1;
    const cacheDirectory = join(space.platform.config.home, `cache-${machines}`);
    const fresh = createContainer({ ...space.platform, cacheDirectory }, space.container.builtIns);
    return runInPlace(fresh, loadFunction, { snapshot: id });
  };
  const objectsOf = ({ id }: Snapshot) =>
    readdir(join(ownBucketFolder(space.platform.config.home, id), 'objects')).catch(() => []);
  const current = async ({ id }: Snapshot) => (await space.platform.store.get('Snapshot', id))!;
  const age = async ({ id }: Snapshot): Promise<void> => {
    const folder = ownBucketFolder(space.platform.config.home, id);
    for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
      if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), OLD, OLD);
  };
  const gc = () => collectGarbage(space.platform, { free: true });

  it('are left in the bucket of the parent, loaded from there, and written out with the others', async () => {
    const output = await save(child, CHILD);

    expect(output).toMatchObject({ weights: { uploadedBytes: 18, sharedWith: [{ snapshotId: parent.id }] } });
    expect(await objectsOf(child)).toHaveLength(1);
    expect(await load(child)).toMatchObject({ files: [{ path: 'backbone.bin' }, { path: 'means.json' }] });
    const saved = await current(child);
    const directory = openPath(space.platform, 'out');
    await restoreFiles({
      bucket: await openWeightsBucket(space.platform, { owner: saved, ...saved }),
      weights: saved.weights!,
      snapshotId: saved.id,
      directory,
    });
    expect(await textsIn(directory)).toEqual(CHILD);
  });

  it('are copied by who names a bucket, and by a clone with weights', async () => {
    await save(child, CHILD);
    const grandchild = await cloneSnapshot(space.platform, LOCAL_ACTOR, child.id, {
      name: 'grandchild',
      withWeights: true,
    });
    expect(grandchild.weights).not.toHaveProperty('sharedWith');
    expect(await objectsOf(grandchild)).toHaveLength(2);

    const moved = { snapshot: child.id, fromSnapshot: child.id, bucket: { type: 'local' } };
    await runInPlace(space.container, saveFunction, moved);

    expect((await current(child)).weights).not.toHaveProperty('sharedWith');
    expect(await objectsOf(child)).toHaveLength(2);
  });

  it('stay when the parent is deleted and gc comes by, until the child is gone as well', async () => {
    await save(child, CHILD);
    await age(parent);
    await deleteSnapshot(space.platform, LOCAL_ACTOR, parent.id, { force: true });

    for (let times = 0; times < 2; times += 1) await gc();
    expect(await objectsOf(parent)).toHaveLength(1);
    expect(await load(child)).toMatchObject({ snapshot: { revision: 1 } });

    await age(child);
    await deleteSnapshot(space.platform, LOCAL_ACTOR, child.id);
    await gc();
    expect(await objectsOf(parent)).toEqual([]);
    expect(await space.platform.store.count('SnapshotRevision', {})).toBe(0);
  });

  it('keep gc from freeing in the bucket of the parent when nobody can tell what is lent', async () => {
    await save(child, CHILD);
    await age(parent);
    await deleteSnapshot(space.platform, LOCAL_ACTOR, parent.id, { force: true });
    await rm(join(ownBucketFolder(space.platform.config.home, child.id), 'manifests'), { recursive: true });

    const { buckets } = await gc();

    expect(buckets.map(({ problem }) => problem?.code)).toEqual(['WeightsMissing', 'WeightsMissing']);
    expect(await objectsOf(parent)).toHaveLength(2);
  });

  it('are refused where a pointer names a bucket of another project, or one of no revision', async () => {
    await save(child, CHILD);
    const { store } = space.platform;
    const other = await createProject(space.platform, LOCAL_ACTOR, { name: 'other' });
    const [record] = (await store.query('SnapshotRevision', { filter: { snapshotId: parent.id } })).items;
    await store.update('SnapshotRevision', record!.id, (now) => ({ ...now, projectId: other.id }));
    await expect(load(child)).rejects.toMatchObject({ code: 'WeightsCorrupt' });

    await store.update('SnapshotRevision', record!.id, (now) => ({ ...now, projectId: child.projectId }));
    expect(await load(child)).toMatchObject({ snapshot: { revision: 1 } });
    const elsewhere = { snapshotId: parent.id, bucket: { type: 'local' as const, localPath: '/etc' } };
    await store.update('Snapshot', child.id, (now) => ({
      ...now,
      weights: { ...now.weights!, sharedWith: [elsewhere] },
    }));
    await expect(load(child)).rejects.toMatchObject({ code: 'WeightsCorrupt' });
  });

  it('are left in the packs of the parent, and the pack stays as long as the child needs one of its files', async () => {
    const { builtIns } = space.container;
    const elsewhere = openPath(space.platform, 'weights-of-parent');
    const bucket = { type: 'local' as const, localPath: elsewhere };
    const packing = createContainer(packingPlatform(space.platform), builtIns);
    const directory = await writeFiles(openPath(space.platform, 'upload', 'packed'), {
      'means.json': '{"low":2,"high":8}',
      'backbone.bin': BACKBONE,
      'labels.txt': 'low high',
    });
    await runInPlace(packing, saveFunction, { snapshot: parent.id, directory, bucket });
    const pack = objectKey(sha256Of(`${BACKBONE}low high{"low":2,"high":8}`));
    const packs = () => readdir(join(elsewhere, 'objects')).catch(() => []);
    expect(await packs()).toEqual([pack.slice('objects/'.length)]);
    // What the parent had before it moved lies in its own bucket and is no longer what is shared first.
    await rm(ownBucketFolder(space.platform.config.home, parent.id), { recursive: true });
    await space.platform.store.delete('SnapshotRevision', [revisionId(parent.id, 1)]);

    const output = await save(child, CHILD);

    expect(output).toMatchObject({
      weights: { uploadedBytes: 18, sharedWith: [{ snapshotId: parent.id, bucket }] },
    });
    expect(await load(child)).toMatchObject({ files: [{ path: 'backbone.bin' }, { path: 'means.json' }] });
    const again = await save(child, { ...CHILD, 'notes.txt': 'more' });
    expect(again).toMatchObject({ weights: { uploadedBytes: 4, sharedWith: [{ snapshotId: parent.id }] } });

    const grandchild = await cloneSnapshot(space.platform, LOCAL_ACTOR, child.id, {
      name: 'grandchild',
      withWeights: true,
    });
    expect(await objectsOf(grandchild)).toHaveLength(3);
    expect(await load(grandchild)).toMatchObject({ sizeBytes: BACKBONE.length + 18 + 4 });
    // In a bucket of its own that prefers no packs, what did not change is left in the pack it came with.
    expect(await save(grandchild, { ...CHILD, 'notes.txt': 'still more' })).toMatchObject({
      weights: { uploadedBytes: 10 },
    });

    await deleteSnapshot(space.platform, LOCAL_ACTOR, parent.id, { force: true });
    for (const entry of await readdir(elsewhere, { withFileTypes: true, recursive: true }))
      if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), OLD, OLD);
    for (let times = 0; times < 2; times += 1) await gc();
    expect(await packs()).toEqual([pack.slice('objects/'.length)]);
    expect(await load(child)).toMatchObject({ snapshot: { revision: 2 } });

    await age(child);
    await deleteSnapshot(space.platform, LOCAL_ACTOR, child.id, { force: true });
    await gc();
    expect(await packs()).toEqual([]);
    expect(await load(grandchild)).toMatchObject({ snapshot: { revision: 2 } });
  });
});
