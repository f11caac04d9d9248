import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { createSnapshot } from '../../../shared/catalog/snapshots.ts';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import { type BucketGarbage, collectGarbage } from '../../../shared/gc/collect-garbage.ts';
import type { Platform } from '../../../shared/platform.ts';
import { objectKey } from '../../../shared/snapshots/files/manifest.ts';
import { openPath } from '../../support/test-platform.ts';
import { type Call, WatchedBucket } from '../buckets/watched-bucket.ts';
import { type ModelWorkspace, openModelWorkspace } from '../catalog/model-workspace.ts';
import { PackingBucket } from '../snapshots/weights.ts';
import { checkAllRevisions, packingPlatform, putGarbage, saveAsRun } from './gc-workspace.ts';

const FILES = { a: 'left behind once', b: 'left behind twice', c: 'new' };

/** What files lie in, and which of them is in the bucket before the save: objects of their own, or a pack of them all. */
const WAYS = [
  { way: 'of files of their own', isPacking: false, left: [FILES.a, FILES.b] },
  { way: 'of packs', isPacking: true, left: [FILES.a + FILES.b + FILES.c, 'left behind besides'] },
];

/** Every test runs on a bucket that holds, old and unreferenced, two objects, of which the save about to come needs one or both. */
describe.each(WAYS)('a save $way while gc is at work', ({ isPacking, left }) => {
  let workspace: ModelWorkspace;
  let snapshot: Snapshot;
  let bucket: Bucket;
  beforeEach(() => open());
  afterEach(() => workspace.platform.close());

  const open = async (): Promise<void> => {
    workspace = await openModelWorkspace();
    const { platform, actor, model } = workspace;
    const root = openPath(platform, 'weights');
    const spec = { type: 'local' as const, localPath: root };
    snapshot = await createSnapshot(platform, actor, { name: 's', modelId: model.id, bucket: spec });
    bucket = await platform.openBucket(snapshot, spec);
    // Has gc read a manifest after it knows what there is, so that a save can come in between.
    const other = await createSnapshot(platform, actor, { name: 'other', modelId: model.id, bucket: spec });
    await saveAsRun(platform, other, { d: 'kept' });
    for (const text of left) await putGarbage(root, bucket, text);
  };
  /** The platform, with `before` called ahead of every call to a bucket. */
  const watched = (before: (index: number, call: Call) => Promise<void>): Platform => {
    const { platform } = workspace;
    let calls = 0;
    return {
      ...platform,
      openBucket: async (owner, spec) =>
        new (isPacking ? PackingBucket : WatchedBucket)(await platform.openBucket(owner, spec), (call) => {
          calls += 1;
          return before(calls, call);
        }),
    };
  };
  /** Unwatched. */
  const platform = (): Platform => (isPacking ? packingPlatform(workspace.platform) : workspace.platform);
  const gc = async (platform: Platform = workspace.platform): Promise<BucketGarbage> =>
    (await collectGarbage(platform, { free: true })).buckets.find(({ snapshots }) =>
      snapshots.includes(snapshot.id),
    )!;
  const countCalls = async (work: (platform: Platform) => Promise<unknown>): Promise<number> => {
    let calls = 0;
    const count = async (index: number): Promise<void> => {
      calls = index;
    };
    await work(watched(count));
    await workspace.platform.close();
    return calls;
  };

  it('that runs whole between any two steps of gc finds all its files afterwards', async () => {
    const steps = await countCalls((platform) => gc(platform));
    expect(steps).toBeGreaterThan(2);

    for (let step = 1; step <= steps; step += 1) {
      await open();
      // What is started within a transaction would belong to it: the save is another process's.
      const elsewhere = AsyncLocalStorage.snapshot();
      let saving: Promise<unknown> = Promise.resolve();
      const outcome = await gc(
        watched(async (index, { operation }) => {
          if (index !== step) return;
          saving = elsewhere(() => saveAsRun(platform(), snapshot, FILES));
          // Keys are removed within a transaction, which the save waits for: then it goes on when that is over.
          if (operation !== 'delete') await saving;
        }),
      );
      await saving;
      expect(await checkAllRevisions(workspace.platform), `step ${step}: ${JSON.stringify(outcome)}`).toBe(2);
      await workspace.platform.close();
    }
    await open();
  });

  it('keeps gc out from its announcement to its move, whatever step it is at', async () => {
    const steps = await countCalls((platform) => saveAsRun(platform, snapshot, FILES));
    expect(steps).toBeGreaterThan(8);

    // The first call compares the snapshot with its bucket, ahead of the announcement.
    for (let step = 2; step <= steps; step += 1) {
      await open();
      const outcomes: BucketGarbage[] = [];
      const platform = watched(async (index) => {
        if (index === step) outcomes.push(await gc());
      });
      await saveAsRun(platform, snapshot, FILES);
      expect(outcomes[0]).toMatchObject({ freed: { count: 0 } });
      expect(await checkAllRevisions(workspace.platform), `step ${step}`).toBe(2);
      await workspace.platform.close();
    }
    await open();
  });

  it('that slept until its run was given up is refused at its end, and succeeds when repeated', async () => {
    const { platform } = workspace;
    const sleepy = watched(async (index) => {
      if (index !== 4) return;
      platform.clock.advance(60_000);
      expect((await gc()).freed.count).toBe(2);
    });

    await expect(saveAsRun(sleepy, snapshot, FILES)).rejects.toMatchObject({ code: 'SaveRevoked' });
    await saveAsRun(isPacking ? packingPlatform(platform) : platform, snapshot, FILES);

    expect(await checkAllRevisions(platform)).toBe(2);
  });

  it('whose objects are taken away by another hand before it moves sends them again', async () => {
    const steps = await countCalls((platform) => saveAsRun(platform, snapshot, FILES));

    for (let step = 1; step <= steps - 4; step += 1) {
      await open();
      const platform = watched(async (index) => {
        if (index !== step) return;
        for (const text of [...left, ...Object.values(FILES)]) await bucket.delete(objectKey(sha256Of(text)));
      });
      const outcome = await saveAsRun(platform, snapshot, FILES).catch((error: unknown) => error);
      // Taken away while it is read back, an object is told as missing; the save is repeated then.
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'ObjectNotFound' });
      else expect(await checkAllRevisions(workspace.platform), `step ${step}`).toBe(2);
      await workspace.platform.close();
    }
    await open();
  });
});
