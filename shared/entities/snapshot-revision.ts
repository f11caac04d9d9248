import * as z from 'zod/mini';
import { derivedId } from '../ids.ts';
import { bucketSpecSchema } from './bucket-spec.ts';
import { idSchema, jsonObjectSchema, timeSchema } from './fields.ts';
import { weightsPointerSchema } from './snapshot.ts';

/**
 * One saved revision of a snapshot: what it takes to load, restore or compare it for ever. Written in the transaction
 * that moves the snapshot to it, and never changed. When its snapshot is deleted it stays as the only word on whose
 * files lie in the bucket, until `gc` has freed them.
 */
export const snapshotRevisionSchema = z.object({
  /** Derived from snapshot and revision. */
  id: idSchema,
  snapshotId: idSchema,
  projectId: idSchema,
  revision: z.int().check(z.gte(1)),
  /** Where its files were written; later revisions may lie elsewhere. */
  bucket: bucketSpecSchema,
  weights: weightsPointerSchema,
  configuration: jsonObjectSchema,
  lineage: jsonObjectSchema,
  labels: z.array(z.string()),
  /** Bytes of all files; null where the revision is older than these records. */
  sizeBytes: z.nullable(z.number()),
  /** Number of files; null as above. */
  files: z.nullable(z.number()),
  /**
   * The manifest's text, where it is short: a load has it from here instead of from the bucket, by the same digest.
   * Ours alone: not on the wire.
   */
  manifest: z.optional(z.string()),
  /** The run that saved it; null where no run did. */
  executionId: z.nullable(idSchema),
  creator: z.string(),
  createdAt: timeSchema,
});
export type SnapshotRevision = z.output<typeof snapshotRevisionSchema>;

/** A revision as those outside see it. */
export function shownRevision({
  manifest: _ours,
  ...shown
}: SnapshotRevision): Omit<SnapshotRevision, 'manifest'> {
  return shown;
}

/** The id of a snapshot's revision: the same pair always has the same. */
export function revisionId(snapshotId: string, revision: number): string {
  return derivedId('revision', snapshotId, revision);
}
