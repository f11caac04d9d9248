import type { Bucket, ObjectInfo } from '../buckets/bucket.ts';
import type { BucketPlace } from '../buckets/bucket-place.ts';
import { isFinished } from '../entities/execution.ts';
import type { Platform } from '../platform.ts';
import { checkpointOwner, isProtocolKey, type Manifest } from '../snapshots/files/manifest.ts';
import { objectsOf } from '../snapshots/files/places.ts';
import { readManifest, readUnpointedManifest } from '../snapshots/files/read-manifest.ts';
import {
  type BucketUse,
  borrowersOf,
  isForeign,
  isUnrecordedRevision,
  type ReferenceReader,
  type References,
} from './references.ts';

/** What may be freed in a bucket, and what may not yet. */
export interface Survey {
  /** Unreferenced and older than the grace; manifests before objects, so that none is left without its objects. */
  garbage: ObjectInfo[];
  /** Unreferenced and still too young, or listed by a manifest that is, or of an age the driver cannot tell. */
  young: ObjectInfo[];
  /** Manifests that another store saved into the bucket: kept, with all they list. */
  foreign: number;
  /** Newest write of them, milliseconds since 1970; 0 when there is none. */
  newestMs: number;
  references: References;
}

/** As long as a queue of dead letters keeps what a failed training could be begun with again. */
const TRIED_AGAIN_MS = 14 * 24 * 3600 * 1000;

/** A bucket that is looked at. */
export interface SurveyedBucket {
  bucket: Bucket;
  place: BucketPlace;
  reader: ReferenceReader;
}

/**
 * Finds what no revision refers to. A bucket holds files for every manifest in it that a living revision points at,
 * under whatever spec that revision knows the bucket; a manifest that is younger than the grace counts as well: its
 * save may be about to point at it; and so does one that another store saved. Revisions elsewhere that share files of
 * this bucket count too; so do the checkpoints of trainings that have not ended. A pack is held by every file that lies
 * in it. Objects are listed before references are read.
 * @throws WeightsMissing, WeightsCorrupt when a manifest that is referred to cannot be read: then nobody knows what it
 * lists, and nothing may be freed; the bucket's codes
 */
export async function surveyBucket(
  platform: Platform,
  { bucket, place, reader }: SurveyedBucket,
  uses: readonly BucketUse[],
  olderThanMs: number,
): Promise<Survey> {
  const listed = await listProtocolKeys(bucket);
  const references = await reader.read(platform.store);
  const isOld = ({ updatedAt }: ObjectInfo): boolean =>
    updatedAt !== undefined && Date.parse(updatedAt) < olderThanMs;
  const kept = new Set<string>();
  /** What only a manifest that is still young keeps. */
  const resting = new Set<string>();
  const keepIn = (set: Set<string>, key: string, manifest: Manifest): void => {
    set.add(key);
    for (const object of objectsOf(manifest)) set.add(object.key);
  };
  const keep = (key: string, manifest: Manifest): void => keepIn(kept, key, manifest);
  for (const use of await borrowersOf(platform, references, place))
    await keepOf(await platform.openBucket(use.owner, use.bucket), use, keep);
  for (const use of uses) {
    if (use.isLiving && !kept.has(use.manifestKey ?? '')) await keepOf(bucket, use, keep);
  }
  for (const key of listed.keys()) {
    const execution = checkpointOwner(key);
    if (execution !== undefined && (await isUnfinished(platform, execution))) kept.add(key);
  }
  const owners = uses.map(({ owner }) => owner);
  let foreign = 0;
  for (const object of listed.values()) {
    const { key } = object;
    if (kept.has(key) || !key.startsWith('manifests/')) continue;
    const [manifestSha256] = references.pointers.get(key) ?? [];
    if (manifestSha256 !== undefined) {
      const weights = { manifestKey: key, manifestSha256 };
      keep(key, (await readManifest({ bucket, weights, snapshotId: 'any' })).manifest);
      continue;
    }
    const manifest = await readUnpointedManifest(bucket, key);
    if (!manifest) continue;
    const isOthers = isForeign(references, owners, key, manifest);
    if (isOthers) foreign += 1;
    if (isOthers || isUnrecordedRevision(references, manifest)) keep(key, manifest);
    else if (!isOld(object)) keepIn(resting, key, manifest);
  }
  const isGarbage = (object: ObjectInfo): boolean => isOld(object) && !resting.has(object.key);
  const loose = [...listed.values()].filter(({ key }) => !kept.has(key));
  loose.sort((a, b) => Number(a.key.startsWith('objects/')) - Number(b.key.startsWith('objects/')));
  return {
    garbage: loose.filter(isGarbage),
    young: loose.filter((object) => !isGarbage(object)),
    foreign,
    newestMs: [...listed.values()].reduce((newest, { updatedAt }) => {
      return Math.max(newest, Date.parse(updatedAt ?? '') || 0);
    }, 0),
    references,
  };
}

/** A training that has not ended may go on from its checkpoint, and so may one that failed and is soon tried again. */
async function isUnfinished({ store, clock }: Platform, executionId: string): Promise<boolean> {
  const execution = await store.get('Execution', executionId);
  if (execution === undefined || !isFinished(execution)) return execution !== undefined;
  return execution.checkpoint != null && clock.now() - Date.parse(execution.updatedAt) < TRIED_AGAIN_MS;
}

async function listProtocolKeys(bucket: Bucket): Promise<Map<string, ObjectInfo>> {
  const listed = new Map<string, ObjectInfo>();
  for await (const object of bucket.list()) if (isProtocolKey(object.key)) listed.set(object.key, object);
  return listed;
}

async function keepOf(
  bucket: Bucket,
  { owner, manifestKey, manifestSha256 }: BucketUse,
  keep: (key: string, manifest: Manifest) => void,
): Promise<void> {
  if (manifestKey === null || manifestSha256 === null) return;
  const weights = { manifestKey, manifestSha256 };
  keep(manifestKey, (await readManifest({ bucket, weights, snapshotId: owner.id })).manifest);
}
