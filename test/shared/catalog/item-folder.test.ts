import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { makeDir } from '../../../shared/catalog/folders.ts';
import { createItemBucket } from '../../../shared/catalog/item-folder.ts';
import { getItem } from '../../../shared/catalog/items.ts';
import { cloneSnapshot } from '../../../shared/catalog/snapshot-clone.ts';
import { updateSnapshot } from '../../../shared/catalog/snapshots.ts';
import { put } from '../../support/workspace.ts';
import { type ModelWorkspace, openModelWorkspace, saveWeights } from './model-workspace.ts';

let workspace: ModelWorkspace;
beforeEach(async () => {
  workspace = await openModelWorkspace();
});
afterEach(() => workspace.platform.close());

async function openItemBucket(snapshotName = 'v1'): Promise<Bucket> {
  const { platform, actor, project, snapshot } = workspace;
  const names = { projectId: project.id, modelName: 'm1', snapshotName };
  return platform.openBucket(snapshot, await createItemBucket(platform, actor, names));
}

async function keysOf(bucket: Bucket, prefix?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list(prefix)) keys.push(key);
  return keys;
}

async function read(bucket: Bucket, key: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bucket.read(key)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('item buckets', () => {
  it('the folder is where a client makes it, and making it again is the same bucket', async () => {
    const { platform, actor, project } = workspace;
    const names = { projectId: project.id, modelName: 'm1', snapshotName: 'v1' };

    const spec = await createItemBucket(platform, actor, names);

    expect(await createItemBucket(platform, actor, names)).toEqual(spec);
    const item = await getItem(platform, actor, (spec as { itemId: string }).itemId);
    expect(item).toMatchObject({ type: 'dir', filename: '/artifacts/models/m1/snapshots/v1' });
  });

  it('what is written is read, listed in order of key, and replaced whole', async () => {
    const bucket = await openItemBucket();
    await bucket.write('b/model.bin', Buffer.from('old'));
    await bucket.write('a.txt', Buffer.from('a'));
    await bucket.write('b/model.bin', Buffer.from('new'));

    expect(await keysOf(bucket)).toEqual(['a.txt', 'b/model.bin']);
    expect(await keysOf(bucket, 'b/')).toEqual(['b/model.bin']);
    expect(await read(bucket, 'b/model.bin')).toBe('new');
  });

  it('ifAbsent leaves a taken key alone', async () => {
    const bucket = await openItemBucket();
    await bucket.write('k', Buffer.from('first'));

    await expect(bucket.write('k', Buffer.from('second'), { ifAbsent: true })).rejects.toMatchObject({
      code: 'PreconditionFailed',
    });
    expect(await read(bucket, 'k')).toBe('first');
  });

  it('of two writers with ifAbsent one wins', async () => {
    const bucket = await openItemBucket();

    const both = await Promise.allSettled(
      ['x', 'y'].map((text) => bucket.write('k', Buffer.from(text), { ifAbsent: true })),
    );

    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('the bucket v1 does not reach into v10', async () => {
    const [v1, v10] = [await openItemBucket('v1'), await openItemBucket('v10')];
    await v10.write('k', Buffer.from('of v10'));

    expect(await keysOf(v1)).toEqual([]);
    await v1.delete('k');
    expect(await read(v10, 'k')).toBe('of v10');
  });

  it('delete takes the item, and may be repeated', async () => {
    const bucket = await openItemBucket();
    await bucket.write('k', Buffer.from('x'));

    await bucket.delete('k');
    await bucket.delete('k');

    expect(await bucket.stat('k')).toBeUndefined();
  });

  it('a snapshot saves into it and is cloned out of it', async () => {
    const { platform, actor, project, snapshot } = workspace;
    const bucket = await createItemBucket(platform, actor, {
      projectId: project.id,
      modelName: 'm1',
      snapshotName: 's1',
    });
    const moved = await updateSnapshot(platform, actor, snapshot.id, { bucket });
    const saved = await saveWeights(workspace, moved, 'in items');

    const clone = await cloneSnapshot(platform, actor, saved.id, { name: 'c', withWeights: true });

    expect(clone).toMatchObject({ weights: saved.weights, bucket: { type: 'local' } });
  });

  it('a file, a missing item and a folder of another project are no bucket', async () => {
    const { platform, actor, snapshot, dataset } = workspace;
    const file = await put(workspace, '/a.txt');
    const folder = await makeDir(platform, actor, dataset.id, '/f');
    const outsider = { id: snapshot.id, projectId: 'another-project' };

    for (const [owner, itemId] of [
      [snapshot, file.id],
      [snapshot, '0'.repeat(24)],
      [snapshot, 'malformed'],
      [outsider, folder.id],
    ] as const)
      await expect(platform.openBucket(owner, { type: 'item', itemId })).rejects.toMatchObject({
        code: 'BucketNotFound',
      });
  });
});
