import { callService, type ServiceCall } from '../../aws/service-call.ts';
import { executionName, isStarted, startOfMachine } from '../../aws/start-machine.ts';
import type { LambdaEnvironment } from '../../config.ts';
import { ModelfnError, messageOf } from '../../errors.ts';
import { isJsonObject, type Json } from '../../json.ts';

export interface LambdaDispatchOptions {
  /** `self`, or the ARN of a state machine. */
  target: string;
  environment: LambdaEnvironment;
  now?: () => number;
}

/** AWS did not take a call that was to run in the background; nothing of it will run. */
export class DispatchFailed extends ModelfnError {
  override readonly name = 'DispatchFailed';
  readonly code = 'DispatchFailed';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(target: string, reason: string, cause?: unknown) {
    super(
      `The call could not be handed to ${target}: ${reason}. Nothing of it runs; repeat it with the same executionId.`,
      { details: { target, reason }, cause },
    );
  }
}

/**
 * Has a call run after this invocation answered: as an asynchronous invocation of the same function, which Lambda
 * repeats twice and then gives to the dead-letter queue, or as an execution of a state machine, for what takes longer
 * than one invocation may. An execution is named after the call's id, or after `run` where the same call is to run
 * once more: handed over twice it is begun once.
 * @throws DispatchFailed
 */
export function lambdaDispatch({
  target,
  environment,
  now = Date.now,
}: LambdaDispatchOptions): (payload: Json, run?: string) => Promise<void> {
  return async (payload, run) => {
    const id = run ?? (isJsonObject(payload) ? payload.executionId : undefined);
    const name = typeof id === 'string' ? executionName(id) : undefined;
    const call =
      target === 'self'
        ? invocationOf(environment, environment.functionName, payload)
        : startOfMachine(environment, target, name, payload);
    const answer = await callService(call, environment, now()).catch((cause: unknown) => {
      throw new DispatchFailed(target, messageOf(cause), cause);
    });
    if (!isStarted(answer))
      throw new DispatchFailed(target, `AWS answered ${answer.status} ${answer.text.slice(0, 300)}`);
  };
}

/** An asynchronous invocation. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
export function invocationOf(
  { region }: Pick<LambdaEnvironment, 'region'>,
  functionName: string,
  payload: Json,
): ServiceCall {
  return {
    service: 'lambda',
    region,
    path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
    headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'Event' },
    body: JSON.stringify(payload),
  };
}
