import { createHash } from 'node:crypto';
import type { LambdaEnvironment } from '../config.ts';
import type { Json } from '../json.ts';
import type { ServiceAnswer, ServiceCall } from './service-call.ts';

/**
 * The start of a state machine. Under a name that had an execution in the last 90 days nothing begins.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function startOfMachine(
  environment: Pick<LambdaEnvironment, 'region'>,
  stateMachineArn: string,
  name: string | undefined,
  input: Json,
): ServiceCall {
  return {
    service: 'states',
    region: stateMachineArn.split(':')[3] ?? environment.region,
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'AWSStepFunctions.StartExecution',
    },
    body: JSON.stringify({ stateMachineArn, ...(name && { name }), input: JSON.stringify(input) }),
  };
}

/** True when it runs, or ran under this name before. */
export function isStarted({ status, text }: ServiceAnswer): boolean {
  return (status >= 200 && status < 300) || text.includes('ExecutionAlreadyExists');
}

/** The name of an execution that stands for an id: the id itself, if it may be one; else one that no other id has. */
export function executionName(id: string): string {
  if (/^[\w-]{1,80}$/.test(id)) return id;
  const digest = createHash('sha256').update(id).digest('hex').slice(0, 16);
  return `${id.replace(/[^\w-]/g, '-').slice(0, 63)}-${digest}`;
}
