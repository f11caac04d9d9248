import type { Retrier } from '../asl/machine.ts';
import { HELD_RUN_ERRORS, TRANSIENT_ERRORS } from '../transient-errors.ts';

/** Names under which Lambda and Step Functions report their own transient faults. */
const PLATFORM_FAULTS = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.TooManyRequestsException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'States.Timeout',
] as const;

/** `Retry` of every task that calls a function. */
export const RETRIERS: readonly Retrier[] = [
  {
    ErrorEquals: [...HELD_RUN_ERRORS],
    IntervalSeconds: 15,
    MaxAttempts: 8,
    BackoffRate: 1.5,
    MaxDelaySeconds: 120,
  },
  {
    ErrorEquals: [...TRANSIENT_ERRORS, ...PLATFORM_FAULTS],
    IntervalSeconds: 2,
    MaxAttempts: 5,
    BackoffRate: 3,
    MaxDelaySeconds: 300,
    JitterStrategy: 'FULL',
  },
];
