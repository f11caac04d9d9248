import * as z from 'zod/mini';
import { idSchema } from './fields.ts';

/**
 * Where files of a snapshot live. Wire: contract section 5.2.
 * - `local`: a folder of the machine. Without `localPath`, a folder of the state folder that belongs to the
 *   snapshot, so that the state can be copied to another machine.
 * - `item`: the files below a folder item of the project's Binaries dataset.
 */
export const bucketSpecSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('local'), localPath: z.optional(z.nullable(z.string())) }),
  z.object({ type: z.literal('item'), itemId: idSchema }),
]);
export type BucketSpec = z.output<typeof bucketSpecSchema>;
export type BucketType = BucketSpec['type'];
