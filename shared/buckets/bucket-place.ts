import { resolve } from 'node:path';
import { realPathOf } from '../content/contained-path.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';
import { canonicalJson } from '../json.ts';

/** Where a bucket's objects lie, so that two specs of one place can be told. */
export interface BucketPlace {
  type: BucketSpec['type'];
  /** Equal for two specs of one place; specs of one place may differ in it where `isExact` is false. */
  id: string;
  /** Whether two places of this type with different ids are certain to be different. */
  isExact: boolean;
}

/** The place of a bucket; `defaultRoot` is the folder of a `local` one without a path. Links are followed, nothing is opened. */
export async function bucketPlace(spec: BucketSpec, defaultRoot: string): Promise<BucketPlace> {
  const { type } = spec;
  if (type === 'local')
    return { type, id: await realPathOf(resolve(spec.localPath || defaultRoot)), isExact: true };
  if (type === 'item') return { type, id: spec.itemId, isExact: true };
  if (type === 'gcs') {
    const prefix = spec.gcsPrefix.replace(/\/+$/, '');
    return { type, id: `${spec.gcsBucketName}/${prefix}`, isExact: true };
  }
  return { type, id: canonicalJson(spec), isExact: false };
}

/** False only when the two are certain to be different. */
export function maybeSamePlace(a: BucketPlace, b: BucketPlace): boolean {
  if (a.type !== b.type) return false;
  return a.id === b.id || !(a.isExact && b.isExact);
}
