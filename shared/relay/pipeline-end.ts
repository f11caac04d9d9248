import type { Execution } from '../entities/execution.ts';
import type { PipelineExecution } from '../entities/pipeline.ts';
import { toErrorBody } from '../errors.ts';
import { isJsonObject, type Json } from '../json.ts';
import { PipelineFailed } from '../pipelines/errors.ts';

/** How a state machine ended: with the statuses of its nodes, or with what failed. */
export type MachineEnd = { readonly output: Json } | { readonly error: string; readonly cause: string };

/**
 * A pipeline's execution as it is once its state machine ended: each node with the runs that it had, the newest status
 * of them, and `skipped` where the machine says so. Pure.
 */
export function endedExecution(
  execution: PipelineExecution,
  runs: readonly Execution[],
  end: MachineEnd,
): PipelineExecution {
  const skipped = 'output' in end && isJsonObject(end.output) ? end.output : {};
  const nodes = Object.fromEntries(
    Object.entries(execution.nodes).map(([nodeId, state]) => {
      const own = runs.filter(({ pipeline }) => pipeline?.nodeId === nodeId);
      const told = Object.hasOwn(skipped, nodeId) ? skipped[nodeId] : undefined;
      const isSkipped = isJsonObject(told) && told.status === 'skipped';
      const status = isSkipped ? ('skipped' as const) : (statusOf(own.at(-1)) ?? state.status);
      return [nodeId, { status, executionIds: own.map(({ id }) => id) }];
    }),
  );
  if ('output' in end) return { ...execution, nodes, status: 'success', error: null };
  const failed = Object.entries(nodes).find(([, { status }]) => status === 'failed')?.[0];
  const error = toErrorBody(new PipelineFailed(failed, end.error, end.cause));
  return { ...execution, nodes, status: 'failed', error };
}

function statusOf(run: Execution | undefined) {
  if (run === undefined) return undefined;
  const { status } = run.latestStatus;
  return status === 'success' || status === 'failed' ? status : ('inProgress' as const);
}
