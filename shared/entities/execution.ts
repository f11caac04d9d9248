import * as z from 'zod/mini';
import { bucketSpecSchema } from './bucket-spec.ts';
import { idSchema, jsonObjectSchema, jsonSchema, timeSchema } from './fields.ts';
import { weightsPointerSchema } from './snapshot.ts';

/**
 * Words of the status log. A run ends in `success` or `failed`; anything else means it goes on. `yielded` stands in the log
 * alone, between two slices of a run: the latest status is `inProgress` all the while, which is what clients wait on.
 */
export const EXECUTION_STATUSES = ['created', 'inProgress', 'success', 'failed', 'rerun', 'yielded'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

export const statusEntrySchema = z.object({
  timestamp: timeSchema,
  status: z.enum(EXECUTION_STATUSES),
  message: z.optional(z.string()),
  /** 0..100. */
  percentComplete: z.optional(z.number()),
});
export type StatusEntry = z.output<typeof statusEntrySchema>;

export const errorBodySchema = z.object({
  statusCode: z.number(),
  message: z.string(),
  code: z.string(),
  details: jsonObjectSchema,
});

/** A claim that ends by itself when nobody renews it. */
export const leaseSchema = z.object({
  holder: z.nullable(z.string()),
  expiresAt: timeSchema,
  /** Milliseconds it was given for. A lease that ends later than that from now was given by a clock that has gone back since. */
  lengthMs: z.optional(z.number()),
});

/** One run of a function, whoever called. Wire: docs/WIRE.md, Executions. */
export const executionSchema = z.object({
  id: idSchema,
  functionName: z.string(),
  projectId: z.nullable(idSchema),
  /** The service whose function this is; of a function of modelfn's own, what a Dataloop client named. */
  serviceId: z.nullable(z.string()),
  /** Package and version of that service when the call came; absent for a function of modelfn's own. */
  packageId: z.optional(idSchema),
  packageName: z.optional(z.string()),
  serviceVersion: z.optional(z.string()),
  input: jsonObjectSchema,
  output: z.nullable(jsonSchema),
  /** Set when the latest status is `failed`. */
  error: z.nullable(errorBodySchema),
  status: z.array(statusEntrySchema),
  latestStatus: statusEntrySchema,
  /** Milliseconds from claim to end, all slices together; of those that ended while it runs. */
  duration: z.number(),
  /** Claims since the run began or last yielded. */
  attempts: z.number(),
  maxAttempts: z.number(),
  /** Someone asked for it to stop. */
  toTerminate: z.boolean(),
  triggerId: z.nullable(idSchema),
  /** The pipeline run that asked for it. */
  pipeline: z.optional(
    z.object({
      id: z.optional(z.string()),
      nodeId: z.optional(z.string()),
      executionId: z.optional(z.string()),
    }),
  ),
  /** Which caller brought it: http, event, pipeline. */
  caller: z.string(),
  /** Grows with every claim, whoever claims: a write under an older one is refused. */
  fence: z.optional(z.number()),
  /** Who holds it and until when; null when nobody does. `holder` null: kept for its own next slice, and for nobody else. */
  lease: z.nullable(leaseSchema),
  /** Slices that yielded. */
  slices: z.optional(z.number()),
  /** What the next slice goes on from: its files, and what the function has to know of them. */
  checkpoint: z.optional(
    z.nullable(
      z.object({ bucket: bucketSpecSchema, weights: weightsPointerSchema, facts: jsonObjectSchema }),
    ),
  ),
  creator: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type Execution = z.output<typeof executionSchema>;

/** True once a run has its final status. */
export function isFinished(execution: Pick<Execution, 'latestStatus'>): boolean {
  return execution.latestStatus.status === 'success' || execution.latestStatus.status === 'failed';
}

/** Length of a lease that has none on record, and the longest there is. */
const LONGEST_LEASE_MS = 15 * 60_000;

/** A clock may be set by this much without ending a lease. Holders renew their leases more often. */
const CLOCK_SLACK_MS = 2_000;

/**
 * True while a run is alive: a container renews its lease, or its next slice is awaited. A lease that lies in the future
 * holds nothing: its holder was lost before the clock went back, or would have renewed it. `now`: the store's time, ms since 1970.
 */
export function isAlive({ lease }: Pick<Execution, 'lease'>, now: number): boolean {
  if (lease === null) return false;
  const leftMs = Date.parse(lease.expiresAt) - now;
  return leftMs > 0 && leftMs <= (lease.lengthMs ?? LONGEST_LEASE_MS) + CLOCK_SLACK_MS;
}

/** True while a container works on the run. `now`: the store's time, ms since 1970. */
export function isHeld(execution: Pick<Execution, 'lease'>, now: number): boolean {
  return isAlive(execution, now) && execution.lease!.holder !== null;
}
