import type { Bucket, ObjectInfo } from '../buckets/bucket.ts';
import { layoutProblem } from '../content/folder-layout.ts';
import type { Snapshot, VisibleFilesState } from '../entities/snapshot.ts';
import { revisionId } from '../entities/snapshot-revision.ts';
import { hasCode } from '../errors.ts';
import { isCommitId } from '../git/address.ts';
import { canonicalJson, deepFreeze } from '../json.ts';
import type { Platform } from '../platform.ts';
import { type AdoptOptions, adoptFiles } from './adopt-files.ts';
import { WeightsCorrupt, WeightsRemoved } from './errors.ts';
import { digestBareFiles, listBareObjects } from './files/bare-files.ts';
import type { FileCache } from './files/file-cache.ts';
import { type WeightFile, weightFiles } from './files/manifest.ts';
import { readManifest } from './files/read-manifest.ts';
import { recordedManifest } from './revisions.ts';
import { showFilesQuietly } from './show-files.ts';
import { RevisionMoved } from './snapshot-run.ts';
import { digestFiles, digestListing, NO_FILES, stateOf } from './visible-files.ts';

export interface NoticeOptions extends AdoptOptions {
  /** Remembers digests of bare files by their etag. */
  cache?: FileCache;
  /** Set by work that replaces the weights: an emptied bucket is then not an error. */
  mayBeEmpty?: boolean;
}

/** Comparisons of a snapshot that others move on, or whose files change while they are read. */
const MOST_ATTEMPTS = 4;

/**
 * Compares a snapshot with the files that lie in its bucket under their own names, and returns the snapshot as it is then.
 * Files that another client wrote become the next revision, with a manifest and objects of its own; where the bucket
 * cannot be written they count as a revision without a manifest. Files that are the same bytes as before make no revision.
 *
 * The bucket is listed each time it is called: a write that finished before the call is seen. Bytes are read only when
 * the list changed.
 * @throws WeightsRemoved when all files were deleted; WeightsChanging while files are being written; WeightsCorrupt for
 * names that cannot be laid out; the bucket's codes
 */
export async function noticeDirectWrites(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  options: NoticeOptions,
): Promise<Readonly<Snapshot>> {
  let current = snapshot;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await compareWithBucket(platform, current, options);
    } catch (error) {
      const mayPass = ['RevisionMoved', 'WeightsChanging', 'SourceChanged'].some((code) =>
        hasCode(error, code),
      );
      if (!mayPass || attempt === MOST_ATTEMPTS) throw error;
      const latest = await platform.store.get('Snapshot', snapshot.id);
      if (latest === undefined) throw error;
      current = deepFreeze(latest);
    }
  }
}

async function compareWithBucket(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  options: NoticeOptions,
): Promise<Readonly<Snapshot>> {
  if (snapshot.visible?.pending) {
    const shown = deepFreeze(await showFilesQuietly(platform, snapshot));
    // The manifest decides where the names cannot be written.
    return shown.visible?.pending ? snapshot : compareWithBucket(platform, shown, options);
  }
  if (isImmutable(snapshot)) return snapshot;
  const bucket = await platform.openBucket(snapshot, snapshot.bucket);
  const objects = await listBareObjects(bucket);
  const { visible } = snapshot;
  if (objects.length === 0) return withoutFiles(platform, snapshot, options);
  const listing = digestListing(objects);
  if (visible !== undefined && listing !== undefined && listing === visible.listing) return snapshot;
  return shareWork(platform, workName(snapshot, objects), () =>
    compareFiles(platform, snapshot, { bucket, objects, listing }, options),
  );
}

interface Listed {
  bucket: Bucket;
  objects: readonly ObjectInfo[];
  listing: string | undefined;
}

async function compareFiles(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  { bucket, objects, listing }: Listed,
  options: NoticeOptions,
): Promise<Readonly<Snapshot>> {
  const { visible, weights } = snapshot;
  const files = await digestObjects(bucket, objects, snapshot, options);
  const found: VisibleFilesState = { sha256: digestFiles(files), ...(listing !== undefined && { listing }) };
  if (visible?.sha256 === found.sha256)
    return listing === undefined ? snapshot : note(platform, snapshot, found);
  const isCurrent = weights !== null && (await digestOfCurrent(platform, snapshot, bucket)) === found.sha256;
  if (isCurrent || (await isBaseline(platform, snapshot, bucket, objects)))
    return note(platform, snapshot, found);
  return deepFreeze(
    await adoptFiles(platform, snapshot, { bucket, objects, files, visible: found }, options),
  );
}

/** Comparisons under way in this process, per platform. */
const underWay = new WeakMap<object, Map<string, Promise<Readonly<Snapshot>>>>();

/**
 * Runs work once for concurrent calls that saw the same list, so that they read and copy the files once. A call that joined
 * work of another one and saw it fail runs it again.
 */
async function shareWork(
  { config }: Pick<Platform, 'config'>,
  name: string,
  work: () => Promise<Readonly<Snapshot>>,
): Promise<Readonly<Snapshot>> {
  const flights = underWay.get(config) ?? new Map<string, Promise<Readonly<Snapshot>>>();
  underWay.set(config, flights);
  const joined = flights.get(name);
  if (joined) return joined.catch(work);
  const flight = work().finally(() => flights.delete(name));
  flights.set(name, flight);
  return flight;
}

function workName({ id, revision, visible }: Readonly<Snapshot>, objects: readonly ObjectInfo[]): string {
  return canonicalJson([id, revision, visible ?? null, stateOf(objects)]);
}

/** A commit's files never change. */
function isImmutable({ bucket, visible, weights }: Readonly<Snapshot>): boolean {
  return bucket.type === 'git' && isCommitId(bucket.gitTag) && (visible !== undefined || weights !== null);
}

async function withoutFiles(
  platform: Platform,
  snapshot: Readonly<Snapshot>,
  { mayBeEmpty = false }: NoticeOptions,
): Promise<Readonly<Snapshot>> {
  const { visible, weights, revision } = snapshot;
  if (weights === null && visible === undefined) return snapshot;
  if (visible === undefined) return note(platform, snapshot, { sha256: NO_FILES });
  if (visible.sha256 === NO_FILES || mayBeEmpty) return snapshot;
  throw new WeightsRemoved(snapshot, revision);
}

async function digestObjects(
  bucket: Bucket,
  objects: readonly ObjectInfo[],
  { id: snapshotId }: Readonly<Snapshot>,
  { cache, signal }: NoticeOptions,
): Promise<WeightFile[]> {
  const fault = layoutProblem(objects.map(({ key, sizeBytes }) => ({ path: key, sizeBytes })));
  if (fault) throw new WeightsCorrupt(fault.problem, { snapshotId, file: fault.file });
  const options = { bucket, snapshotId, ...(cache && { cache }), ...(signal && { signal }) };
  const { files } = await digestBareFiles(objects, options);
  return files.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 }));
}

async function digestOfCurrent(
  { store }: Platform,
  { id, weights }: Readonly<Snapshot>,
  bucket: Bucket,
): Promise<string> {
  const recorded = () => recordedManifest(store, id, weights);
  const { manifest } = await readManifest({ bucket, weights: weights!, snapshotId: id, recorded });
  return digestFiles(weightFiles(manifest));
}

/**
 * True when files that were never compared before are those that were there when the current revision was made: files of a
 * bucket that nothing was saved to yet, and files that lie beside saved weights and are older than these.
 */
async function isBaseline(
  { store, config }: Platform,
  { id, revision, visible, weights, updatedAt }: Readonly<Snapshot>,
  bucket: Bucket,
  objects: readonly ObjectInfo[],
): Promise<boolean> {
  if (visible !== undefined) return false;
  // A place that stores bytes by digest keeps a revision at no cost; visible names are replaced by the next one.
  if (weights === null)
    return revision === 0 && bucket.link === undefined && !config.visibleWeights.includes(bucket.spec.type);
  const saved = await store.get('SnapshotRevision', revisionId(id, revision));
  const savedMs = Date.parse(saved?.createdAt ?? updatedAt);
  return objects.every((object) => !(Date.parse(object.updatedAt ?? '') > savedMs));
}

/** Stores what the bucket was found to hold. @throws RevisionMoved when the snapshot is another one by now */
async function note(
  { store }: Pick<Platform, 'store'>,
  snapshot: Readonly<Snapshot>,
  visible: VisibleFilesState,
): Promise<Readonly<Snapshot>> {
  const noted = await store.update('Snapshot', snapshot.id, (current) => {
    if (current.revision !== snapshot.revision || !isSameBucket(current, snapshot))
      throw new RevisionMoved(snapshot, snapshot.revision, current.revision);
    return { ...current, visible };
  });
  return deepFreeze(noted);
}

function isSameBucket(a: Readonly<Snapshot>, b: Readonly<Snapshot>): boolean {
  return canonicalJson(a.bucket) === canonicalJson(b.bucket);
}
