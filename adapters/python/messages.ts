import * as z from 'zod/mini';
import { jsonObjectSchema, jsonSchema } from '../../shared/entities/fields.ts';
import { newMetricSampleSchema } from '../../shared/entities/metric-sample.ts';
import { unmarkFloats } from './marked-floats.ts';

/** Of the host script that comes with this version. */
export const PROTOCOL = 1;

const id = z.number();

/** What an adapter raised, and where in its own code. */
const raisedSchema = z.object({
  kind: z.enum(['raised', 'problem', 'cancelled']),
  type: z.string(),
  message: z.string(),
  at: z.nullable(z.string()),
  traceback: z.string(),
});
export type Raised = z.output<typeof raisedSchema>;

const HOST_CALLS = [
  'shouldCheckpoint',
  'shouldYield',
  'beginCheckpoint',
  'failCheckpoint',
  'endCheckpoint',
  'ownWeights',
  'openApi',
] as const;

/** All that the host says. The adapter's code runs in its process: nothing of it is taken on trust. */
export const hostMessageSchema = z.union([
  z.object({ hello: z.literal(PROTOCOL), python: z.string() }),
  z.object({ reply: id, error: raisedSchema, rssBytes: z.number() }),
  z.object({ reply: id, result: jsonSchema, rssBytes: z.number() }),
  z.object({
    event: z.literal('progress'),
    id,
    fraction: z.number(),
    message: z.nullable(z.string()),
  }),
  z.object({
    event: z.literal('log'),
    id,
    samples: z.pipe(z.transform(unmarkFloats), z.array(newMetricSampleSchema)),
  }),
  z.object({
    call: z.number(),
    id,
    name: z.enum(HOST_CALLS),
    params: z.object({ message: z.optional(z.string()) }),
  }),
]);
export type HostMessage = z.output<typeof hostMessageSchema>;
export type HostEvent = Extract<HostMessage, { event: string }>;
export type HostCall = Extract<HostMessage, { call: number }>;

/** What an adapter says of itself. */
export const descriptionSchema = z.object({
  defaults: jsonObjectSchema,
  inputType: z.nullable(z.string()),
  outputType: z.nullable(z.string()),
  maxBatchSize: z.number().check(z.int(), z.gte(1)),
  methods: z.array(z.string()),
  replacesConfiguration: z.boolean(),
});
export type Description = z.output<typeof descriptionSchema>;

export const convertedSchema = z.array(z.object({ filename: z.string(), label: z.nullable(z.string()) }));
