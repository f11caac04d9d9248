import type { Actor } from '../auth/actor.ts';
import { snapshotEvent } from '../catalog/snapshot-events.ts';
import { isoTime } from '../clock.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import type { SavedFiles } from './files/commit-files.ts';
import { saveFiles } from './files/save-files.ts';
import { RevisionMoved } from './snapshot-run.ts';

/**
 * Makes a folder's files the snapshot's next revision. Files and manifest are durable before the entity moves: a crash
 * at any point leaves the earlier revision as it was, and the same call again finds its files already there.
 * `bucket`: the bucket to move to; the snapshot's own when missing.
 * @throws RevisionMoved when another save came first; NothingToSave; the codes of buckets
 */
export async function commitDirectory(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  save: {
    directory: string;
    lineage: JsonObject;
    actor: Actor;
    bucket?: BucketSpec | undefined;
    signal?: AbortSignal;
  },
): Promise<{ snapshot: Snapshot; saved: SavedFiles }> {
  const spec = save.bucket ?? snapshot.bucket;
  const saved = await saveFiles({
    bucket: await platform.openBucket(snapshot, spec),
    source: save.directory,
    labels: snapshot.ontologySpec.labels,
    snapshotId: snapshot.id,
    revision: snapshot.revision + 1,
    configuration: snapshot.configuration,
    lineage: save.lineage,
    clock: platform.clock,
    ...(save.signal && { signal: save.signal }),
  });
  return {
    snapshot: await moveTo(platform, save.actor, snapshot, { ...saved, bucket: spec, lineage: save.lineage }),
    saved,
  };
}

/** Points the entity at a committed manifest, and tells subscribers of the new weights. @throws RevisionMoved */
export async function moveTo(
  { store, clock, ids }: Pick<Platform, 'store' | 'clock' | 'ids'>,
  actor: Actor,
  snapshot: Readonly<Snapshot>,
  to: { manifestKey: string; manifestSha256: string; bucket: BucketSpec; lineage: JsonObject },
): Promise<Snapshot> {
  const { manifestKey, manifestSha256, bucket, lineage } = to;
  return store.transaction(async (open) => {
    const moved = await open.update('Snapshot', snapshot.id, (current) => {
      if (current.revision !== snapshot.revision)
        throw new RevisionMoved(snapshot, snapshot.revision, current.revision);
      return {
        ...current,
        revision: current.revision + 1,
        weights: { manifestKey, manifestSha256 },
        bucket,
        lineage,
        status: 'trained',
        run: null,
        updatedAt: isoTime(clock),
      };
    });
    await open.appendEvents([snapshotEvent({ ids }, actor, 'Updated', moved)]);
    return moved;
  });
}
