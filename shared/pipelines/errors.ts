import { type InputProblem, ModelfnError } from '../errors.ts';

/** A pipeline that cannot run. Every problem at once, each with its node and port; nothing of the change was kept. */
export class PipelineInvalid extends ModelfnError {
  override readonly name = 'PipelineInvalid';
  readonly code = 'PipelineInvalid';
  readonly statusCode = 400;
  constructor(problems: readonly InputProblem[]) {
    super(
      `The pipeline cannot run: ${problems.map(({ field, problem }) => `${field}: ${problem}`).join('; ')}.`,
      { details: { problems: problems.map((each) => ({ ...each })) } },
    );
  }
}

/** A node failed, and with it the run. */
export class PipelineFailed extends ModelfnError {
  override readonly name = 'PipelineFailed';
  readonly code = 'PipelineFailed';
  readonly statusCode = 500;
  constructor(nodeId: string | undefined, error: string, cause: string) {
    super(`${nodeId === undefined ? 'The run' : `Node ${nodeId}`} failed with ${error}: ${cause}`, {
      details: { ...(nodeId !== undefined && { nodeId }), error },
    });
  }
}
