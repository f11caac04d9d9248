import type { Retrier } from '../asl/machine.ts';

/** Codes of errors after which a run may still be held by another container: retried once its lease can have expired. */
const HELD_RUNS = ['ExecutionInProgress', 'LeaseLost'] as const;

/**
 * Codes of all other retryable errors that a function can throw. A test reads every error class and fails when a code is
 * missing here, or in a state machine below `statemachines/`.
 */
const TRANSIENT_ERRORS = [
  'BucketBusy',
  'BucketUnavailable',
  'DeadlineExceeded',
  'FunctionTimeout',
  'GitRefMoved',
  'GitUnavailable',
  'ObjectDamaged',
  'ObjectReplaced',
  'PythonDied',
  'RevisionMoved',
  'SaveRevoked',
  'SourceChanged',
  'StorageUnavailable',
  'StoreUnavailable',
  'WeightsChanging',
  'WorkerLost',
] as const;

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
    ErrorEquals: [...HELD_RUNS],
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
