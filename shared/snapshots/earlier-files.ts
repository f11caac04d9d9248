import type { Bucket } from '../buckets/bucket.ts';
import { bucketPlace } from '../buckets/bucket-place.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { Snapshot } from '../entities/snapshot.ts';
import type { SnapshotRevision } from '../entities/snapshot-revision.ts';
import type { Platform } from '../platform.ts';
import { ownBucketFolder } from '../state-folder.ts';
import { type PlacedFile, placedFiles } from './files/places.ts';
import { readManifest } from './files/read-manifest.ts';
import { recordedManifest } from './revisions.ts';

/** Revisions looked at, of the snapshot and of its parent each. A file that stayed the same is in every one of them. */
const REVISIONS = 4;

type Revision = Pick<SnapshotRevision, 'bucket' | 'weights'>;

/**
 * Where the files of a snapshot's and its parent's newest revisions lie, of those that were saved into the bucket a save
 * is about to write to: so that what lies in their packs need not be sent again. Only hints: what is there now is for
 * the save to find out.
 */
export async function earlierFiles(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  { spec, bucket }: { spec: BucketSpec; bucket: Bucket },
): Promise<PlacedFile[]> {
  const placeOf = (id: string, each: BucketSpec) =>
    bucketPlace(each, ownBucketFolder(platform.config.home, id));
  const target = await placeOf(snapshot.id, spec);
  const files: PlacedFile[] = [];
  const seen = new Set<string>();
  for (const { owner, revision } of await newestRevisions(platform, snapshot)) {
    const { weights } = revision;
    if (seen.has(weights.manifestSha256)) continue;
    seen.add(weights.manifestSha256);
    const { type, id } = await placeOf(owner, revision.bucket);
    if (type !== target.type || id !== target.id) continue;
    try {
      const recorded = () => recordedManifest(platform.store, owner, weights);
      const { manifest } = await readManifest({ bucket, weights, recorded, snapshotId: owner });
      files.push(...placedFiles(manifest));
    } catch (error) {
      // It only saves sending; an earlier revision that cannot be read is no reason not to save the next one.
      platform.log.warn('nothing taken over from an earlier revision', {
        snapshotId: snapshot.id,
        reason: String(error),
      });
    }
  }
  return files;
}

async function newestRevisions(
  { store }: Platform,
  snapshot: Readonly<Snapshot>,
): Promise<{ owner: string; revision: Revision }[]> {
  const { parentId } = snapshot;
  const parent = parentId === null ? undefined : await store.get('Snapshot', parentId);
  const owners = [snapshot, ...(parent?.projectId === snapshot.projectId ? [parent] : [])];
  const revisions: { owner: string; revision: Revision }[] = [];
  for (const { id, bucket, weights } of owners) {
    // Stores older than the records know the newest revision by the snapshot alone.
    if (weights !== null) revisions.push({ owner: id, revision: { bucket, weights } });
    const { items } = await store.query('SnapshotRevision', {
      filter: { snapshotId: { $in: [id] } },
      sort: [{ field: 'revision', direction: 'descending' }],
      pageSize: REVISIONS,
    });
    revisions.push(...items.map((revision) => ({ owner: id, revision })));
  }
  return revisions;
}
