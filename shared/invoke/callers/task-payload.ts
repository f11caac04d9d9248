import * as z from 'zod/mini';
import type { Actor } from '../../auth/actor.ts';
import { idSchema, jsonObjectSchema } from '../../entities/fields.ts';
import { InvalidInput } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { parse } from '../../parse.ts';
import type { FunctionSpec } from '../function-spec.ts';
import type { Invocation } from '../invocation.ts';

/** The canonical form of a call: body of an HTTP request and payload of a pipeline's task alike. */
const canonicalSchema = z.strictObject({
  function: z.optional(z.string()),
  /** A reference to the service whose function it is. */
  service: z.optional(z.nullable(z.json())),
  executionId: z.optional(z.nullable(idSchema)),
  inputs: jsonObjectSchema,
  context: z.optional(
    z.nullable(
      z.object({
        projectId: z.optional(z.nullable(idSchema)),
        pipelineId: z.optional(z.nullable(z.string())),
        pipelineExecutionId: z.optional(z.nullable(z.string())),
        nodeId: z.optional(z.nullable(z.string())),
        triggerId: z.optional(z.nullable(idSchema)),
      }),
    ),
  ),
});

/** An execution as a Dataloop client sends it (docs/WIRE.md, Executions); keys beyond these are its own business. */
const platformSchema = z.object({
  id: z.nullish(idSchema),
  functionName: z.nullish(z.string()),
  input: jsonObjectSchema,
  projectId: z.nullish(idSchema),
  serviceId: z.nullish(z.string()),
  triggerId: z.nullish(idSchema),
  pipeline: z.nullish(
    z.object({
      id: z.nullish(z.string()),
      nodeId: z.nullish(z.string()),
      executionId: z.nullish(z.string()),
    }),
  ),
});

/** A call read from its payload; `form` says in which form it is to be answered. */
export interface ReadCall {
  readonly form: 'canonical' | 'platform';
  readonly call: Invocation;
}

/**
 * Reads a call in either form. A payload that names another function than this one is refused; one for the bundle of all
 * services has to name its function and its service.
 * @throws InvalidInput
 */
export function readCall(
  spec: Pick<FunctionSpec, 'name' | 'target'>,
  payload: unknown,
  from: { caller: Invocation['caller']; actor: Actor; deadline?: number | undefined },
): ReadCall {
  if (!isJsonObject(payload))
    throw new InvalidInput('call', [{ field: '', problem: 'it is no JSON object; send {"inputs": {...}}' }]);
  const platform = 'input' in payload && !('inputs' in payload);
  const read = platform ? readPlatform(payload) : readCanonical(payload);
  const functionName = spec.target ? namedBy(read, platform) : spec.name;
  if (!spec.target && read.named && read.named !== functionName)
    throw new InvalidInput('call', [
      {
        field: platform ? 'functionName' : 'function',
        problem: `this is the function ${functionName}, not ${read.named}`,
      },
    ]);
  if (!spec.target && !platform && read.call.serviceReference !== undefined)
    throw new InvalidInput('call', [
      {
        field: 'service',
        problem: `${functionName} belongs to no service; services are called by "service"`,
      },
    ]);
  const { serviceReference, ...rest } = read.call;
  const call: Invocation = { functionName, ...rest, ...(spec.target && { serviceReference }), ...from };
  return { form: platform ? 'platform' : 'canonical', call };
}

function namedBy({ named, call }: Named, platform: boolean): string {
  const problems = [
    ...(named ? [] : [{ field: platform ? 'functionName' : 'function', problem: 'is missing' }]),
    ...(call.serviceReference == null
      ? [{ field: platform ? 'serviceId' : 'service', problem: 'is missing; take an id or {"name": name}' }]
      : []),
  ];
  if (problems.length > 0) throw new InvalidInput('call of a service', problems);
  return named!;
}

/** A call as the payload that has a container run it later: the canonical form. */
export function payloadOf(
  call: Pick<
    Invocation,
    'functionName' | 'executionId' | 'input' | 'projectId' | 'triggerId' | 'pipeline' | 'serviceReference'
  >,
): JsonObject {
  const { functionName, executionId, input, projectId, triggerId, pipeline, serviceReference } = call;
  return {
    function: functionName,
    ...(serviceReference != null && { service: serviceReference }),
    executionId: executionId ?? null,
    inputs: input,
    context: {
      projectId: projectId ?? null,
      triggerId: triggerId ?? null,
      pipelineId: pipeline?.id ?? null,
      pipelineExecutionId: pipeline?.executionId ?? null,
      nodeId: pipeline?.nodeId ?? null,
    },
  };
}

type Named = { named: string | undefined; call: Omit<Invocation, 'functionName' | 'caller' | 'actor'> };

function readCanonical(payload: JsonObject): Named {
  const { function: named, service, executionId, inputs, context } = parse(canonicalSchema, payload, 'call');
  const { projectId, pipelineId, pipelineExecutionId, nodeId, triggerId } = context ?? {};
  const pipeline = pipelineOf({ id: pipelineId, executionId: pipelineExecutionId, nodeId });
  return {
    named,
    call: {
      input: inputs,
      ...(service != null && { serviceReference: service }),
      executionId: executionId ?? undefined,
      projectId: projectId ?? undefined,
      triggerId: triggerId ?? undefined,
      ...(pipeline && { pipeline }),
    },
  };
}

function readPlatform(payload: JsonObject): Named {
  const read = parse(platformSchema, payload, 'execution');
  const pipeline = pipelineOf(read.pipeline ?? {});
  return {
    named: read.functionName ?? undefined,
    call: {
      input: read.input,
      executionId: read.id ?? undefined,
      projectId: read.projectId ?? undefined,
      serviceId: read.serviceId ?? undefined,
      serviceReference: read.serviceId ?? undefined,
      triggerId: read.triggerId ?? undefined,
      ...(pipeline && { pipeline }),
    },
  };
}

function pipelineOf(parts: Record<'id' | 'nodeId' | 'executionId', string | null | undefined> | object) {
  const given = Object.entries(parts).filter(([, value]) => typeof value === 'string');
  return given.length > 0 ? (Object.fromEntries(given) as NonNullable<Invocation['pipeline']>) : undefined;
}
