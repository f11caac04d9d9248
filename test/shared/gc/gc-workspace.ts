import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import type { Bucket } from '../../../shared/buckets/bucket.ts';
import { sha256Of } from '../../../shared/content/file-digest.ts';
import type { BucketSpec } from '../../../shared/entities/bucket-spec.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import { claimExecution } from '../../../shared/invoke/executions.ts';
import type { Platform } from '../../../shared/platform.ts';
import { commitWeights } from '../../../shared/snapshots/commit-weights.ts';
import { checkPresent } from '../../../shared/snapshots/files/check-present.ts';
import { objectKey } from '../../../shared/snapshots/files/manifest.ts';
import { beginRun } from '../../../shared/snapshots/snapshot-run.ts';
import { bytesOf, listOf } from '../../contracts/bucket.contract.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';
import { type Files, PackingBucket, writeFiles } from '../snapshots/weights.ts';

/** Long before any grace. */
const OLD = new Date('2020-01-01T00:00:00.000Z');

let runs = 0;

/** Saves files as the snapshot's next revision, within a living run, as the functions do. */
export async function saveAsRun(
  platform: Platform,
  snapshot: Snapshot,
  files: Files,
  bucket?: BucketSpec,
): Promise<Snapshot> {
  runs += 1;
  const executionId = `run-${runs}`;
  const call = {
    functionName: 'save',
    input: {},
    projectId: snapshot.projectId,
    caller: 'http' as const,
    actor: LOCAL_ACTOR,
    executionId,
  };
  await claimExecution(platform, executionId, call, 'holder');
  const begun = await beginRun(platform, snapshot, executionId);
  const source = await writeFiles(temporaryFolder(), files);
  const save = { source, lineage: {}, actor: LOCAL_ACTOR, executionId, bucket };
  return (await commitWeights(platform, begun, save)).snapshot;
}

/** The platform with buckets that prefer few objects, so that small files are saved in packs. */
export function packingPlatform<T extends Platform>(platform: T): T {
  return {
    ...platform,
    openBucket: async (owner, spec) => new PackingBucket(await platform.openBucket(owner, spec)),
  };
}

/** Puts an object nobody refers to into a bucket, old unless told otherwise; answers its key. */
export async function putGarbage(root: string, bucket: Bucket, text: string, isOld = true): Promise<string> {
  const key = objectKey(sha256Of(text));
  await bucket.write(key, bytesOf(text));
  if (isOld) await utimes(join(root, key), OLD, OLD);
  return key;
}

/** Makes all that lies in a local bucket old. */
export async function age(root: string, bucket: Bucket): Promise<void> {
  for (const { key } of await listOf(bucket)) await utimes(join(root, key), OLD, OLD);
}

/** Finds every file of every recorded revision; fails when one is gone. */
export async function checkAllRevisions(platform: Platform): Promise<number> {
  const { items } = await platform.store.query('SnapshotRevision', {});
  for (const { snapshotId, projectId, bucket, weights } of items)
    await checkPresent({
      bucket: await platform.openBucket({ id: snapshotId, projectId }, bucket),
      weights,
      snapshotId,
    });
  return items.length;
}
