import type { Bucket, ObjectInfo } from '../../buckets/bucket.ts';
import { inParallel } from '../../content/in-parallel.ts';

const PARALLEL = 8;
/** From so many on, one list of all objects is asked for: a thousand come with one answer. */
const LISTED_FROM = 64;

/** Those of the keys, all below `objects/`, that are in the bucket. */
export async function findObjects(
  bucket: Bucket,
  keys: readonly string[],
): Promise<ReadonlyMap<string, ObjectInfo>> {
  const found = new Map<string, ObjectInfo>();
  if (keys.length < LISTED_FROM) {
    await inParallel(keys, PARALLEL, async (key) => {
      const object = await bucket.stat(key);
      if (object) found.set(key, object);
    });
    return found;
  }
  const wanted = new Set(keys);
  for await (const object of bucket.list('objects/'))
    if (wanted.has(object.key)) found.set(object.key, object);
  return found;
}
