import * as z from 'zod/mini';
import { idSchema, localPathSchema } from './fields.ts';
import { gcsBucketNameSchema, gcsPrefixSchema, gcsProjectNameSchema } from './gcs-names.ts';
import { gitFields } from './git-spec.ts';

/**
 * Where files of a snapshot live. Wire: docs/WIRE.md, Buckets.
 * - `local`: a folder of the machine. Without `localPath`, a folder of the state folder that belongs to the
 *   snapshot, so that the state can be copied to another machine.
 * - `item`: the files below a folder item of the project's Binaries dataset.
 * - `git`: the files of a branch, tag or commit of a repository; a write is a commit on the branch.
 * - `gcs`: the objects of a Google Cloud Storage bucket below `gcsPrefix`, which may be empty.
 */
export const bucketSpecSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('local'), localPath: z.optional(z.nullable(localPathSchema)) }),
  z.object({ type: z.literal('item'), itemId: idSchema }),
  z.object({ type: z.literal('git'), ...gitFields }),
  z.object({
    type: z.literal('gcs'),
    gcsProjectName: gcsProjectNameSchema,
    gcsBucketName: gcsBucketNameSchema,
    gcsPrefix: gcsPrefixSchema,
  }),
]);
export type BucketSpec = z.output<typeof bucketSpecSchema>;
export type BucketType = BucketSpec['type'];

/** Every type of bucket. */
export const BUCKET_TYPE_NAMES = ['local', 'item', 'git', 'gcs'] as const satisfies readonly BucketType[];
