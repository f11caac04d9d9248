import { rm } from 'node:fs/promises';
import { isWithin, realPathOf } from '../content/contained-path.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { messageOf } from '../errors.ts';
import { canonicalJson, type JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { ownBucketFolder } from '../state-folder.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { listMatches } from './all-matches.ts';

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
 * Removes the folder of the state folder that is the snapshot's own, by its id; call it once the snapshot is gone. One
 * that another snapshot names by its path, or shares files of, is left to `gc`. What cannot be removed stays and is logged: nothing points at
 * it any more.
 */
export async function removeOwnBucket(
  platform: Pick<Platform, 'config' | 'log' | 'store'>,
  snapshot: Pick<Snapshot, 'id'>,
): Promise<void> {
  const folder = ownBucketFolder(platform.config.home, snapshot.id);
  try {
    if (!(await isNamedByOthers(platform.store, folder, snapshot.id)))
      await rm(folder, { recursive: true, force: true });
  } catch (error) {
    platform.log.warn('bucket of a deleted snapshot not removed', {
      snapshotId: snapshot.id,
      reason: messageOf(error),
    });
  }
}

/** Whether a living snapshot has, had or is about to have weights in the folder: by an explicit path, or shared. */
async function isNamedByOthers(store: EntityStore, folder: string, ownerId: string): Promise<boolean> {
  const fields = [
    'run.saving.bucket.localPath',
    'run.saving.sharedWith',
    'weights.sharedWith',
    'bucket.localPath',
  ];
  const snapshots = await listMatches(store, 'Snapshot', { filter: { $or: fields.map(named) } });
  const records = await listMatches(store, 'SnapshotRevision', {
    filter: { $or: fields.slice(2).map(named) },
  });
  const others = records.filter(({ snapshotId }) => snapshotId !== ownerId);
  const living = new Set(
    (
      await store.versions(
        'Snapshot',
        others.map(({ snapshotId }) => snapshotId),
      )
    ).keys(),
  );
  const specs = [
    ...snapshots.flatMap(({ bucket, run }) => [bucket, ...(run?.saving ? [run.saving.bucket] : [])]),
    ...others.filter(({ snapshotId }) => living.has(snapshotId)).map(({ bucket }) => bucket),
  ];
  const lenders = [...snapshots, ...others.filter(({ snapshotId }) => living.has(snapshotId))].flatMap(
    (each) => [
      ...(each.weights?.sharedWith ?? []),
      ...(('run' in each && each.run?.saving?.sharedWith) || []),
    ],
  );
  if (lenders.some(({ snapshotId }) => snapshotId === ownerId)) return true;
  const root = await realPathOf(folder);
  for (const spec of specs)
    if (spec.type === 'local' && spec.localPath && isWithin(root, await realPathOf(spec.localPath)))
      return true;
  return false;
}

function named(field: string): JsonObject {
  return { [field]: { $exists: true } };
}
