import * as z from 'zod/mini';
import { isJsonObject, type JsonObject } from '../json.ts';
import { idSchema, jsonObjectSchema, jsonSchema, sha256Schema, timeSchema } from './fields.ts';

/** Where an item goes in training; stored as `metadata.system.snapshotPartition`. */
export const PARTITIONS = ['train', 'validation', 'test'] as const;
export type Partition = (typeof PARTITIONS)[number];
export const partitionSchema = z.enum(PARTITIONS);

/** The bytes of a file item. Ours alone: it never goes out on the wire and no caller can set it. */
export const itemContentSchema = z.object({ sha256: sha256Schema, sizeBytes: z.number() });

/** A file or a folder of a dataset. Wire: docs/WIRE.md, Items (links are added at the API's edge). */
export const itemSchema = z.object({
  id: idSchema,
  datasetId: idSchema,
  type: z.enum(['file', 'dir']),
  name: z.string(),
  /** Absolute path inside the dataset, no trailing slash, for folders too. */
  filename: z.string(),
  /** Parent path, `/` for the root. */
  dir: z.string(),
  hidden: z.boolean(),
  /** True while the item has at least one annotation. */
  annotated: z.boolean(),
  annotationsCount: z.number(),
  /** `system.mimetype`, `system.size` in bytes, `system.width/height` in pixels, `system.snapshotPartition`. */
  metadata: jsonObjectSchema,
  creator: z.string(),
  createdAt: timeSchema,
  spec: z.optional(jsonSchema),
  content: z.optional(itemContentSchema),
});
export type Item = z.output<typeof itemSchema>;

/** `metadata.system` of an item, empty when there is none. */
export function systemMetadata(entity: { metadata: JsonObject }): JsonObject {
  const system = entity.metadata.system;
  return isJsonObject(system) ? system : {};
}

/** The item's partition, `undefined` when it has none. */
export function partitionOf(item: Pick<Item, 'metadata'>): Partition | undefined {
  const value = systemMetadata(item).snapshotPartition;
  return PARTITIONS.find((partition) => partition === value);
}
