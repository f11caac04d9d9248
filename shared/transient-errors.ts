/**
 * Codes of the retryable errors that a function can throw: the same call may succeed when it is repeated. A run that
 * failed with one of them runs again when its call is delivered again, and state machines retry after it. A test reads
 * every error class and fails when a code is missing here, or in a state machine below `statemachines/`.
 */
export const TRANSIENT_ERRORS: readonly string[] = [
  'BucketBusy',
  'BucketUnavailable',
  'DeadlineExceeded',
  'FunctionTimeout',
  'GitRefMoved',
  'GitUnavailable',
  'LoadTimedOut',
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
];

/** Codes of errors after which another container may still hold the run: retried once its lease can have expired. */
export const HELD_RUN_ERRORS: readonly string[] = ['ExecutionInProgress', 'LeaseLost'];
