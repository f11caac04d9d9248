import type { Bucket, ObjectInfo } from '../../buckets/bucket.ts';
import type { ContentInfo } from '../../content/content-store.ts';
import { layoutProblem } from '../../content/folder-layout.ts';
import { inParallel } from '../../content/in-parallel.ts';
import { hasCode } from '../../errors.ts';
import { canonicalJson } from '../../json.ts';
import { WeightsChanging, WeightsCorrupt, WeightsMissing } from '../errors.ts';
import type { FetchOptions, StoredFile } from './fetch-file.ts';
import type { Fetched } from './file-cache.ts';
import { isProtocolKey } from './manifest.ts';
import { MAX_REQUESTS } from './request-budget.ts';

/** Files looked at once; the cache bounds the requests. */
const PARALLEL = MAX_REQUESTS;

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
  const digests = new Map<string, ContentInfo>();
  let fetchedBytes = 0;
  await inParallel(objects, PARALLEL, async (object) => {
    const known = await options.cache.recall(stateOf(object, options));
    if (known?.sizeBytes === object.sizeBytes) {
      digests.set(object.key, known);
      return;
    }
    const { movedBytes, ...content } = await fetchBare(object, options);
    digests.set(object.key, content);
    fetchedBytes += movedBytes;
  });
  const files = objects.map(({ key }) => ({ path: key, key, ...digests.get(key)! }));
  return { files, fetchedBytes };
}

/** Objects of a bucket that are not part of a saved revision, in order of key. */
export async function listBareObjects(bucket: Bucket): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  for await (const object of bucket.list()) {
    if (!isProtocolKey(object.key)) objects.push(object);
  }
  return objects;
}

async function fetchBare({ key, sizeBytes, etag }: ObjectInfo, options: FetchOptions): Promise<Fetched> {
  const { bucket, cache, snapshotId, signal } = options;
  const changing = (): WeightsChanging => new WeightsChanging(snapshotId, key);
  const name = stateOf({ key, etag }, options);
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
  { key, etag }: Pick<ObjectInfo, 'key' | 'etag'>,
  { bucket, snapshotId }: FetchOptions,
): string {
  return canonicalJson([bucket.spec, snapshotId, key, etag]);
}
