import type { Bucket } from '../buckets/bucket.ts';
import { BucketReadOnly } from '../buckets/errors.ts';
import { chunksOf } from '../catalog/all-matches.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import { hasCode, InvalidInput, toErrorBody } from '../errors.ts';
import { isObjectId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import { stateFolder } from '../state-folder.ts';
import { freeGarbage } from './free-bucket.ts';
import { addTo, type Freed, nothing, sumOf } from './freed.ts';
import { collectLocal, type LocalLeftovers } from './local-leftovers.ts';
import { namesIn } from './names-in.ts';
import { type BucketUse, borrowersOf, placeOf, ReferenceReader } from './references.ts';
import { type Survey, type SurveyedBucket, surveyBucket } from './survey-bucket.ts';

/** What is younger is never freed; nobody may ask for less. */
export const LEAST_GRACE_MS = 3600 * 1000;
export const DEFAULT_GRACE_MS = 7 * 24 * LEAST_GRACE_MS;

export interface GarbageOptions {
  /** Only buckets that this project's snapshots use, or used; the machine's folders are then left out. */
  projectId?: string | undefined;
  /** Age from which what nothing refers to may go. @throws InvalidInput below an hour */
  graceMs?: number | undefined;
  /** False only looks. */
  free: boolean;
}

/** One bucket: what nothing refers to, and what became of it. */
export interface BucketGarbage {
  bucket: BucketSpec;
  /** Ids of the snapshots that use it or did; empty for a folder whose snapshot is unknown. */
  snapshots: string[];
  objects: Freed;
  manifests: Freed;
  /** Writes that never ended. */
  unfinished: Freed;
  /** Unreferenced too, and younger than the grace: left. */
  young: Freed;
  freed: Freed;
  /** Manifests that another store saved into the bucket: kept, with all they list. */
  foreign: number;
  /** Why nothing, or no more, was freed: the bucket cannot be read, or what it refers to is not known. */
  problem: { code: string; message: string } | null;
}

export interface Garbage {
  free: boolean;
  graceMs: number;
  buckets: BucketGarbage[];
  /** Null when only a project was looked at. */
  local: LocalLeftovers | null;
  /** Reason why no bucket was examined: a stored snapshot cannot be read, and any bucket may hold its weights. */
  problem: { code: string; message: string } | null;
}

/**
 * Finds what no revision of any snapshot refers to, bucket by bucket, and the leftovers of this machine's folders; with
 * `free` it removes them. Of a bucket only objects and manifests that modelfn wrote are ever removed, never a file that
 * somebody put there. A bucket that cannot be read is reported and left alone. Another store that shares a bucket keeps
 * what its manifests list, but not what a save of its own has sent before its manifest: let one store use a bucket.
 * @throws InvalidInput, StoreUnavailable
 */
export async function collectGarbage(
  platform: Platform,
  { projectId, graceMs = DEFAULT_GRACE_MS, free }: GarbageOptions,
): Promise<Garbage> {
  if (!(graceMs >= LEAST_GRACE_MS))
    throw new InvalidInput('grace of gc', [{ field: 'older-than', problem: 'is to be an hour or more' }]);
  const olderThanMs = platform.clock.now() - graceMs;
  const reader = new ReferenceReader();
  const buckets: BucketGarbage[] = [];
  let problem: Garbage['problem'] = null;
  try {
    for (const uses of await bucketsOf(platform, reader, projectId))
      buckets.push(await collectBucket(platform, reader, uses, { olderThanMs, free }));
  } catch (error) {
    if (!hasCode(error, 'DocumentUnreadable')) throw error;
    const { code, message } = toErrorBody(error);
    problem = { code, message };
  }
  const local = projectId === undefined ? await collectLocal(platform, { olderThanMs, free }) : null;
  return { free, graceMs, buckets, local, problem };
}

type When = { olderThanMs: number; free: boolean };
type Uses = readonly [BucketUse, ...BucketUse[]];

/** The buckets there are, each with all who use it, and the folders of the state folder that no snapshot owns. */
async function bucketsOf(
  platform: Platform,
  reader: ReferenceReader,
  projectId: string | undefined,
): Promise<Uses[]> {
  const { uses, revisions } = await reader.read(platform.store);
  const byPlace = new Map<string, [BucketUse, ...BucketUse[]]>();
  for (const use of uses) {
    const { type, id } = await placeOf(platform, use.owner, use.bucket);
    // Items are opened on behalf of a project: what one may not see must not hide what another may.
    const key = type === 'item' ? `${type}:${id}:${use.owner.projectId}` : `${type}:${id}`;
    const known = byPlace.get(key);
    if (known) known.push(use);
    else byPlace.set(key, [use]);
  }
  if (projectId !== undefined)
    return [...byPlace.values()].filter((group) => group.some(({ owner }) => owner.projectId === projectId));
  for (const owner of await ownersOfFolders(platform)) {
    const bucket = { type: 'local' } as const;
    const { type, id } = await placeOf(platform, owner, bucket);
    if (revisions.has(owner.id) || byPlace.has(`${type}:${id}`)) continue;
    byPlace.set(`${type}:${id}`, [
      {
        owner,
        bucket,
        manifestKey: null,
        manifestSha256: null,
        sharedWith: [],
        isLiving: false,
        recordId: null,
      },
    ]);
  }
  return [...byPlace.values()];
}

/** Whose folders lie in the state folder, by their names; see `ownBucketFolder`. */
async function ownersOfFolders({ config }: Platform): Promise<BucketUse['owner'][]> {
  const names = await namesIn(stateFolder(config.home).buckets);
  return names.flatMap((name) => {
    const id = isObjectId(name) ? name : Buffer.from(name.slice(1), 'hex').toString();
    return id === '' ? [] : [{ id, projectId: '' }];
  });
}

async function collectBucket(
  platform: Platform,
  reader: ReferenceReader,
  uses: Uses,
  when: When,
): Promise<BucketGarbage> {
  const [{ bucket: spec, owner }] = uses;
  const found: BucketGarbage = {
    bucket: spec,
    snapshots: [
      ...new Set(uses.filter(({ owner: { projectId } }) => projectId !== '').map((use) => use.owner.id)),
    ],
    objects: nothing(),
    manifests: nothing(),
    unfinished: nothing(),
    young: nothing(),
    freed: nothing(),
    foreign: 0,
    problem: null,
  };
  try {
    const bucket = await openOrForget(platform, uses, when);
    const surveyed = { bucket, place: await placeOf(platform, owner, spec), reader };
    const survey = await surveyBucket(platform, surveyed, uses, when.olderThanMs);
    tell(found, survey, uses, when);
    if (when.free) await free(platform, { surveyed, uses, survey, found }, when);
    else found.unfinished = await unfinishedOf(bucket, when);
  } catch (error) {
    const { code, message } = toErrorBody(error);
    found.problem = { code, message };
  }
  return found;
}

/** A bucket that is gone has nothing left to free; of a deleted snapshot it need not be remembered. */
async function openOrForget(platform: Platform, uses: Uses, when: When): Promise<Bucket> {
  const [{ owner, bucket }] = uses;
  try {
    return await platform.openBucket(owner, bucket);
  } catch (error) {
    if (when.free && hasCode(error, 'BucketNotFound')) await forgetDeleted(platform, uses);
    throw error;
  }
}

function tell(found: BucketGarbage, survey: Survey, uses: Uses, { olderThanMs }: When): void {
  // A folder without a snapshot may be a clone's that is being copied: as long as anything in it is new, all of it is.
  const isYoung =
    uses.every(({ isLiving, recordId }) => !isLiving && recordId === null) && survey.newestMs >= olderThanMs;
  if (isYoung) survey.young.push(...survey.garbage.splice(0));
  found.manifests = sumOf(survey.garbage.filter(({ key }) => key.startsWith('manifests/')));
  found.objects = sumOf(survey.garbage.filter(({ key }) => key.startsWith('objects/')));
  found.young = sumOf(survey.young);
  found.foreign = survey.foreign;
}

async function free(
  platform: Platform,
  {
    surveyed,
    uses,
    survey,
    found,
  }: { surveyed: SurveyedBucket; uses: Uses; survey: Survey; found: BucketGarbage },
  when: When,
): Promise<void> {
  const { bucket } = surveyed;
  if (!bucket.capabilities.canWrite) {
    if (survey.garbage.length > 0) throw new BucketReadOnly(bucket.spec.type, survey.garbage[0]!.key);
    return;
  }
  await freeGarbage(platform, surveyed, survey, (object) => addTo(found.freed, object));
  found.unfinished = await unfinishedOf(bucket, when);
  found.freed.count += found.unfinished.count;
  found.freed.sizeBytes += found.unfinished.sizeBytes;
  // What is still too young, or lent, is looked for again, so who had it is remembered until then.
  const borrowers = await borrowersOf(platform, survey.references, surveyed.place);
  if (survey.young.length === 0 && borrowers.length === 0) await forgetDeleted(platform, uses);
}

async function unfinishedOf(bucket: Bucket, { olderThanMs, free: remove }: When): Promise<Freed> {
  return (await bucket.unfinished?.({ before: olderThanMs, remove })) ?? nothing();
}

/** Drops the records of deleted snapshots. */
async function forgetDeleted({ store }: Platform, uses: Uses): Promise<void> {
  const ids = uses.flatMap(({ isLiving, recordId }) => (isLiving || recordId === null ? [] : [recordId]));
  for (const chunk of chunksOf(ids)) await store.delete('SnapshotRevision', chunk);
}
