import * as z from 'zod/mini';
import { idSchema, jsonSchema, nameSchema, nullableText, timeSchema } from './fields.ts';

/** The roles a member can have, most rights first. */
export const PROJECT_ROLES = ['owner', 'engineer', 'annotationManager', 'annotator'] as const;

const botSchema = z.object({ id: idSchema, name: nameSchema, createdAt: timeSchema });
export type Bot = z.output<typeof botSchema>;

/** What everything else belongs to; the border of every query. Wire: docs/WIRE.md, Projects. */
export const projectSchema = z.object({
  id: idSchema,
  name: nameSchema,
  creator: z.string(),
  role: z.enum(PROJECT_ROLES),
  org: z.nullable(jsonSchema),
  account: z.nullable(jsonSchema),
  contributors: z.array(jsonSchema),
  featureConstraints: z.array(jsonSchema),
  isBlocked: z.boolean(),
  /** Names under which services run for Dataloop's client, which makes one before it deploys. */
  bots: z.optional(z.array(botSchema)),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type Project = z.output<typeof projectSchema>;

/** What a caller may give when creating a project. */
export const newProjectSchema = z.object({ name: nameSchema, description: nullableText });
