import { join } from 'node:path';
import type { Config } from './config.ts';
import type { ContentStore } from './content/content-store.ts';
import { LocalContentStore } from './content/local-content-store.ts';
import type { GitContext } from './git/git-source.ts';

/**
 * The store of items' bytes: `folder` on this machine, or a bucket that all containers share (`MODELFN_CONTENT`). That
 * bucket is the system's own: `MODELFN_GCS_BUCKETS` says what specs of users may name, and need not have it.
 */
export async function openContents(
  { content, gcs }: Pick<Config, 'content' | 'gcs'>,
  folder: string,
  git: GitContext,
): Promise<ContentStore> {
  if (content === undefined) return new LocalContentStore({ directory: folder });
  const [{ BucketContentStore }, { openBucket }] = await Promise.all([
    import('./content/bucket-content-store.ts'),
    import('./buckets/registry.ts'),
  ]);
  const { bucketName: gcsBucketName, prefix: gcsPrefix } = content;
  const bucket = await openBucket(
    { type: 'gcs', gcsProjectName: 'contents', gcsBucketName, gcsPrefix },
    {
      localRoots: { allowed: [], private: [] },
      defaultRoot: folder,
      openItemFolder: () => Promise.reject(new Error('contents lie in no item')),
      gcs: { ...gcs, buckets: undefined },
      git,
    },
  );
  return new BucketContentStore({ bucket, spool: join(folder, 'tmp') });
}
