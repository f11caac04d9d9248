import * as z from 'zod/mini';
import { codebaseSpecSchema } from './codebase-spec.ts';
import { idSchema, jsonObjectSchema, nameSchema, nullableText, tagsSchema, timeSchema } from './fields.ts';

/** An architecture: the code of its Model Adapter and the configuration its snapshots start from. Wire: contract section 4.7. */
export const modelSchema = z.object({
  id: idSchema,
  name: nameSchema,
  projectId: idSchema,
  description: z.nullable(z.string()),
  version: z.string(),
  tags: tagsSchema,
  global: z.boolean(),
  /** What an item is to the model: image, text, audio, video, tabular... */
  inputType: z.nullable(z.string()),
  /** The annotation type its predictions have. */
  outputType: z.nullable(z.string()),
  /** File of the codebase that exports the adapter; `modelfn/<name>` for a built-in one. */
  entryPoint: z.string(),
  /** Name of the export. */
  className: z.string(),
  codebase: codebaseSpecSchema,
  /** Defaults of every snapshot's configuration; read, never written, by a run. */
  configuration: jsonObjectSchema,
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
  inputType: nullableText,
  outputType: nullableText,
  entryPoint: z._default(z.string().check(z.minLength(1), z.maxLength(1024)), 'model_adapter.py'),
  className: z._default(
    z.string().check(z.regex(/^[A-Za-z_$][\w$]*$/, 'is not the name of a class')),
    'ModelAdapter',
  ),
  codebase: z._default(codebaseSpecSchema, { type: 'local' }),
  configuration: z._default(jsonObjectSchema, {}),
});
export type NewModel = z.input<typeof newModelSchema>;
