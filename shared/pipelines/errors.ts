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

/** The command that ran the pipeline ended before the run did. Nodes that ended are kept. */
export class PipelineAbandoned extends ModelfnError {
  override readonly name = 'PipelineAbandoned';
  readonly code = 'PipelineAbandoned';
  readonly statusCode = 500;
  constructor(id: string) {
    super(
      `The run ${id} was left behind: the command that ran it ended before the run did. Nothing resumes it by itself. ` +
        `Continue it with \`modelfn pipelines resume ${id}\`, or run the pipeline again.`,
      { details: { pipelineExecutionId: id } },
    );
  }
}

/** A run of a pipeline that something else runs, or that has ended well, and so cannot be resumed here. */
export class PipelineNotResumable extends ModelfnError {
  override readonly name = 'PipelineNotResumable';
  readonly code = 'PipelineNotResumable';
  readonly statusCode = 409;
  constructor(id: string, problem: string) {
    super(`The run ${id} cannot be resumed: ${problem}.`, { details: { pipelineExecutionId: id } });
  }
}
