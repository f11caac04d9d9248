import type { ErrorBody } from '../errors.ts';
import { ModelfnError } from '../errors.ts';

/** Another container holds the run; it will be answered there. */
export class ExecutionInProgress extends ModelfnError {
  override readonly name = 'ExecutionInProgress';
  readonly code = 'ExecutionInProgress';
  readonly statusCode = 409;
  override readonly retryable = true;
  constructor(executionId: string, expiresAt: string) {
    super(
      `Execution ${executionId} runs already; its lease ends at ${expiresAt} if nobody renews it. Poll the execution, or repeat the call later.`,
      { details: { executionId, expiresAt } },
    );
  }
}

/** An execution id used for another call. */
export class ExecutionMismatch extends ModelfnError {
  override readonly name = 'ExecutionMismatch';
  readonly code = 'ExecutionMismatch';
  readonly statusCode = 409;
  constructor(executionId: string, found: string, wanted: string) {
    super(
      `Execution ${executionId} belongs to ${found}, not to ${wanted}. An id names one call: take a new one for other inputs.`,
      { details: { executionId } },
    );
  }
}

/** The lease ran out and another container took the run over: this one's result is dropped. */
export class LeaseLost extends ModelfnError {
  override readonly name = 'LeaseLost';
  readonly code = 'LeaseLost';
  readonly statusCode = 409;
  override readonly retryable = true;
  constructor(executionId: string) {
    super(
      `Execution ${executionId} was taken over by another container, because this one did not renew its lease in time.`,
      {
        details: { executionId },
      },
    );
  }
}

/** Every container that took the run was lost with it. It is not tried again. */
export class AttemptsExhausted extends ModelfnError {
  override readonly name = 'AttemptsExhausted';
  readonly code = 'AttemptsExhausted';
  readonly statusCode = 500;
  constructor(execution: { id: string; functionName: string; attempts: number }) {
    super(
      `Execution ${execution.id} (${execution.functionName}) was begun ${execution.attempts} times, and each time its container was lost before it ended: out of memory, killed, or out of time. Give the function more of what it lacks, and call it again under a new id.`,
      { details: { executionId: execution.id, attempts: execution.attempts } },
    );
  }
}

/** The process that ran it ended before the run did, and nothing brings the call again. */
export class ExecutionAbandoned extends ModelfnError {
  override readonly name = 'ExecutionAbandoned';
  readonly code = 'ExecutionAbandoned';
  readonly statusCode = 500;
  constructor(execution: { id: string; functionName: string; caller: string }) {
    const { id, functionName, caller } = execution;
    const advice =
      caller === 'cli'
        ? 'It was begun on the command line: run the command again.'
        : `Call it again, or rerun it with POST /executions/${id}/rerun.`;
    super(
      `Execution ${id} (${functionName}) was left behind: its process ended before the run did. ${advice}`,
      { details: { executionId: id, caller } },
    );
  }
}

/** A run went on past its slice, and the caller has no way to bring the next one. */
export class RunYielded extends ModelfnError {
  override readonly name = 'RunYielded';
  readonly code = 'RunYielded';
  readonly statusCode = 503;
  override readonly retryable = true;
  constructor(executionId: string, functionName: string) {
    super(
      `Execution ${executionId} of ${functionName} is not at its end yet: its next slice goes on when the same call comes again. Start long work by the state machine, which does that.`,
      { details: { executionId, functionName } },
    );
  }
}

/** What a finished run failed with, told again. */
export class RecordedFailure extends ModelfnError {
  override readonly name: string;
  readonly code: string;
  readonly statusCode: number;
  constructor(body: ErrorBody) {
    super(body.message, { details: body.details });
    this.name = body.code;
    this.code = body.code;
    this.statusCode = body.statusCode;
  }
}

/** A payload that no caller of ours sends. */
export class UnknownEvent extends ModelfnError {
  override readonly name = 'UnknownEvent';
  readonly code = 'UnknownEvent';
  readonly statusCode = 400;
  constructor(found: string) {
    super(
      `The payload is no known event: ${found}. Send an API Gateway v2 request, an SQS batch or EventBridge event of dataset events, or a task payload { "inputs": { ... } }.`,
      { details: { found } },
    );
  }
}

/** The time the container gave the run is nearly used up. */
export class DeadlineExceeded extends ModelfnError {
  override readonly name = 'DeadlineExceeded';
  readonly code = 'DeadlineExceeded';
  readonly statusCode = 504;
  override readonly retryable = true;
  constructor(functionName: string) {
    super(
      `${functionName} did not end before its container's time limit. Nothing of it was kept; give the function more time, or the call fewer items. Weights that it waited for go on loading while the container runs: the same call later may find them.`,
    );
  }
}
