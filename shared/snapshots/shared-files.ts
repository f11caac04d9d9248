import type { Bucket } from '../buckets/bucket.ts';
import { bucketPlace, maybeSamePlace } from '../buckets/bucket-place.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { Lender, Snapshot } from '../entities/snapshot.ts';
import { canonicalJson } from '../json.ts';
import type { Platform } from '../platform.ts';
import { ownBucketFolder } from '../state-folder.ts';
import { WeightsCorrupt } from './errors.ts';
import { findSound } from './files/find-sound.ts';
import { LendingBucket } from './files/lending-bucket.ts';
import type { WeightFile } from './files/manifest.ts';
import { type PlacedFile, placedFiles, placesAmong } from './files/places.ts';
import { readManifest } from './files/read-manifest.ts';
import { ensureRecorded, recordedManifest } from './revisions.ts';
import type { BucketFiles } from './weights-source.ts';

type Shop = Pick<Platform, 'store' | 'openBucket'>;

/** Objects that a snapshot's parent has, where a save may leave them. */
export interface SharedObjects {
  /** The parent's buckets, for the save's note; empty when there is nothing to share. */
  lenders: readonly Lender[];
  /** Those of the files that lie with a lender, their bytes read and found right. */
  find(
    files: readonly WeightFile[],
    signal?: AbortSignal,
  ): Promise<readonly { file: PlacedFile; lender: Lender }[]>;
}

/**
 * The bucket of saved files, with those it shares behind it.
 * @throws WeightsCorrupt when it names a bucket that is not that of a revision of the same project; the codes of buckets
 */
export async function openWeightsBucket(
  platform: Shop,
  { owner, bucket, weights }: BucketFiles,
): Promise<Bucket> {
  const own = await platform.openBucket(owner, bucket);
  const sharedWith = weights?.sharedWith ?? [];
  if (sharedWith.length === 0) return own;
  const lenders: Bucket[] = [];
  for (const lender of sharedWith) {
    await assertLends(platform, owner, lender);
    lenders.push(
      await platform.openBucket({ id: lender.snapshotId, projectId: owner.projectId }, lender.bucket),
    );
  }
  return new LendingBucket(own, lenders);
}

/** What a pointer says came with the entity, which may come from outside: only what a save recorded is followed. */
async function assertLends(
  { store }: Shop,
  owner: BucketFiles['owner'],
  { snapshotId, bucket }: Lender,
): Promise<void> {
  const { items } = await store.query('SnapshotRevision', {
    filter: { snapshotId: { $in: [snapshotId] } },
    pageSize: 10_000,
  });
  const wanted = canonicalJson(bucket);
  const lends = items.some(
    (each) => each.projectId === owner.projectId && canonicalJson(each.bucket) === wanted,
  );
  if (!lends)
    throw new WeightsCorrupt('some files are said to lie in a bucket that no revision of the project has', {
      snapshotId: owner.id,
    });
}

/** What a snapshot may share with its parent when it is saved into `target`: all that the parent's revisions elsewhere have. */
export async function sharedObjects(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  target: BucketSpec,
): Promise<SharedObjects> {
  const parent =
    snapshot.parentId === null ? undefined : await platform.store.get('Snapshot', snapshot.parentId);
  if (!parent || parent.projectId !== snapshot.projectId) return { lenders: [], find: async () => [] };
  await ensureRecorded(platform.store, parent);
  const { items } = await platform.store.query('SnapshotRevision', {
    filter: { snapshotId: { $in: [parent.id] } },
    sort: [{ field: 'revision', direction: 'descending' }],
    pageSize: 100,
  });
  const placeOf = (id: string, spec: BucketSpec) =>
    bucketPlace(spec, ownBucketFolder(platform.config.home, id));
  const own = await placeOf(snapshot.id, target);
  const lenders = new Map<string, { lender: Lender; bucket: Bucket; files: PlacedFile[] }>();
  for (const { bucket, weights } of items) {
    if (maybeSamePlace(await placeOf(parent.id, bucket), own)) continue;
    try {
      const key = canonicalJson(bucket);
      const opened = lenders.get(key)?.bucket ?? (await platform.openBucket(parent, bucket));
      const known = lenders.get(key) ?? {
        lender: { snapshotId: parent.id, bucket },
        bucket: opened,
        files: [],
      };
      const recorded = () => recordedManifest(platform.store, parent.id, weights);
      const { manifest } = await readManifest({ bucket: opened, weights, recorded, snapshotId: parent.id });
      known.files.push(...placedFiles(manifest));
      lenders.set(key, known);
    } catch (error) {
      // Sharing saves space; a parent that cannot be read is no reason not to save.
      platform.log.warn('nothing shared with a revision of the parent', {
        snapshotId: snapshot.id,
        reason: String(error),
      });
    }
  }
  return {
    lenders: [...lenders.values()].map(({ lender }) => lender),
    find: async (files, signal) => {
      const found: { file: PlacedFile; lender: Lender }[] = [];
      let missing = files;
      for (const { lender, bucket, files: lent } of lenders.values()) {
        const sound = await findSound(bucket, placesAmong(lent, missing), signal);
        for (const file of sound.values()) found.push({ file, lender });
        missing = missing.filter(({ sha256 }) => !sound.has(sha256));
      }
      return found;
    },
  };
}
