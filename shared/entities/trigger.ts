import * as z from 'zod/mini';
import { idSchema, jsonObjectSchema, nameSchema, timeSchema, wordSchema } from './fields.ts';

export const TRIGGER_RESOURCES = ['Item', 'Annotation', 'Dataset', 'Snapshot'] as const;
export type TriggerResource = (typeof TRIGGER_RESOURCES)[number];
export const TRIGGER_ACTIONS = ['Created', 'Updated', 'Deleted'] as const;
export type TriggerAction = (typeof TRIGGER_ACTIONS)[number];

const functionOperationSchema = z.object({
  type: z.literal('function'),
  functionName: wordSchema,
  serviceId: z.optional(z.nullable(wordSchema)),
  /** The package of that service; absent for a function of modelfn's own. Found out when the trigger is made. */
  packageId: z.optional(z.nullable(idSchema)),
});
export type FunctionOperation = z.output<typeof functionOperationSchema>;

/** A run of a whole pipeline. Clients write its id as `id` and read it under `pipeline`; it is kept as both. */
const pipelineOperationSchema = z.object({
  type: z.literal('pipeline'),
  id: z.nullish(idSchema),
  pipeline: z.nullish(z.object({ id: idSchema })),
  nodeId: z.nullish(wordSchema),
});
export type PipelineOperation = z.output<typeof pipelineOperationSchema>;

const operationSchema = z.discriminatedUnion('type', [functionOperationSchema, pipelineOperationSchema]);

/** Id of the pipeline that an operation runs; undefined for a function's, and where none is named. */
export function pipelineOf(operation: FunctionOperation | PipelineOperation): string | undefined {
  return operation.type === 'pipeline' ? (operation.pipeline?.id ?? operation.id ?? undefined) : undefined;
}

const commonFields = {
  id: idSchema,
  name: nameSchema,
  active: z.boolean(),
  projectId: idSchema,
  scope: z._default(z.string(), 'project'),
  global: z._default(z.boolean(), false),
  creator: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
};

/** What subscribes a function to events of a project. Wire: docs/WIRE.md, Triggers. */
export const eventTriggerSchema = z.object({
  ...commonFields,
  type: z.literal('Event'),
  spec: z.object({
    /** DQL conditions on the resource; `{}` matches all. */
    filter: jsonObjectSchema,
    resource: z.enum(TRIGGER_RESOURCES),
    actions: z.array(z.enum(TRIGGER_ACTIONS)).check(z.minLength(1)),
    /** Once: at most one run for each resource. Always: one for each event. */
    executionMode: z._default(z.enum(['Once', 'Always']), 'Once'),
    /** Inputs of the run beside the resource itself, e.g. `{ "snapshot": { "snapshot_id": ".." } }`. */
    input: z._default(jsonObjectSchema, {}),
    operation: operationSchema,
  }),
});
export type EventTrigger = z.output<typeof eventTriggerSchema>;

/** What has a function run at certain times. Wire: docs/WIRE.md, Triggers. */
export const cronTriggerSchema = z.object({
  ...commonFields,
  type: z.literal('Cron'),
  spec: z.object({
    /** Five fields (minute, hour, day of month, month, day of week) or `@hourly` and the like; UTC. */
    cron: z.string().check(z.maxLength(200)),
    /** Times before and after these are left out; null has no bound. */
    startAt: z._default(z.nullable(timeSchema), null),
    endAt: z._default(z.nullable(timeSchema), null),
    /** Inputs of every run. */
    input: z._default(jsonObjectSchema, {}),
    operation: operationSchema,
  }),
  /** Why nothing fires it, where that is so; told by whoever schedules it. */
  problem: z.nullish(z.string()),
});
export type CronTrigger = z.output<typeof cronTriggerSchema>;

export type Trigger = EventTrigger | CronTrigger;

const newFields = {
  name: nameSchema,
  active: z._default(z.boolean(), true),
  projectId: idSchema,
};
export const newEventTriggerSchema = z.object({
  ...newFields,
  type: z._default(z.literal('Event'), 'Event'),
  spec: eventTriggerSchema.shape.spec,
});
export const newCronTriggerSchema = z.object({
  ...newFields,
  type: z.literal('Cron'),
  spec: cronTriggerSchema.shape.spec,
});
export type NewTrigger = z.input<typeof newEventTriggerSchema> | z.input<typeof newCronTriggerSchema>;
