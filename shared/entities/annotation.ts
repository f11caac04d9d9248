import * as z from 'zod/mini';
import { idSchema, jsonObjectSchema, jsonSchema, timeSchema, wordSchema } from './fields.ts';
import { itemContentSchema } from './item.ts';

/** The kinds of annotation the field knows; other types of a client are kept verbatim. */
export const ANNOTATION_TYPES = [
  'class',
  'box',
  'point',
  'segment',
  'polyline',
  'ellipse',
  'binary',
  'cube',
  'cube_3d',
  'pose',
  'subtitle',
  'text_mark',
  'note',
  'comparison',
] as const;
export type AnnotationType = (typeof ANNOTATION_TYPES)[number];

/** A statement about an item: by a person or by a snapshot. Wire: docs/WIRE.md, Annotations. `coordinates` per type are listed there. */
export const annotationSchema = z.object({
  id: idSchema,
  datasetId: idSchema,
  itemId: idSchema,
  type: z.string(),
  label: z.string(),
  attributes: jsonSchema,
  /** Kept verbatim, digit for digit; absent for `class`. */
  coordinates: z.optional(jsonSchema),
  /** `system` is always an object. A prediction has `user.model` and `user.annotation_type: "prediction"`. */
  metadata: jsonObjectSchema,
  creator: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  updatedBy: z.string(),
  source: z.string(),
  hash: z.nullable(z.string()),
  labelSuggestions: z.optional(jsonSchema),
  /** The file of a prediction's tensor. As an item's content it never goes out on the wire and no caller can set it. */
  content: z.optional(itemContentSchema),
});
export type Annotation = z.output<typeof annotationSchema>;

/** One element of `POST /items/{id}/annotations`. Nulls of the client are read as "not given". */
export const newAnnotationSchema = z.object({
  type: z.string().check(z.minLength(1), z.maxLength(64)),
  label: z.string().check(z.maxLength(1024)),
  attributes: z.nullish(jsonSchema),
  coordinates: z.optional(jsonSchema),
  metadata: z.nullish(jsonObjectSchema),
  source: z.nullish(wordSchema),
  labelSuggestions: z.optional(jsonSchema),
});
export type NewAnnotation = z.output<typeof newAnnotationSchema>;
