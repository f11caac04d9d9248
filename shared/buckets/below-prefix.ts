import type { Bucket, ObjectInfo } from './bucket.ts';

/** The part of a bucket below a prefix, as a bucket of its own: its keys are without the prefix, which ends with a slash. */
export function belowPrefix(bucket: Bucket, prefix: string): Bucket {
  const own = (object: ObjectInfo): ObjectInfo => ({ ...object, key: object.key.slice(prefix.length) });
  return {
    spec: bucket.spec,
    capabilities: bucket.capabilities,
    async *list(start = '') {
      for await (const object of bucket.list(prefix + start)) yield own(object);
    },
    async stat(key) {
      const object = await bucket.stat(prefix + key);
      return object && own(object);
    },
    read: (key, options) => bucket.read(prefix + key, options),
    write: async (key, source, options) => own(await bucket.write(prefix + key, source, options)),
    delete: (key) => bucket.delete(prefix + key),
  };
}
