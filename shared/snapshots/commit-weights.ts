import type { Actor } from '../auth/actor.ts';
import { snapshotEvent } from '../catalog/snapshot-events.ts';
import { isoTime } from '../clock.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { Lender, Snapshot, VisibleFilesState } from '../entities/snapshot.ts';
import { hasCode } from '../errors.ts';
import { canonicalJson, type JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { lastSavedRevision } from './adopt-files.ts';
import { noticeDirectWrites } from './direct-writes.ts';
import { earlierFiles } from './earlier-files.ts';
import { SaveRevoked } from './errors.ts';
import type { SavedFiles, SaveProgress } from './files/commit-files.ts';
import { saveFiles, saveStoredFiles } from './files/save-files.ts';
import { ensureRecorded, recordRevision } from './revisions.ts';
import { openWeightsBucket, sharedObjects } from './shared-files.ts';
import { showFilesQuietly, visibleAfterSave } from './show-files.ts';
import { RevisionMoved } from './snapshot-run.ts';
import type { SavedWeights } from './weights-source.ts';

export interface WeightsCommit {
  /** A folder of this machine, or a revision that lies in a bucket already and goes from bucket to bucket. */
  source: string | SavedWeights;
  lineage: JsonObject;
  /** The bucket to move to; the snapshot's own when missing. */
  bucket?: BucketSpec | undefined;
  /** Who is written as the revision's maker, and whose doing its event is. */
  actor: Actor;
  executionId: string;
  signal?: AbortSignal;
  onProgress?: SaveProgress;
}

/** Commits tried while direct writes move the snapshot on. */
const MOST_ATTEMPTS = 4;

/**
 * Makes files the snapshot's next revision. Files and manifest are durable before the entity moves: a crash at any
 * point leaves the earlier revision as it was, and the same call again finds its files already there. While it lasts
 * the snapshot says so, and `gc` leaves the bucket alone.
 * @throws RevisionMoved when another save came first, SaveRevoked after a silence; NothingToSave; the codes of buckets
 */
export async function commitWeights(
  platform: Platform,
  begun: Readonly<Snapshot>,
  save: WeightsCommit,
): Promise<{ snapshot: Readonly<Snapshot>; saved: SavedFiles }> {
  for (let attempt = 1; ; attempt += 1) {
    const snapshot = await afterDirectWrites(platform, begun, save);
    try {
      return await commitOnto(platform, snapshot, save);
    } catch (error) {
      // Another process may have noticed a direct write meanwhile. What was sent is still there.
      if (!hasCode(error, 'RevisionMoved') || attempt === MOST_ATTEMPTS) throw error;
    }
  }
}

async function commitOnto(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  save: WeightsCommit,
): Promise<{ snapshot: Readonly<Snapshot>; saved: SavedFiles }> {
  const bucket = save.bucket ?? snapshot.bucket;
  // Who names a bucket, or moves a revision, wants all of it there.
  const isWhole = save.bucket !== undefined || typeof save.source !== 'string';
  const shared = isWhole ? undefined : await sharedObjects(platform, snapshot, bucket);
  const note = { bucket, ...(shared && shared.lenders.length > 0 && { sharedWith: [...shared.lenders] }) };
  const saveId = await announceSave(platform, snapshot, note, save.executionId);
  const target = await platform.openBucket(snapshot, bucket);
  const options = {
    bucket: target,
    earlier: () => earlierFiles(platform, snapshot, { spec: bucket, bucket: target }),
    labels: snapshot.ontologySpec.labels,
    snapshotId: snapshot.id,
    revision: snapshot.revision + 1,
    configuration: snapshot.configuration,
    lineage: save.lineage,
    clock: platform.clock,
    ...(save.signal && { signal: save.signal }),
    ...(save.onProgress && { onProgress: save.onProgress }),
    ...(shared && { shared }),
  };
  const { source } = save;
  const saved =
    typeof source === 'string'
      ? await saveFiles({ ...options, source })
      : await saveStoredFiles({
          ...options,
          from: await openWeightsBucket(platform, source),
          weights: source.weights,
          fromSnapshotId: source.owner.id,
        });
  save.signal?.throwIfAborted();
  const after = { spec: bucket, bucket: await platform.openBucket(snapshot, bucket), files: saved.files };
  const visible = await visibleAfterSave(platform, snapshot, after);
  const moved = await moveTo(platform, snapshot, { ...save, bucket, saveId, saved, visible });
  return { snapshot: await showFilesQuietly(platform, moved), saved };
}

/**
 * The snapshot that a save goes on top of. Files that another client wrote into the bucket since the run began are made a
 * revision of their own first, so that the save neither loses them nor fails.
 * @throws RevisionMoved when another save came first
 */
async function afterDirectWrites(
  platform: Platform,
  begun: Readonly<Snapshot>,
  { actor, signal }: WeightsCommit,
): Promise<Readonly<Snapshot>> {
  const current = await platform.store.get('Snapshot', begun.id);
  if (current === undefined) return begun;
  const found = await noticeDirectWrites(platform, current, { actor, signal, mayBeEmpty: true });
  const { bucket, revision, weights, visible } = found;
  if (revision !== begun.revision && lastSavedRevision(found) > begun.revision)
    throw new RevisionMoved(begun, begun.revision, revision);
  if (canonicalJson(bucket) !== canonicalJson(begun.bucket)) return begun;
  return { ...begun, revision, weights, ...(visible && { visible }) };
}

/**
 * Notes on the snapshot where a save is about to write. Done before the save looks at its first object: who frees
 * objects asks for these notes first, in one transaction with the freeing.
 */
async function announceSave(
  { store, ids }: Pick<Platform, 'store' | 'ids'>,
  snapshot: Readonly<Snapshot>,
  note: { bucket: BucketSpec; sharedWith?: Lender[] },
  executionId: string,
): Promise<string> {
  const id = ids.uuid();
  await store.update('Snapshot', snapshot.id, (current) => {
    if (current.revision !== snapshot.revision)
      throw new RevisionMoved(snapshot, snapshot.revision, current.revision);
    if (current.run && current.run.executionId !== executionId) throw new SaveRevoked(snapshot);
    return { ...current, run: { executionId, saving: { id, ...note } } };
  });
  return id;
}

/** Points the entity at a committed manifest, records the revision and tells of it, all or nothing. @throws RevisionMoved, SaveRevoked */
async function moveTo(
  { store, clock, ids }: Pick<Platform, 'store' | 'clock' | 'ids'>,
  snapshot: Readonly<Snapshot>,
  to: Pick<WeightsCommit, 'lineage' | 'actor' | 'executionId'> & {
    bucket: BucketSpec;
    saveId: string;
    saved: SavedFiles;
    visible: VisibleFilesState;
  },
): Promise<Snapshot> {
  const { bucket, lineage, saveId, saved, visible, actor, executionId } = to;
  const { manifestKey, manifestSha256, manifestText, sizeBytes, files, sharedWith } = saved;
  return store.transaction(async (inside) => {
    const before = await inside.get('Snapshot', snapshot.id);
    if (before) await ensureRecorded(inside, before);
    for (const { snapshotId } of sharedWith ?? [])
      if (!(await inside.get('Snapshot', snapshotId))) throw new SaveRevoked(snapshot);
    const moved = await inside.update('Snapshot', snapshot.id, (current) => {
      if (current.revision !== snapshot.revision)
        throw new RevisionMoved(snapshot, snapshot.revision, current.revision);
      if (current.run?.saving?.id !== saveId) throw new SaveRevoked(snapshot);
      return {
        ...current,
        revision: current.revision + 1,
        weights: { manifestKey, manifestSha256, ...(sharedWith && { sharedWith }) },
        bucket,
        visible,
        lineage,
        status: 'trained',
        run: null,
        updatedAt: isoTime(clock),
      };
    });
    const facts = {
      executionId,
      creator: actor.email,
      sizeBytes,
      files: files.length,
      ...(manifestText !== undefined && { manifest: manifestText }),
    };
    await recordRevision(inside, moved, facts);
    await inside.appendEvents([snapshotEvent({ ids }, actor, 'Updated', moved)]);
    return moved;
  });
}
