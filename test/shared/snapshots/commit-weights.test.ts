import { afterEach, beforeEach, expect, it } from 'vitest';
import { createContainer } from '../../../shared/invoke/handler.ts';
import type { Platform } from '../../../shared/platform.ts';
import { tinyAdapters } from '../../support/tiny-adapter.ts';
import { WatchedBucket } from '../buckets/watched-bucket.ts';
import { type ModelWorkspace, openModelWorkspace, saveWeights } from '../catalog/model-workspace.ts';

let workspace: ModelWorkspace;
beforeEach(async () => {
  workspace = await openModelWorkspace();
});
afterEach(() => workspace.platform.close());

it('of two saves from one revision the first is kept, and the second is told so', async () => {
  const { platform, snapshot } = workspace;
  const first = await saveWeights(workspace, snapshot, 'first');

  await expect(saveWeights(workspace, snapshot, 'second')).rejects.toMatchObject({
    code: 'RevisionMoved',
    statusCode: 409,
    details: { expected: 0, found: 1 },
  });
  expect(await platform.store.get('Snapshot', snapshot.id)).toEqual(first);
});

it('that is sending when the snapshot moves on under it does not put its weights over the newer ones', async () => {
  const { platform, snapshot } = workspace;
  let moved = false;
  // The note of the save stays: what is left to stop it is the comparison of revisions at the move itself.
  const moveOn = async () => {
    if (moved) return;
    moved = true;
    await platform.store.update('Snapshot', snapshot.id, (current) => ({ ...current, revision: 1 }));
  };
  const overtaken: Platform = {
    ...platform,
    openBucket: async (owner, spec) =>
      new WatchedBucket(await platform.openBucket(owner, spec), ({ operation }) =>
        operation === 'write' ? moveOn() : undefined,
      ),
  };

  await expect(
    saveWeights({ ...workspace, platform: overtaken as typeof platform }, snapshot, 'late'),
  ).rejects.toMatchObject({ code: 'RevisionMoved', details: { expected: 0, found: 1 } });

  expect(await platform.store.get('Snapshot', snapshot.id)).toMatchObject({ revision: 1, weights: null });
});

it('keeps a short manifest with its revision, and a load asks the bucket for the files alone', async () => {
  const { platform, snapshot } = workspace;
  const saved = await saveWeights(workspace, snapshot, 'text');
  const read: string[] = [];
  const watching: Platform = {
    ...platform,
    openBucket: async (owner, spec) =>
      new WatchedBucket(await platform.openBucket(owner, spec), ({ key }) => void read.push(key)),
  };
  const { loaded } = createContainer(watching, tinyAdapters().builtIns);

  const { manifest, release } = await loaded.fetch({ ...saved, owner: saved });
  release();

  expect(read).toEqual(manifest!.files.map(({ sha256 }) => `objects/${sha256}`));
});
