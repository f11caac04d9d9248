import * as z from 'zod/mini';
import { idSchema, jsonObjectSchema, nameSchema, timeSchema } from './fields.ts';

export const TRIGGER_RESOURCES = ['Item', 'Annotation', 'Dataset', 'Snapshot'] as const;
export type TriggerResource = (typeof TRIGGER_RESOURCES)[number];
export const TRIGGER_ACTIONS = ['Created', 'Updated', 'Deleted'] as const;
export type TriggerAction = (typeof TRIGGER_ACTIONS)[number];

/** What subscribes a function to events of a project. Wire: contract section 9.5. */
export const triggerSchema = z.object({
  id: idSchema,
  name: nameSchema,
  type: z.literal('Event'),
  active: z.boolean(),
  projectId: idSchema,
  spec: z.object({
    /** DQL conditions on the resource; `{}` matches all. */
    filter: jsonObjectSchema,
    resource: z.enum(TRIGGER_RESOURCES),
    actions: z.array(z.enum(TRIGGER_ACTIONS)).check(z.minLength(1)),
    /** Once: at most one run for each resource. Always: one for each event. */
    executionMode: z._default(z.enum(['Once', 'Always']), 'Once'),
    /** Inputs of the run beside the resource itself, e.g. `{ "snapshot": { "snapshot_id": ".." } }`. */
    input: z._default(jsonObjectSchema, {}),
    operation: z.object({
      type: z.literal('function'),
      functionName: z.string(),
      serviceId: z.optional(z.nullable(z.string())),
    }),
  }),
  scope: z._default(z.string(), 'project'),
  global: z._default(z.boolean(), false),
  creator: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type Trigger = z.output<typeof triggerSchema>;

export const newTriggerSchema = z.object({
  name: nameSchema,
  type: z._default(z.literal('Event'), 'Event'),
  active: z._default(z.boolean(), true),
  projectId: idSchema,
  spec: triggerSchema.shape.spec,
});
export type NewTrigger = z.input<typeof newTriggerSchema>;
