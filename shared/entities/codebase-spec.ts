import * as z from 'zod/mini';
import { idSchema, localPathSchema } from './fields.ts';
import { gcsBucketNameSchema, gcsObjectNameSchema, gcsProjectNameSchema } from './gcs-names.ts';
import { gitFields } from './git-spec.ts';

/**
 * Where the code of a model's adapter lives. Wire: docs/WIRE.md, Codebases.
 * - `local`: a folder of the machine; built-in adapters need none.
 * - `item`: a zip item of the project's Binaries dataset.
 * - `git`: the files of a branch, tag or commit of a repository.
 * - `gcs`: a zip object of a Google Cloud Storage bucket; `gcsPrefix` is its name.
 */
export const codebaseSpecSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('local'), localPath: z.optional(z.nullable(localPathSchema)) }),
  z.object({ type: z.literal('item'), itemId: idSchema }),
  z.object({ type: z.literal('git'), ...gitFields }),
  z.object({
    type: z.literal('gcs'),
    gcsProjectName: gcsProjectNameSchema,
    gcsBucketName: gcsBucketNameSchema,
    gcsPrefix: gcsObjectNameSchema,
  }),
]);
export type CodebaseSpec = z.output<typeof codebaseSpecSchema>;
export type CodebaseType = CodebaseSpec['type'];
