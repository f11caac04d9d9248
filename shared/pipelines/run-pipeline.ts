import type { Machine } from '../asl/machine.ts';
import { type MachineRun, runMachine } from '../asl/run-machine.ts';
import { isoTime } from '../clock.ts';
import type { PipelineExecution } from '../entities/pipeline.ts';
import { type ErrorBody, toErrorBody } from '../errors.ts';
import { derivedId } from '../ids.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Platform } from '../platform.ts';
import { compileGraph } from './compile-graph.ts';
import { PipelineFailed } from './errors.ts';
import { deployedFunctionOfNode } from './node-ports.ts';

/** Invokes a function with a task's payload. @throws what it failed with; the error's name is its code */
export type InvokeFunction = (functionName: string, payload: JsonObject) => Promise<Json>;

export interface RunPipelineOptions {
  invoke: InvokeFunction;
  /** Waits between attempts; a test lets time pass at once. */
  wait: MachineRun['wait'];
  signal?: AbortSignal;
}

type NodeState = PipelineExecution['nodes'][string];

/**
 * Runs a recorded pipeline execution in this process, by the very state machine that would be deployed, and records how
 * far each node is. Run again, it continues: a node's execution has an id that follows from run, node and inputs, so
 * what ended answers what it did before. A run that is stopped stays in progress.
 * @throws EntityNotFound for an execution that is gone
 */
export async function runPipeline(
  platform: Pick<Platform, 'store' | 'clock'>,
  { id, graph, input, pipelineId, projectId, createdAt }: PipelineExecution,
  { invoke, wait, signal }: RunPipelineOptions,
): Promise<PipelineExecution> {
  const machine: Machine = compileGraph(graph, { projectId, pipelineId });
  const names = new Map(graph.nodes.map((node) => [node.id, deployedFunctionOfNode(node)]));
  let failedNode: { nodeId: string; error: ErrorBody } | undefined;
  await update(platform, id, (current) => ({ ...current, status: 'inProgress', error: null }));
  const result = await runMachine({
    machine,
    input,
    execution: { id, name: id, startTime: createdAt },
    now: () => platform.clock.now(),
    wait,
    ...(signal && { signal }),
    runTask: async ({ arguments: given }) => {
      const payload = (given as { Payload: JsonObject }).Payload;
      const nodeId = String((payload.context as JsonObject).nodeId);
      const executionId = derivedId('node', id, nodeId, canonicalJson(payload.inputs));
      await mark(platform, id, nodeId, { status: 'inProgress', executionIds: [executionId] });
      try {
        const answer = await invoke(names.get(nodeId)!, payload);
        await mark(platform, id, nodeId, { status: 'success', executionIds: [executionId] });
        return { Payload: answer, StatusCode: 200 };
      } catch (error) {
        failedNode = { nodeId, error: toErrorBody(error) };
        await mark(platform, id, nodeId, { status: 'failed', executionIds: [executionId] });
        throw Object.assign(new Error(failedNode.error.message), { name: failedNode.error.code });
      }
    },
  });
  // Stopped, not failed: whoever starts next continues it.
  if (signal?.aborted) return update(platform, id, (current) => current);
  if (result.status === 'FAILED') {
    const nodeId = failedNode?.error.code === result.error ? failedNode.nodeId : undefined;
    const error = toErrorBody(new PipelineFailed(nodeId, result.error, result.cause));
    return update(platform, id, (current) => ({ ...current, status: 'failed', error }));
  }
  return update(platform, id, (current) => ({
    ...current,
    status: 'success',
    nodes: withSkipped(current.nodes, result.output),
  }));
}

function mark(
  platform: Pick<Platform, 'store' | 'clock'>,
  id: string,
  nodeId: string,
  state: NodeState,
): Promise<PipelineExecution> {
  return update(platform, id, (current) => {
    const before = current.nodes[nodeId]?.executionIds ?? [];
    const executionIds = [...new Set([...before, ...state.executionIds])];
    return { ...current, nodes: { ...current.nodes, [nodeId]: { ...state, executionIds } } };
  });
}

function withSkipped(nodes: PipelineExecution['nodes'], output: Json): PipelineExecution['nodes'] {
  const ended = isJsonObject(output) ? output : {};
  return Object.fromEntries(
    Object.entries(nodes).map(([nodeId, state]) => {
      const end = Object.hasOwn(ended, nodeId) ? ended[nodeId] : undefined;
      return [
        nodeId,
        isJsonObject(end) && end.status === 'skipped' ? { ...state, status: 'skipped' } : state,
      ];
    }),
  );
}

function update(
  { store, clock }: Pick<Platform, 'store' | 'clock'>,
  id: string,
  change: (current: PipelineExecution) => PipelineExecution,
): Promise<PipelineExecution> {
  return store.update('PipelineExecution', id, (current) => ({
    ...change(current),
    updatedAt: isoTime(clock),
  }));
}
