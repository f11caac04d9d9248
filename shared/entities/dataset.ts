import * as z from 'zod/mini';
import { idSchema, jsonObjectSchema, jsonSchema, nameSchema, timeSchema, wordSchema } from './fields.ts';

/** A set of items with their annotations. Wire: docs/WIRE.md, Datasets. */
export const datasetSchema = z.object({
  id: idSchema,
  name: nameSchema,
  /** Project ids; the first is the one the dataset belongs to. */
  projects: z.array(idSchema).check(z.minLength(1)),
  creator: z.string(),
  /** Number of items with at least one annotation. */
  annotated: z.number(),
  /** Number of files, hidden ones and folders not counted. */
  itemsCount: z.number(),
  /** While true, items and annotations cannot change. */
  readonly: z.boolean(),
  /** `system.recipes` lists the recipe ids. */
  metadata: jsonObjectSchema,
  driver: z.nullable(z.string()),
  readableType: z.string(),
  accessLevel: z.string(),
  expirationOptions: z.optional(jsonSchema),
  createdAt: timeSchema,
});
export type Dataset = z.output<typeof datasetSchema>;

/** Body of a create. `createDefaultRecipe` false leaves recipe and ontology to the caller. */
export const newDatasetSchema = z.object({
  name: nameSchema,
  projects: z.array(idSchema).check(z.minLength(1), z.maxLength(100)),
  createDefaultRecipe: z._default(z.boolean(), true),
  driver: z._default(z.nullable(wordSchema), null),
  expirationOptions: z.optional(jsonSchema),
});
export type NewDataset = z.input<typeof newDatasetSchema>;
