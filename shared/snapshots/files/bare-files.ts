import type { Bucket, ObjectInfo } from '../../buckets/bucket.ts';
import type { ContentInfo } from '../../content/content-store.ts';
import { digestChunks } from '../../content/file-digest.ts';
import { layoutProblem } from '../../content/folder-layout.ts';
import { inParallel } from '../../content/in-parallel.ts';
import { hasCode } from '../../errors.ts';
import { canonicalJson } from '../../json.ts';
import { WeightsChanging, WeightsCorrupt, WeightsMissing } from '../errors.ts';
import type { FetchOptions, StoredFile } from './fetch-file.ts';
import type { Fetched } from './file-cache.ts';
import { COMPANION, isProtocolKey } from './manifest.ts';
import { MAX_REQUESTS } from './request-budget.ts';

/** Files looked at once; the cache bounds the requests. */
const PARALLEL = MAX_REQUESTS;
/** See `isSettled`. */
const SETTLES_MS = 2_000;

/**
 * The files a user put into the bucket directly. They have no manifest, so their digests are taken when they are
 * first read and kept with the object's etag: who replaces one gets it read anew.
 * @throws WeightsMissing when there is no file; WeightsChanging when one is replaced while it is read;
 * WeightsCorrupt when their names cannot be laid out in a folder
 */
export async function findBareFiles(
  options: FetchOptions,
): Promise<{ files: StoredFile[]; fetchedBytes: number }> {
  const { snapshotId } = options;
  const objects = await listBareObjects(options.bucket);
  if (objects.length === 0) throw new WeightsMissing({ snapshotId });
  const fault = layoutProblem(objects.map(({ key, sizeBytes }) => ({ path: key, sizeBytes })));
  if (fault) throw new WeightsCorrupt(fault.problem, { snapshotId, file: fault.file });
  return digestBareFiles(objects, options);
}

/**
 * Digests of listed objects. What was read before is remembered by its etag; without a cache everything is read.
 * @throws WeightsChanging when an object is replaced or deleted while it is read
 */
export async function digestBareFiles(
  objects: readonly ObjectInfo[],
  options: Omit<FetchOptions, 'cache'> & Partial<Pick<FetchOptions, 'cache'>>,
): Promise<{ files: StoredFile[]; fetchedBytes: number }> {
  const digests = new Map<string, ContentInfo>();
  let fetchedBytes = 0;
  await inParallel(objects, PARALLEL, async (object) => {
    const { movedBytes, ...content } = await digestBare(object, options);
    digests.set(object.key, content);
    fetchedBytes += movedBytes;
  });
  const files = objects.map(({ key }) => ({ path: key, key, ...digests.get(key)! }));
  return { files, fetchedBytes };
}

/** Objects of a bucket that are not part of a saved revision, in order of key. */
export async function listBareObjects(bucket: Bucket): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  for await (const object of bucket.list('', { skip: isProtocolKey })) {
    if (!isProtocolKey(object.key) && !isCompanion(bucket, object)) objects.push(object);
  }
  return objects;
}

function isCompanion({ spec }: Bucket, { key, sizeBytes }: ObjectInfo): boolean {
  return spec.type === 'item' && key === COMPANION && sizeBytes === 0;
}

/**
 * False while a file may be written once more without a change that `listingDigest` sees: clocks of file systems tick
 * every few milliseconds, some every two seconds.
 */
export function isSettled({ changedAtMs }: ObjectInfo): boolean {
  return changedAtMs === undefined || Date.now() - changedAtMs > SETTLES_MS;
}

async function digestBare(
  object: ObjectInfo,
  options: Parameters<typeof digestBareFiles>[1],
): Promise<Fetched> {
  const { bucket, cache } = options;
  if (bucket.capabilities.hasDigestEtags)
    return { sha256: object.etag, sizeBytes: object.sizeBytes, movedBytes: 0 };
  if (cache === undefined || !isSettled(object)) return readBare(object, options);
  const known = await cache.recall(stateOf(object, options));
  if (known?.sizeBytes === object.sizeBytes) return { ...known, movedBytes: 0 };
  return fetchBare(object, { ...options, cache });
}

async function readBare(
  { key, sizeBytes, etag }: ObjectInfo,
  { bucket, snapshotId, signal }: Pick<FetchOptions, 'bucket' | 'snapshotId' | 'signal'>,
): Promise<Fetched> {
  const changing = (): WeightsChanging => new WeightsChanging(snapshotId, key);
  try {
    const found = await digestChunks(bucket.read(key, signal ? { signal } : {}), signal);
    if (found.sizeBytes !== sizeBytes || (await bucket.stat(key))?.etag !== etag) throw changing();
    return { ...found, movedBytes: 0 };
  } catch (error) {
    if (hasCode(error, 'ObjectNotFound')) throw changing();
    throw error;
  }
}

async function fetchBare(object: ObjectInfo, options: FetchOptions): Promise<Fetched> {
  const { key, sizeBytes, etag } = object;
  const { bucket, cache, snapshotId, signal } = options;
  const changing = (): WeightsChanging => new WeightsChanging(snapshotId, key);
  const name = stateOf(object, options);
  try {
    const content = await cache.fetch({ bucket, key, sizeBytes }, { name, signal });
    if ((await bucket.stat(key))?.etag !== etag) throw changing();
    await cache.note(name, content);
    return content;
  } catch (error) {
    if (['ObjectNotFound', 'ContentTooLarge', 'ContentCut'].some((code) => hasCode(error, code)))
      throw changing();
    throw error;
  }
}

/** A `local` spec without a path is another folder for each snapshot, so the snapshot belongs to the identity. */
function stateOf(
  { key, etag, changedAtMs }: ObjectInfo,
  { bucket, snapshotId }: Pick<FetchOptions, 'bucket' | 'snapshotId'>,
): string {
  const state = [bucket.spec, snapshotId, key, etag];
  return canonicalJson(changedAtMs === undefined ? state : [...state, changedAtMs]);
}
