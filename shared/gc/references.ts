import { type BucketPlace, bucketPlace, maybeSamePlace } from '../buckets/bucket-place.ts';
import { allMatches, listMatches } from '../catalog/all-matches.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import type { Lender, Snapshot } from '../entities/snapshot.ts';
import { revisionId } from '../entities/snapshot-revision.ts';
import { findJsonProblem } from '../json-limits.ts';
import type { Platform } from '../platform.ts';
import { holderOf } from '../snapshots/snapshot-run.ts';
import { ownBucketFolder } from '../state-folder.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { DocumentUnreadable } from '../store/unreadable.ts';

/** Levels of a document that SQLite's JSON functions read. */
const MAX_QUERYABLE_DEPTH = 900;

/** One bucket as a revision, or a snapshot, names it. */
export interface BucketUse {
  owner: Pick<Snapshot, 'id' | 'projectId'>;
  bucket: BucketSpec;
  /** Null for a snapshot without saved weights. */
  manifestKey: string | null;
  manifestSha256: string | null;
  /** Other buckets that have some of its objects. */
  sharedWith: readonly Lender[];
  /** False for the record of a snapshot that was deleted: it tells of the bucket, and refers to nothing. */
  isLiving: boolean;
  /** The record, when the use comes from one. */
  recordId: string | null;
}

/** All that the store knows of weights in buckets, at one time. */
export interface References {
  uses: readonly BucketUse[];
  /** Digests by key of the manifests that living revisions point at, wherever they lie. */
  pointers: ReadonlyMap<string, ReadonlySet<string>>;
  /** Living snapshots, and how far each has come. */
  revisions: ReadonlyMap<string, number>;
  /** Ids of all records. */
  records: ReadonlySet<string>;
  /** Snapshots that this store has or had. */
  known: ReadonlySet<string>;
  /** Manifests that records of deleted snapshots name. */
  orphaned: ReadonlySet<string>;
}

/** Reads references, and reads them again only when something may have changed since. */
export class ReferenceReader {
  #latest: { mark: string; references: References } | undefined;

  async read(store: EntityStore): Promise<References> {
    // Before the rows: what changes while they are read is found by the next call.
    const marks = [store.changeMark('Snapshot'), store.changeMark('SnapshotRevision')];
    const mark = marks.includes(undefined) ? undefined : marks.join(' | ');
    if (mark !== undefined && this.#latest?.mark === mark) return this.#latest.references;
    const references = await readReferences(store);
    this.#latest = mark === undefined ? undefined : { mark, references };
    return references;
  }
}

/** Reads every snapshot and every record of a revision: of all projects, since they may share a bucket. */
async function readReferences(store: EntityStore): Promise<References> {
  const uses: BucketUse[] = [];
  const revisions = new Map<string, number>();
  for await (const page of allMatches(store, 'Snapshot', {}))
    for (const snapshot of page) {
      assertQueryable(snapshot);
      const { id, projectId, revision, bucket, weights } = snapshot;
      revisions.set(id, revision);
      const pointer = {
        manifestKey: null,
        manifestSha256: null,
        ...weights,
        sharedWith: weights?.sharedWith ?? [],
      };
      uses.push({ owner: { id, projectId }, bucket, ...pointer, isLiving: true, recordId: null });
    }
  for await (const page of allMatches(store, 'SnapshotRevision', {}))
    for (const { id, snapshotId, projectId, bucket, weights } of page)
      uses.push({
        owner: { id: snapshotId, projectId },
        bucket,
        ...weights,
        sharedWith: weights.sharedWith ?? [],
        isLiving: revisions.has(snapshotId),
        recordId: id,
      });
  const pointers = new Map<string, Set<string>>();
  for (const { isLiving, manifestKey, manifestSha256 } of uses)
    if (isLiving && manifestKey !== null && manifestSha256 !== null)
      pointers.set(manifestKey, (pointers.get(manifestKey) ?? new Set()).add(manifestSha256));
  const records = new Set(uses.flatMap(({ recordId }) => recordId ?? []));
  const known = new Set(uses.map(({ owner }) => owner.id));
  const orphaned = new Set(
    uses.flatMap(({ isLiving, manifestKey }) => (isLiving ? [] : (manifestKey ?? []))),
  );
  return { uses, pointers, revisions, records, known, orphaned };
}

/** `savingInto` finds snapshots by a field, and SQLite reads no field of a document that is too deep. @throws DocumentUnreadable */
function assertQueryable(snapshot: Snapshot): void {
  const problem = findJsonProblem(snapshot, { maxDepth: MAX_QUERYABLE_DEPTH });
  if (problem)
    throw new DocumentUnreadable('Snapshot', snapshot.id, new Error(`${problem.field}: ${problem.problem}`));
}

/**
 * True for a manifest of a snapshot that this store never had: another store keeps its weights in the same bucket, and
 * only that one knows what it needs.
 */
export function isForeign(
  { known, orphaned }: References,
  owners: readonly Pick<Snapshot, 'id'>[],
  key: string,
  { snapshotId }: { snapshotId: string },
): boolean {
  return !known.has(snapshotId) && !orphaned.has(key) && !owners.some(({ id }) => id === snapshotId);
}

/**
 * True for a revision that a living snapshot went past before revisions were recorded: nothing points at its manifest,
 * and it is a revision nevertheless.
 */
export function isUnrecordedRevision(
  { revisions, records }: References,
  manifest: { snapshotId: string; revision: number },
): boolean {
  const reached = revisions.get(manifest.snapshotId);
  if (reached === undefined || manifest.revision > reached) return false;
  return !records.has(revisionId(manifest.snapshotId, manifest.revision));
}

/** The living revisions that lie elsewhere and have some of their objects in a place. */
export async function borrowersOf(
  platform: Pick<Platform, 'config'>,
  { uses }: References,
  place: BucketPlace,
): Promise<BucketUse[]> {
  const borrowers: BucketUse[] = [];
  for (const use of uses)
    if (use.isLiving && (await isAmong(platform, use.sharedWith, place))) borrowers.push(use);
  return borrowers;
}

async function isAmong(
  platform: Pick<Platform, 'config'>,
  lenders: readonly Lender[],
  place: BucketPlace,
): Promise<boolean> {
  for (const { snapshotId, bucket } of lenders)
    if (maybeSamePlace(await placeOf(platform, { id: snapshotId }, bucket), place)) return true;
  return false;
}

/** The place of a bucket on its owner's behalf. */
export function placeOf(
  { config }: Pick<Platform, 'config'>,
  owner: Pick<Snapshot, 'id'>,
  bucket: BucketSpec,
): Promise<BucketPlace> {
  return bucketPlace(bucket, ownBucketFolder(config.home, owner.id));
}

/**
 * The snapshot that a living run saves into the place just now, or shares files of it; `undefined` when there is none. A save whose run is
 * dead is revoked on the way: should its process wake up, the snapshot does not move to what it made. Within the
 * transaction that frees.
 */
export async function savingInto(
  platform: Pick<Platform, 'config' | 'clock'>,
  store: EntityStore,
  place: BucketPlace,
): Promise<Snapshot | undefined> {
  const filter = { 'run.saving.id': { $exists: true } };
  for (const snapshot of await listMatches(store, 'Snapshot', { filter })) {
    const { executionId, saving } = snapshot.run!;
    const { bucket, sharedWith = [] } = saving!;
    const isHere = maybeSamePlace(await placeOf(platform, snapshot, bucket), place);
    if (!isHere && !(await isAmong(platform, sharedWith, place))) continue;
    if ((await holderOf(store, snapshot)) !== undefined) return snapshot;
    await store.update('Snapshot', snapshot.id, (current) => ({ ...current, run: { executionId } }));
  }
  return undefined;
}
