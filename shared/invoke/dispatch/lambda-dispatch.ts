import type { LambdaEnvironment } from '../../config.ts';
import { ModelfnError, messageOf } from '../../errors.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { signRequest } from './sign-request.ts';

export interface LambdaDispatchOptions {
  /** `self`, or the ARN of a state machine. */
  target: string;
  environment: LambdaEnvironment;
  now?: () => number;
}

/** How long AWS may take to accept a call. */
const TIMEOUT_MS = 10_000;

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
 * than one invocation may. An execution carries the call's id as its name: handed over twice it is begun once.
 * Signed by hand with the container's own credentials: AWS's client would double the bundle for two requests.
 * @throws DispatchFailed
 */
export function lambdaDispatch({
  target,
  environment,
  now = Date.now,
}: LambdaDispatchOptions): (payload: Json) => Promise<void> {
  return async (payload) => {
    const call =
      target === 'self' ? invocation(environment, payload) : execution(environment, target, payload);
    const { status, text } = await send(call, environment, target, now());
    if (status >= 200 && status < 300) return;
    if (text.includes('ExecutionAlreadyExists')) return;
    throw new DispatchFailed(target, `AWS answered ${status} ${text.slice(0, 300)}`);
  };
}

interface ServiceCall {
  service: 'lambda' | 'states';
  region: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
function invocation({ region, functionName }: LambdaEnvironment, payload: Json): ServiceCall {
  return {
    service: 'lambda',
    region,
    path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
    headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'Event' },
    body: JSON.stringify(payload),
  };
}

/** https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html */
function execution(environment: LambdaEnvironment, stateMachineArn: string, payload: Json): ServiceCall {
  const id = isJsonObject(payload) ? payload.executionId : undefined;
  const name = typeof id === 'string' ? { name: id.replace(/[^\w-]/g, '-').slice(0, 80) } : {};
  return {
    service: 'states',
    region: stateMachineArn.split(':')[3] ?? environment.region,
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'AWSStepFunctions.StartExecution',
    },
    body: JSON.stringify({ stateMachineArn, ...name, input: JSON.stringify(payload) }),
  };
}

async function send(
  { service, region, path, headers, body }: ServiceCall,
  { accessKeyId, secretAccessKey, sessionToken, endpoint }: LambdaEnvironment,
  target: string,
  now: number,
): Promise<{ status: number; text: string }> {
  const url = new URL(path, endpoint ?? `https://${service}.${region}.${domainOf(region)}`);
  const signed = signRequest(
    {
      method: 'POST',
      path: url.pathname,
      headers: {
        ...headers,
        host: url.host,
        ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
      },
      body,
    },
    { accessKeyId, secretAccessKey, region, service },
    now,
  );
  const { host: _host, ...sent } = signed;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { method: 'POST', headers: sent, body, signal, redirect: 'error' });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    throw new DispatchFailed(target, messageOf(cause), cause);
  }
}

function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}
