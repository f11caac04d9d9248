import * as z from 'zod/mini';
import { idSchema, jsonObjectSchema, jsonSchema, nullableText, timeSchema } from './fields.ts';

/** How a dataset is to be annotated; points to its ontologies. Wire: docs/WIRE.md, Recipes and ontologies. */
export const recipeSchema = z.object({
  id: idSchema,
  title: z.string(),
  projectIds: z.array(idSchema),
  ontologyIds: z.array(idSchema),
  metadata: jsonObjectSchema,
  creator: z.string(),
  description: z.nullable(z.string()),
  instructions: z.nullable(jsonSchema),
  examples: z.nullable(jsonSchema),
  customActions: z.nullable(jsonSchema),
  uiSettings: jsonObjectSchema,
  createdAt: z.optional(timeSchema),
});
export type Recipe = z.output<typeof recipeSchema>;

export const newRecipeSchema = z.object({
  title: z.string().check(z.minLength(1), z.maxLength(255)),
  projectIds: z.array(idSchema).check(z.minLength(1), z.maxLength(100)),
  ontologyIds: z._default(z.array(idSchema).check(z.maxLength(100)), []),
  description: nullableText,
  metadata: z._default(jsonObjectSchema, {}),
  uiSettings: z._default(jsonObjectSchema, {}),
});
export type NewRecipe = z.input<typeof newRecipeSchema>;
