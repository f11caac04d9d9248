import * as z from 'zod/mini';
import { idSchema, jsonObjectSchema, nullableText, timeSchema, wordSchema } from './fields.ts';

/** How often a function of a service is tried when nothing else was said. */
export const DEFAULT_MAX_ATTEMPTS = 3;
/** Seconds that one attempt may take when nothing else was said. */
export const DEFAULT_EXECUTION_TIMEOUT = 3600;

/** A client cannot read a service without one. */
const DEFAULT_RUNTIME = {
  podType: 'regular-s',
  numReplicas: 1,
  concurrency: 1,
  singleAgent: false,
  autoscaler: null,
};

const count = (least: number, most: number) => z.int().check(z.gte(least), z.lte(most));

/** What may change of a service; each change makes its next version. */
const settingFields = {
  packageId: idSchema,
  /** The version of the package that runs. */
  packageRevision: wordSchema,
  moduleName: wordSchema,
  /** Values of the module's `initInputs`. */
  initParams: z._default(jsonObjectSchema, {}),
  /** Seconds that one attempt of a run may take. */
  executionTimeout: z._default(count(1, 86_400), DEFAULT_EXECUTION_TIMEOUT),
  /** Attempts of one run, the first included. */
  maxAttempts: z._default(count(1, 100), DEFAULT_MAX_ATTEMPTS),
  // What follows is kept for Dataloop's client; where a function runs is the deployment's to say.
  runtime: z._default(jsonObjectSchema, { ...DEFAULT_RUNTIME }),
  botUserName: nullableText,
  useUserJwt: z._default(z.boolean(), false),
  driverId: nullableText,
  runExecutionAsProcess: z._default(z.boolean(), false),
  drainTime: z._default(count(0, 86_400), 600),
  onReset: z._default(z.enum(['rerun', 'failed']), 'rerun'),
  queueLengthLimit: z._default(z.nullable(z.number()), null),
  global: z._default(z.boolean(), false),
  versions: z._default(jsonObjectSchema, {}),
};
export const serviceSettingsSchema = z.object(settingFields);
export type ServiceSettings = z.output<typeof serviceSettingsSchema>;

export const serviceRevisionSchema = z.object({
  version: z.string(),
  ...settingFields,
  updatedAt: timeSchema,
});
export type ServiceRevision = z.output<typeof serviceRevisionSchema>;

/** A module of a package that is deployed: its functions can be called. Wire: docs/WIRE.md, Services. */
export const serviceSchema = z.object({
  id: idSchema,
  /** Lower-case letters, digits and hyphens; one of a kind in the project. */
  name: z.string(),
  projectId: idSchema,
  version: z.string(),
  /** A service that is stopped runs nothing. */
  active: z.boolean(),
  ...settingFields,
  revisions: z.optional(z.array(serviceRevisionSchema)),
  creator: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type Service = z.output<typeof serviceSchema>;

export const newServiceSchema = z.object({
  name: wordSchema,
  projectId: idSchema,
  ...settingFields,
  packageRevision: z.optional(wordSchema),
  moduleName: z.optional(wordSchema),
});
