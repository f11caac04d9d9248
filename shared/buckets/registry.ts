import { isAbsolute, resolve } from 'node:path';
import type { GcsSettings } from '../config.ts';
import { isAllowedPath, type LocalRoots } from '../content/local-roots.ts';
import type { BucketSpec, BucketType } from '../entities/bucket-spec.ts';
import type { GitContext } from '../git/git-source.ts';
import type { Bucket } from './bucket.ts';
import { BucketDriverMissing, BucketNotAllowed } from './errors.ts';
import { GuardedBucket } from './guarded-bucket.ts';
import type { ItemFolder } from './item-folder.ts';

/** What buckets need of the process that opens them. */
export interface BucketContext {
  /** Folders that a `localPath` may name. */
  localRoots: LocalRoots;
  /** Folder of a `local` bucket without `localPath`: one of its own for each snapshot. */
  defaultRoot: string;
  /** The files below a folder item the caller may see. @throws BucketNotFound */
  openItemFolder(itemId: string): Promise<ItemFolder>;
  git: GitContext;
  /** How Cloud Storage is reached, and which of its buckets specs may name. */
  gcs: Readonly<GcsSettings>;
}

type Spec<T extends BucketType> = Extract<BucketSpec, { type: T }>;
type Loaders = { [T in BucketType]: (spec: Spec<T>, context: BucketContext) => Promise<Bucket> };

/** One line a driver; its code is loaded when a bucket of the type is first opened. */
const LOADERS: Loaders = {
  local: async (spec, context) => {
    const root = await localRoot(spec, context);
    return new (await import('./local.ts')).LocalBucket(spec, root);
  },
  item: async (spec, context) => {
    const folder = await context.openItemFolder(spec.itemId);
    return new (await import('./item.ts')).ItemBucket(spec, folder);
  },
  git: async (spec, context) => (await import('./git.ts')).GitBucket.open(spec, context.git),
  gcs: async (spec, context) => (await import('./gcs.ts')).openGcsBucket(spec, context.gcs),
};

/** The types of bucket that can be opened. */
export const BUCKET_TYPES = Object.keys(LOADERS) as readonly BucketType[];

/**
 * Opens a bucket by its spec. Nothing is read or written yet.
 * @throws BucketDriverMissing, BucketNotAllowed, BucketNotFound, GcsPlaceNotAllowed, GitAddressRefused,
 * GitHostNotAllowed, GitFolderNotAllowed, GitSecretMissing
 */
export async function openBucket<T extends BucketType>(
  spec: Spec<T>,
  context: BucketContext,
): Promise<Bucket> {
  if (!Object.hasOwn(LOADERS, spec.type)) throw new BucketDriverMissing(String(spec.type), BUCKET_TYPES);
  return new GuardedBucket(await LOADERS[spec.type as T](spec, context));
}

async function localRoot({ localPath }: Spec<'local'>, context: BucketContext): Promise<string> {
  if (localPath === undefined || localPath === null || localPath === '') return resolve(context.defaultRoot);
  if (
    !isAbsolute(localPath) ||
    localPath.includes('\0') ||
    !(await isAllowedPath(localPath, context.localRoots))
  )
    throw new BucketNotAllowed(localPath);
  return resolve(localPath);
}
