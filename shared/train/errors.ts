import { ModelfnError } from '../errors.ts';

/** A training was to go on from a checkpoint of another one. */
export class TrainingChanged extends ModelfnError {
  override readonly name = 'TrainingChanged';
  readonly code = 'TrainingChanged';
  readonly statusCode = 409;
  constructor(executionId: string, what: string) {
    super(
      `The training of execution ${executionId} cannot go on: ${what} changed since its last checkpoint. Train again under a new execution; the snapshot is as it was before.`,
      { details: { executionId, changed: what } },
    );
  }
}

/** An adapter said that it yields and kept nothing to go on from. */
export class YieldedWithoutCheckpoint extends ModelfnError {
  override readonly name = 'YieldedWithoutCheckpoint';
  readonly code = 'YieldedWithoutCheckpoint';
  readonly statusCode = 422;
  constructor(executionId: string) {
    super(
      `The adapter of execution ${executionId} returned 'yielded' and made no checkpoint in this slice: the next one would begin where this one did, for ever. Call context.checkpoint() before returning 'yielded'.`,
      { details: { executionId } },
    );
  }
}
