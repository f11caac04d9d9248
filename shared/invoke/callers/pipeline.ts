import { LOCAL_ACTOR } from '../../auth/actor.ts';
import { derivedId } from '../../ids.ts';
import { canonicalJson, isJsonObject, type JsonObject } from '../../json.ts';
import type { FunctionSpec, InputSpecs } from '../function-spec.ts';
import type { Invocation } from '../invocation.ts';
import { invoke } from '../invoke.ts';
import type { Container } from '../run.ts';
import { readCall } from './task-payload.ts';

/**
 * A pipeline's node: the task's payload in, the function's output out, plain. What fails is thrown; the error's `name`
 * is its code, so that `Retry` and `Catch` of Step Functions match it (`ErrorEquals: ["WeightsMissing"]`).
 * A node of one pipeline execution that is tried again with the same inputs continues its own execution.
 */
export async function callFromPipeline<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  payload: JsonObject,
  deadline: number | undefined,
): Promise<JsonObject> {
  const { call } = readCall(spec, payload, { caller: callerOf(payload), actor: LOCAL_ACTOR, deadline });
  const outcome = await invoke(container, spec, withOwnId(call));
  if (outcome.output === undefined) throw outcome.error;
  return outcome.output;
}

/** The command line marks its calls: nothing brings them again when their process is lost. */
function callerOf({ context }: JsonObject): 'cli' | 'pipeline' {
  return isJsonObject(context) && context.caller === 'cli' ? 'cli' : 'pipeline';
}

function withOwnId(call: Invocation): Invocation {
  const { executionId, nodeId } = call.pipeline ?? {};
  if (call.executionId !== undefined || executionId === undefined || nodeId === undefined) return call;
  return { ...call, executionId: derivedId('node', executionId, nodeId, canonicalJson(call.input)) };
}
