import type { Bucket } from '../buckets/bucket.ts';
import { bucketPlace } from '../buckets/bucket-place.ts';
import { listMatches } from '../catalog/all-matches.ts';
import { inParallel } from '../content/in-parallel.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { Snapshot, VisibleFilesState } from '../entities/snapshot.ts';
import { messageOf } from '../errors.ts';
import { canonicalJson } from '../json.ts';
import type { Platform } from '../platform.ts';
import { ownBucketFolder } from '../state-folder.ts';
import { digestBareFiles, listBareObjects } from './files/bare-files.ts';
import { openStored } from './files/copy-files.ts';
import { COMPANION, type Manifest, type WeightFile, weightFiles } from './files/manifest.ts';
import { readManifest } from './files/read-manifest.ts';
import { recordedManifest } from './revisions.ts';
import { openWeightsBucket } from './shared-files.ts';
import { digestFiles, digestListing, NO_FILES } from './visible-files.ts';

/** Files written at once. */
const PARALLEL = 4;

type Weights = NonNullable<Snapshot['weights']>;

/**
 * The state of a bucket's visible files after a save into it. Where files are to be shown under their own names, that is
 * those of the new revision, written by `showFiles` after the snapshot moved. Files that are not this snapshot's are
 * never replaced: nothing is shown beside them, and nothing in a bucket that other snapshots use too.
 */
export async function visibleAfterSave(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  target: { spec: BucketSpec; bucket: Bucket; files: readonly WeightFile[] },
): Promise<VisibleFilesState> {
  const { spec, bucket, files } = target;
  const isOwn = canonicalJson(spec) === canonicalJson(snapshot.bucket);
  const objects = await listBareObjects(bucket);
  const present =
    objects.length === 0
      ? NO_FILES
      : isOwn && snapshot.visible && !snapshot.visible.pending
        ? snapshot.visible.sha256
        : digestFiles((await digestBareFiles(objects, { bucket, snapshotId: snapshot.id })).files);
  const before = isOwn ? snapshot.weights : null;
  const isShown =
    platform.config.visibleWeights.includes(spec.type) &&
    bucket.capabilities.canWrite &&
    (await isReplaceable(platform, snapshot, present, before)) &&
    !(await isShared(platform, snapshot, spec));
  if (isShown) return { sha256: digestFiles(files), pending: { before } };
  const listing = present === snapshot.visible?.sha256 && isOwn ? snapshot.visible.listing : undefined;
  return { sha256: present, ...(listing !== undefined && { listing }) };
}

/** True when there are no visible files, or only those of the revision that is replaced. */
async function isReplaceable(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  present: string,
  before: Snapshot['weights'],
): Promise<boolean> {
  if (present === NO_FILES) return true;
  if (before !== null && digestFiles(await filesOf(platform, snapshot, before)) === present) return true;
  platform.log.warn('weights are not shown under their own names: the bucket has files of others', {
    snapshotId: snapshot.id,
  });
  return false;
}

/** True when another snapshot names the same place: files shown there would be taken for its weights. */
async function isShared(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  spec: BucketSpec,
): Promise<boolean> {
  // Only a path that is given can be that of two snapshots.
  if (spec.type === 'local' && !spec.localPath) return false;
  const same = spec.type === 'item' ? { 'bucket.itemId': spec.itemId } : { 'bucket.type': spec.type };
  const placeOf = (id: string, each: BucketSpec) =>
    bucketPlace(each, ownBucketFolder(platform.config.home, id));
  const own = await placeOf(snapshot.id, spec);
  for (const other of await listMatches(platform.store, 'Snapshot', { filter: same }))
    if (other.id !== snapshot.id && (await placeOf(other.id, other.bucket)).id === own.id) return true;
  return false;
}

/** `showFiles`; what goes wrong is logged, and tried again when the snapshot is next compared with its bucket. */
export async function showFilesQuietly(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
): Promise<Readonly<Snapshot>> {
  try {
    return await showFiles(platform, snapshot);
  } catch (error) {
    platform.log.warn('weights could not be shown under their own names', {
      snapshotId: snapshot.id,
      revision: snapshot.revision,
      reason: messageOf(error),
    });
    return snapshot;
  }
}

/**
 * Writes the files of the current revision under their own names, in place of those of the revision before. May be
 * repeated after a crash: names are a projection of the manifest, which alone decides what is loaded. A file that is of
 * neither revision was written by another client; it is left, and found as a direct write later.
 */
async function showFiles(platform: Platform, snapshot: Readonly<Snapshot>): Promise<Readonly<Snapshot>> {
  const { id, weights, visible } = snapshot;
  if (!visible?.pending || weights === null) return snapshot;
  const { before } = visible.pending;
  const bucket = await platform.openBucket(snapshot, snapshot.bucket);
  const from = await openWeightsBucket(platform, { owner: snapshot, bucket: snapshot.bucket, weights });
  const manifest = await manifestOf(platform, snapshot, weights);
  const earlier = before === null ? [] : await filesOf(platform, snapshot, before);
  const work = (target: Bucket) => replaceFiles(target, { from, manifest, earlier, snapshotId: id });
  await (bucket.together ? bucket.together(work) : work(bucket));
  await addCompanion(platform, bucket, manifest.files);
  const listing = await listingOfShown(bucket, visible.sha256);
  return platform.store.update('Snapshot', id, (current) => {
    if (current.weights?.manifestSha256 !== weights.manifestSha256 || !current.visible?.pending)
      return current;
    return {
      ...current,
      visible: { sha256: current.visible.sha256, ...(listing !== undefined && { listing }) },
    };
  });
}

interface Replacement {
  from: Bucket;
  manifest: Manifest;
  earlier: readonly WeightFile[];
  snapshotId: string;
}

async function replaceFiles(
  target: Bucket,
  { from, manifest, earlier, snapshotId }: Replacement,
): Promise<void> {
  const present = new Map<string, string>();
  const { files } = await digestBareFiles(await listBareObjects(target), { bucket: target, snapshotId });
  for (const { path, sha256 } of files) present.set(path, sha256);
  const ours = new Map(earlier.map(({ path, sha256 }) => [path, sha256]));
  const wanted = new Set(manifest.files.map(({ path }) => path));
  // First, as a file may stand where a folder is to be.
  for (const [path, sha256] of present)
    if (!wanted.has(path) && ours.get(path) === sha256) await target.delete(path);
  const open = openStored(from, manifest, snapshotId);
  await inParallel(weightFiles(manifest), PARALLEL, async (file) => {
    const there = present.get(file.path);
    if (there === file.sha256 || (there !== undefined && ours.get(file.path) !== there)) return;
    if (target.link && (await target.link(file.path, file))) return;
    await target.write(file.path, open(file));
  });
}

/** Adds the file that lets the Dataloop SDK download a single one, see `COMPANION`; without it nothing is wrong here. */
export async function addCompanion(
  platform: Pick<Platform, 'log'>,
  bucket: Bucket,
  files: readonly unknown[],
): Promise<void> {
  if (bucket.spec.type !== 'item' || files.length !== 1) return;
  try {
    if ((await bucket.stat(COMPANION)) === undefined) await bucket.write(COMPANION, new Uint8Array());
  } catch (error) {
    platform.log.warn('an item bucket with a single file got no second one', { reason: messageOf(error) });
  }
}

/** Digest of the listing, where the list itself proves that it is of the shown files. */
async function listingOfShown(bucket: Bucket, expected: string): Promise<string | undefined> {
  if (!bucket.capabilities.hasDigestEtags) return undefined;
  const objects = await listBareObjects(bucket);
  const files = objects.map(({ key, sizeBytes, etag }) => ({ path: key, sizeBytes, sha256: etag }));
  return digestFiles(files) === expected ? digestListing(objects) : undefined;
}

async function filesOf(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  weights: Weights,
): Promise<WeightFile[]> {
  return weightFiles(await manifestOf(platform, snapshot, weights));
}

/** Only the manifest is read, which is never lent: the snapshot's own bucket has it. */
async function manifestOf(
  platform: Platform,
  { id, projectId, bucket }: Readonly<Snapshot>,
  weights: Weights,
): Promise<Manifest> {
  const recorded = () => recordedManifest(platform.store, id, weights);
  const own = await platform.openBucket({ id, projectId }, bucket);
  return (await readManifest({ bucket: own, weights, snapshotId: id, recorded })).manifest;
}
