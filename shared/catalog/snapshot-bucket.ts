import { rm } from 'node:fs/promises';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { messageOf } from '../errors.ts';
import { canonicalJson } from '../json.ts';
import type { Platform } from '../platform.ts';
import { ownBucketFolder } from '../state-folder.ts';

/**
 * The weights pointer a snapshot has once its bucket is `bucket`: the present one while its manifest is there, else
 * null. A client that saves empties the bucket and puts bare files into it; the pointer must not outlive that.
 * @throws the codes of buckets when a bucket it is to move to cannot be read
 */
export async function weightsAfter(
  platform: Pick<Platform, 'openBucket'>,
  snapshot: Snapshot,
  bucket: BucketSpec | undefined,
): Promise<Snapshot['weights']> {
  const { weights } = snapshot;
  if (weights === null || bucket === undefined) return weights;
  try {
    const opened = await platform.openBucket(snapshot, bucket);
    return (await opened.stat(weights.manifestKey)) ? weights : null;
  } catch (error) {
    if (canonicalJson(bucket) === canonicalJson(snapshot.bucket)) return weights;
    throw error;
  }
}

/**
 * Removes the folder of the state folder that is the snapshot's own, by its id; call it once the snapshot is gone. What
 * cannot be removed stays and is logged: nothing points at it any more.
 */
export async function removeOwnBucket(
  platform: Pick<Platform, 'config' | 'log'>,
  snapshot: Pick<Snapshot, 'id'>,
): Promise<void> {
  try {
    await rm(ownBucketFolder(platform.config.home, snapshot.id), { recursive: true, force: true });
  } catch (error) {
    platform.log.warn('bucket of a deleted snapshot not removed', {
      snapshotId: snapshot.id,
      reason: messageOf(error),
    });
  }
}
