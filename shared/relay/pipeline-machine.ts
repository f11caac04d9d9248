import { createHash } from 'node:crypto';
import type { PipelineExecution } from '../entities/pipeline.ts';
import { SERVICE_FUNCTION } from '../invoke/deployed-function.ts';
import { compileGraph, substitutionOf } from '../pipelines/compile-graph.ts';
import { FUNCTION_PORTS } from '../pipelines/function-ports.ts';

/** Where the state machines of pipelines are, and what they call. */
export interface MachinePlaces {
  /** ARN of the functions, `*` in the place of a name. */
  functions: string;
  /** ARN of the machines, `*` in the place of what tells one from the others. */
  machines: string;
  /** ARN of the role that the machines run under. */
  roleArn: string;
}

/** The state machine that runs a pipeline's execution. */
export interface PipelineMachine {
  readonly arn: string;
  readonly name: string;
  /** Amazon States Language, the functions' ARNs filled in. */
  readonly definition: string;
}

/**
 * The machine of an execution, on the graph that it began with. Its name follows from the pipeline and from a digest of all it
 * says: a pipeline that is drawn anew has another machine, and runs under way keep theirs.
 */
export function pipelineMachine(
  { graph, projectId, pipelineId }: Pick<PipelineExecution, 'graph' | 'projectId' | 'pipelineId'>,
  { functions, machines, roleArn }: MachinePlaces,
): PipelineMachine {
  const arns = new Map(
    [...Object.keys(FUNCTION_PORTS), SERVICE_FUNCTION].map((name) => [
      `\${${substitutionOf(name)}}`,
      functions.replace('*', () => name),
    ]),
  );
  const fill = (key: string, value: unknown) =>
    key === 'FunctionName' && typeof value === 'string' ? (arns.get(value) ?? value) : value;
  const definition = JSON.stringify(compileGraph(graph, { projectId, pipelineId }), fill);
  const whose = /^[\w-]{1,24}$/.test(pipelineId) ? pipelineId : digest(pipelineId);
  const arn = machines.replace('*', () => `${whose}-${digest(`${roleArn} ${definition}`)}`);
  return { arn, name: arn.split(':').at(-1)!, definition };
}

/** ARN of an execution of a machine. */
export function executionArn(machine: Pick<PipelineMachine, 'arn'>, name: string): string {
  return `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
