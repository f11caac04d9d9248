import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import { type SnapshotRevision, snapshotRevisionSchema } from '../entities/snapshot-revision.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { noticeDirectWrites } from '../snapshots/direct-writes.ts';
import { checkPresent } from '../snapshots/files/check-present.ts';
import { weightFiles } from '../snapshots/files/manifest.ts';
import { ensureRecorded, readRevision, recordRevision } from '../snapshots/revisions.ts';
import { openWeightsBucket } from '../snapshots/shared-files.ts';
import { showFilesQuietly, visibleAfterSave } from '../snapshots/show-files.ts';
import { RevisionMoved } from '../snapshots/snapshot-run.ts';
import type { Page } from '../store/entity-store.ts';
import { type ListPage, pagingOf } from './listing.ts';
import { snapshotFor } from './model-access.ts';
import { snapshotEvent } from './snapshot-events.ts';
import { assertNotInUse } from './snapshot-removal.ts';

/** The saved revisions of a snapshot, the newest first. @throws EntityNotFound */
export async function listRevisions(
  platform: Platform,
  actor: Actor,
  snapshotId: string,
  paging: ListPage = {},
): Promise<Page<SnapshotRevision>> {
  const snapshot = await snapshotFor(platform.store, actor, snapshotId);
  await ensureRecorded(platform.store, snapshot);
  return platform.store.query('SnapshotRevision', {
    filter: { snapshotId: { $in: [snapshotId] } },
    sort: [{ field: 'revision', direction: 'descending' }],
    ...pagingOf(paging),
  });
}

const restoreSchema = z.object({ revision: snapshotRevisionSchema.shape.revision });

/**
 * Makes an earlier revision the snapshot's next one: same files, bucket, configuration and labels, nothing copied and
 * nothing lost. Every file was found in the bucket before the snapshot moves. The lineage is the earlier one's with
 * `restored` beside it; curves stay, they are the log of all that was tried.
 * @throws EntityNotFound, InvalidInput, RevisionNotFound, SnapshotInUse while a run writes weights, WeightsMissing,
 * WeightsCorrupt, RevisionMoved, the codes of buckets
 */
export async function restoreSnapshot(
  platform: Platform,
  actor: Actor,
  id: string,
  input: unknown,
): Promise<Readonly<Snapshot>> {
  const { revision } = parse(restoreSchema, input, 'restore of a snapshot');
  const { store, clock } = platform;
  const found = await snapshotFor(store, actor, id);
  await assertNotInUse(platform, found);
  // Files that another client wrote are a revision of their own before another one takes their place.
  const seen = await noticeDirectWrites(platform, found, { actor, mayBeEmpty: true });
  const earlier = await readRevision(store, seen, revision);
  const manifest = await checkPresent({
    bucket: await openWeightsBucket(platform, { owner: seen, ...earlier }),
    weights: earlier.weights,
    snapshotId: id,
  });
  const visible = await visibleAfterSave(platform, seen, {
    spec: earlier.bucket,
    bucket: await platform.openBucket(seen, earlier.bucket),
    files: weightFiles(manifest),
  });
  const moved = await store.transaction(async (inside) => {
    const current = await snapshotFor(inside, actor, id);
    await assertNotInUse({ store: inside }, current);
    if (current.revision !== seen.revision) throw new RevisionMoved(seen, seen.revision, current.revision);
    const restored: Snapshot = {
      ...current,
      revision: current.revision + 1,
      bucket: earlier.bucket,
      weights: earlier.weights,
      visible,
      configuration: earlier.configuration,
      lineage: { ...earlier.lineage, restored: { revision } },
      ontologySpec: { ...current.ontologySpec, labels: earlier.labels },
      status: 'trained',
      run: null,
      updatedAt: isoTime(clock),
    };
    await inside.update('Snapshot', id, () => restored);
    await recordRevision(inside, restored, {
      executionId: null,
      creator: actor.email,
      sizeBytes: manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      files: manifest.files.length,
      ...(earlier.manifest !== undefined && { manifest: earlier.manifest }),
    });
    await inside.appendEvents([snapshotEvent(platform, actor, 'Updated', restored)]);
    return restored;
  });
  return showFilesQuietly(platform, moved);
}
