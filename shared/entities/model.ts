import * as z from 'zod/mini';
import { adapterEnvironmentSchema } from './adapter-environment.ts';
import { codebaseSpecSchema } from './codebase-spec.ts';
import {
  idSchema,
  jsonObjectSchema,
  nameSchema,
  nullableText,
  tagsSchema,
  textSchema,
  timeSchema,
  wordSchema,
} from './fields.ts';

/** File of the codebase that exports the adapter. */
export const entryPointSchema = z.string().check(z.minLength(1), z.maxLength(1024));
export const classNameSchema = z
  .string()
  .check(z.maxLength(255), z.regex(/^[A-Za-z_$][\w$]*$/, 'is not the name of a class'));

/** What a run reads of a model, as it was at one version. */
export const modelRevisionSchema = z.object({
  version: z.string(),
  codebase: codebaseSpecSchema,
  entryPoint: z.string(),
  className: z.string(),
  configuration: jsonObjectSchema,
  environment: z.optional(adapterEnvironmentSchema),
  /** The last change while it was the present version. */
  updatedAt: timeSchema,
});
export type ModelRevision = z.output<typeof modelRevisionSchema>;

/** An architecture: the code of its Model Adapter and the configuration its snapshots start from. Wire: docs/WIRE.md, Models. */
export const modelSchema = z.object({
  id: idSchema,
  name: nameSchema,
  projectId: idSchema,
  description: z.nullable(textSchema),
  version: z.string(),
  tags: tagsSchema,
  global: z.boolean(),
  /** What an item is to the model: image, text, audio, video, tabular... */
  inputType: z.nullable(wordSchema),
  /** The annotation type its predictions have. */
  outputType: z.nullable(wordSchema),
  /** File of the codebase that exports the adapter; `modelfn/<name>` for a built-in one. */
  entryPoint: z.string(),
  /** Name of the export. */
  className: z.string(),
  codebase: codebaseSpecSchema,
  /** Defaults of every snapshot's configuration; read, never written, by a run. */
  configuration: jsonObjectSchema,
  /** Python, packages and variables of the adapter's process; for adapters in Python alone. */
  environment: z.optional(adapterEnvironmentSchema),
  /** The versions before the present one, oldest first. Ours alone: not in the model's wire form. */
  revisions: z.optional(z.array(modelRevisionSchema)),
  creator: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type Model = z.output<typeof modelSchema>;

export const newModelSchema = z.object({
  name: nameSchema,
  projectId: idSchema,
  description: nullableText,
  tags: tagsSchema,
  global: z._default(z.boolean(), false),
  inputType: z._default(z.nullable(wordSchema), null),
  outputType: z._default(z.nullable(wordSchema), null),
  entryPoint: z._default(entryPointSchema, 'model_adapter.py'),
  className: z._default(classNameSchema, 'ModelAdapter'),
  codebase: z._default(codebaseSpecSchema, { type: 'local' }),
  configuration: z._default(jsonObjectSchema, {}),
  environment: z.optional(adapterEnvironmentSchema),
});
export type NewModel = z.input<typeof newModelSchema>;
