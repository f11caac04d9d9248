import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import type { FunctionSpec, InputSpecs } from '../../shared/invoke/function-spec.ts';
import type { Invocation } from '../../shared/invoke/invocation.ts';
import { invoke } from '../../shared/invoke/invoke.ts';
import type { Container } from '../../shared/invoke/run.ts';
import type { JsonObject } from '../../shared/json.ts';

/** Runs a function in place and answers its output. @throws what it failed with */
export async function runInPlace<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  input: JsonObject,
  executionId?: string,
  caller: Invocation['caller'] = 'pipeline',
): Promise<JsonObject> {
  const outcome = await invoke(container, spec, {
    functionName: spec.name,
    executionId,
    input,
    caller,
    actor: LOCAL_ACTOR,
  });
  if (outcome.output === undefined) throw outcome.error;
  return outcome.output;
}
