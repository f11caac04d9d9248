import * as z from 'zod/mini';
import { idSchema, jsonObjectSchema, wordSchema } from './fields.ts';
import { TRIGGER_ACTIONS, TRIGGER_RESOURCES } from './trigger.ts';

/** What events tell of: what triggers subscribe to, and executions that were asked for and are to be run. */
export const EVENT_RESOURCES = [...TRIGGER_RESOURCES, 'Execution'] as const;

/**
 * A change of an entity, as it leaves the store and as an EventBridge `detail` carries it.
 * The field names are those of the platform's function context (docs/WIRE.md, Inputs and outputs).
 */
export const datasetEventSchema = z.object({
  /** The same for every delivery of one change. */
  id: idSchema,
  resource: z.enum(EVENT_RESOURCES),
  action: z.enum(TRIGGER_ACTIONS),
  resourceId: idSchema,
  datasetId: z.nullable(idSchema),
  projectId: idSchema,
  userId: z.nullish(wordSchema),
  source: z.nullish(wordSchema),
  body: z.nullish(jsonObjectSchema),
});
export type DatasetEvent = z.output<typeof datasetEventSchema>;
