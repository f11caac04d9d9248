import type { Config } from '../config.ts';
import type { BucketSpec } from '../entities/bucket-spec.ts';

/**
 * The bucket of a snapshot that was given none: a folder of the snapshot's own below MODELFN_BUCKET, or, without that
 * setting, in the state folder.
 */
export function defaultBucket({ bucket }: Pick<Config, 'bucket'>, snapshotId: string): BucketSpec {
  if (bucket === undefined) return { type: 'local' };
  const { projectName, bucketName, prefix } = bucket;
  const above = prefix === '' ? '' : `${prefix.replace(/\/$/, '')}/`;
  return {
    type: 'gcs',
    gcsProjectName: projectName,
    gcsBucketName: bucketName,
    gcsPrefix: `${above}snapshots/${snapshotId}`,
  };
}
