import * as z from 'zod/mini';
import { errorBodySchema, leaseSchema } from './execution.ts';
import {
  idSchema,
  jsonObjectSchema,
  jsonSchema,
  nameSchema,
  nullableText,
  timeSchema,
  wordSchema,
} from './fields.ts';

/** Most inputs, or outputs, of one node. */
const MAX_PORTS = 100;

/** Ids of nodes and ports are chosen by whoever draws the pipeline. */
const partIdSchema = z
  .string()
  .check(z.minLength(1), z.maxLength(128), z.regex(/^[\w.:-]+$/, 'is not an id'));

/** A place where a value enters or leaves a node. `type` is of docs/WIRE.md, Inputs and outputs. */
export const portSchema = z.object({
  portId: partIdSchema,
  name: z.string().check(z.minLength(1), z.maxLength(128)),
  type: wordSchema,
  color: z.nullish(wordSchema),
  displayName: z.nullish(wordSchema),
  portPercentage: z.nullish(z.number()),
  action: z.nullish(wordSchema),
  /** Taken when nothing is connected and the run is given nothing. */
  defaultValue: z.optional(jsonSchema),
});
export type Port = z.output<typeof portSchema>;

/** One call of a function. */
export const pipelineNodeSchema = z.object({
  id: partIdSchema,
  name: z.string().check(z.minLength(1), z.maxLength(255)),
  type: z.enum(['function', 'code', 'task', 'storage']),
  projectId: z.nullish(idSchema),
  namespace: z.object({
    functionName: wordSchema,
    projectName: z.nullish(wordSchema),
    serviceName: z.nullish(wordSchema),
    moduleName: z.nullish(wordSchema),
    packageName: z.nullish(wordSchema),
  }),
  inputs: z._default(z.array(portSchema).check(z.maxLength(MAX_PORTS)), []),
  outputs: z._default(z.array(portSchema).check(z.maxLength(MAX_PORTS)), []),
  /** `position` for whoever draws it. */
  metadata: z._default(jsonObjectSchema, {}),
  config: z.nullish(
    z.object({
      /** The snapshot the node is bound to: its `snapshot` input. */
      snapshotId: z.nullish(idSchema),
      /** Fixed inputs of the function, by name. */
      inputs: z.nullish(jsonObjectSchema),
      package: z.nullish(jsonObjectSchema),
    }),
  ),
});
export type PipelineNode = z.output<typeof pipelineNodeSchema>;

const endSchema = z.object({ nodeId: wordSchema, portId: wordSchema });

/** The value of an output becomes an input; with a `condition` (JSON text of a filter) only when the source's output satisfies it. */
export const connectionSchema = z.object({
  src: endSchema,
  tgt: endSchema,
  condition: z.nullish(z.string().check(z.maxLength(10_000))),
});
export type Connection = z.output<typeof connectionSchema>;

const startNodeSchema = z.object({
  nodeId: wordSchema,
  type: z.enum(['root', 'trigger']),
  trigger: z.nullish(jsonObjectSchema),
});

/** Most nodes of one pipeline. */
export const MAX_NODES = 100;

/** What is drawn: nodes, what goes from where to where, and where it begins. */
export const graphSchema = z.object({
  nodes: z._default(z.array(pipelineNodeSchema).check(z.maxLength(MAX_NODES)), []),
  connections: z._default(z.array(connectionSchema).check(z.maxLength(1_000)), []),
  startNodes: z._default(z.array(startNodeSchema).check(z.maxLength(MAX_NODES)), []),
});
export type PipelineGraph = z.output<typeof graphSchema>;

/** Functions bound to snapshots, connected by typed ports. Wire: docs/PIPELINES.md. */
export const pipelineSchema = z.object({
  id: idSchema,
  name: nameSchema,
  projectId: idSchema,
  description: nullableText,
  preview: z._default(z.nullable(jsonSchema), null),
  ...graphSchema.shape,
  /** Grows with every change of the graph. */
  revision: z.number(),
  creator: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type Pipeline = z.output<typeof pipelineSchema>;

export const newPipelineSchema = z.object({
  name: nameSchema,
  projectId: idSchema,
  description: nullableText,
  preview: pipelineSchema.shape.preview,
  ...graphSchema.shape,
});

export const PIPELINE_STATUSES = ['created', 'inProgress', 'success', 'failed'] as const;

/** One run of a pipeline, on the graph as it was when it began. */
export const pipelineExecutionSchema = z.object({
  id: idSchema,
  pipelineId: idSchema,
  pipelineRevision: z.number(),
  projectId: idSchema,
  graph: graphSchema,
  /** What the start nodes' free inputs were given, by their names. */
  input: jsonObjectSchema,
  status: z.enum(PIPELINE_STATUSES),
  /** Node id -> how far it is. */
  nodes: z.record(
    z.string(),
    z.object({
      status: z.enum(['created', 'inProgress', 'success', 'failed', 'skipped']),
      executionIds: z.array(idSchema),
    }),
  ),
  error: z.nullable(errorBodySchema),
  /** The command that runs it, as long as it renews the lease. Absent: a server or the relay runs it, and resumes it. */
  runner: z.nullish(leaseSchema),
  creator: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type PipelineExecution = z.output<typeof pipelineExecutionSchema>;
