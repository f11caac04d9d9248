import * as z from 'zod/mini';
import { bucketSpecSchema } from './bucket-spec.ts';
import {
  idSchema,
  jsonObjectSchema,
  nameSchema,
  nullableText,
  sha256Schema,
  tagListSchema,
  tagsSchema,
  textSchema,
  timeSchema,
  wordSchema,
} from './fields.ts';

/** Labels of one model. Large ontologies have some 20,000. */
const MAX_LABELS = 100_000;

export const ontologySpecSchema = z.object({
  /** The string `null` when only labels were given, as the client sends it. */
  ontologyId: z.nullable(wordSchema),
  labels: z.array(z.string().check(z.maxLength(1_024))).check(z.maxLength(MAX_LABELS)),
});

/** Another snapshot's bucket that has some of a revision's objects. */
export const lenderSchema = z.object({ snapshotId: idSchema, bucket: bucketSpecSchema });
export type Lender = z.output<typeof lenderSchema>;

/** The manifest of the weights a snapshot points at: its place in the bucket and its digest. */
export const weightsPointerSchema = z.object({
  manifestKey: z.string(),
  manifestSha256: sha256Schema,
  /** Where objects lie that are not in the revision's own bucket: files it has in common with its parent. */
  sharedWith: z.optional(z.array(lenderSchema)),
});

/**
 * The files that lie in a snapshot's bucket under their own names, as they were when the snapshot was last compared with
 * its bucket. Other clients write these; a difference is a direct write.
 */
export const visibleFilesSchema = z.object({
  /** Digest over path, size and sha256 of every file. */
  sha256: sha256Schema,
  /** Digest over key, size and etag of every object: while it is the same nothing changed, and no bytes are read. */
  listing: z.optional(sha256Schema),
  /**
   * Set while the files of the current revision are being written under their own names: the revision whose files lay
   * there before, or null. Until then both are ours.
   */
  pending: z.optional(z.object({ before: z.nullable(weightsPointerSchema) })),
});
export type VisibleFilesState = z.output<typeof visibleFilesSchema>;

/**
 * A training run: model + dataset + ontology + configuration, and the weights that came of it.
 * Wire: docs/WIRE.md, Snapshots, extended by `parentId`, `revision`, `weights` and `lineage`.
 */
export const snapshotSchema = z.object({
  id: idSchema,
  name: nameSchema,
  projectId: idSchema,
  modelId: idSchema,
  /** Null: for inference only. */
  datasetId: z.nullable(idSchema),
  /** The snapshot this one was made from. Never changed by its children. */
  parentId: z.nullable(idSchema),
  /** 0 before the first save; each save makes the next one. */
  revision: z.number(),
  /** Null while nothing was saved through modelfn: files then lie bare in the bucket. */
  weights: z.nullable(weightsPointerSchema),
  ontologySpec: ontologySpecSchema,
  bucket: bucketSpecSchema,
  /** Missing until the snapshot was compared with its bucket. Ours alone: not on the wire. */
  visible: z.optional(visibleFilesSchema),
  configuration: jsonObjectSchema,
  /** `created`, `training`, `trained`, `failed`, or what a client wrote. */
  status: z.string(),
  /** The execution that writes weights just now; the configuration is frozen while it runs. Ours alone: not on the wire. */
  run: z.optional(
    z.nullable(
      z.object({
        executionId: idSchema,
        /** Set from before the first object of a save is looked at until its revision is there. */
        saving: z.optional(
          z.object({ id: idSchema, bucket: bucketSpecSchema, sharedWith: z.optional(z.array(lenderSchema)) }),
        ),
      }),
    ),
  ),
  /** What the weights were made from; empty before the first training. */
  lineage: jsonObjectSchema,
  tags: tagsSchema,
  description: z.nullable(textSchema),
  global: z.boolean(),
  creator: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type Snapshot = z.output<typeof snapshotSchema>;

export const newSnapshotSchema = z.object({
  name: nameSchema,
  projectId: z.optional(idSchema),
  modelId: idSchema,
  datasetId: z._default(z.nullable(idSchema), null),
  parentId: z._default(z.nullable(idSchema), null),
  /** Missing: the labels of the dataset's ontology. */
  ontologySpec: z.optional(z.nullable(ontologySpecSchema)),
  bucket: z.optional(z.nullable(bucketSpecSchema)),
  configuration: z.optional(z.nullable(jsonObjectSchema)),
  status: z.optional(z.nullable(z.string().check(z.maxLength(64)))),
  tags: z.optional(z.nullable(tagListSchema)),
  description: nullableText,
  global: z.optional(z.nullable(z.boolean())),
  is_global: z.optional(z.nullable(z.boolean())),
});
export type NewSnapshot = z.input<typeof newSnapshotSchema>;
