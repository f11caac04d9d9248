import type { Execution } from '../../entities/execution.ts';
import type { Pipeline, PipelineExecution } from '../../entities/pipeline.ts';
import { executionToWire } from '../../invoke/execution-wire.ts';
import type { JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/** The keys of docs/PIPELINES.md. */
export function pipelineToWire({ revision, ...pipeline }: Pipeline, baseUrl: string): JsonObject {
  return {
    ...pipeline,
    orgId: null,
    compositionId: pipeline.id,
    revisions: [String(revision)],
    info: {},
    url: linkTo(baseUrl, 'pipelines', pipeline.id),
  } as JsonObject;
}

/** A run with the executions of each of its nodes, the ones that are on record. */
export function pipelineExecutionToWire(
  { graph, nodes, runner: _runner, ...execution }: PipelineExecution,
  executions: ReadonlyMap<string, Execution>,
  baseUrl: string,
): JsonObject {
  const ofNode = (nodeId: string): JsonObject[] =>
    (nodes[nodeId]?.executionIds ?? []).flatMap((id) => {
      const found = executions.get(id);
      return found ? [executionToWire(found, baseUrl)] : [];
    });
  return {
    ...execution,
    pipelineExecutionId: execution.id,
    nodes: graph.nodes.map((node) => ({ ...node, status: nodes[node.id]?.status ?? 'created' })),
    executions: Object.fromEntries(graph.nodes.map(({ id }) => [id, ofNode(id)])),
    url: linkTo(baseUrl, 'pipelines', execution.pipelineId, 'executions', execution.id),
  } as JsonObject;
}
