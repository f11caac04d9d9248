import type { Connection, PipelineGraph, PipelineNode } from '../../../shared/entities/pipeline.ts';
import { FUNCTION_PORTS } from '../../../shared/pipelines/function-ports.ts';

/** A node of a function with all its ports, each with its name as id. */
export function node(id: string, functionName: string, more: Partial<PipelineNode> = {}): PipelineNode {
  const { inputs, outputs } = FUNCTION_PORTS[functionName] ?? { inputs: {}, outputs: {} };
  const ports = (of: Readonly<Record<string, { type: string }>>, names: readonly string[]) =>
    names.map((name) => ({ portId: name, name, type: of[name]!.type }));
  return {
    id,
    name: id,
    type: 'function',
    namespace: { functionName },
    inputs: ports(inputs, 'snapshot' in inputs ? ['snapshot'] : []),
    outputs: ports(outputs, Object.keys(outputs)),
    metadata: { position: { x: 0, y: 0 } },
    ...more,
  };
}

/** `a.snapshot -> b.snapshot`, with a condition where one is given. */
export function connection(text: string, condition?: string): Connection {
  const [src, tgt] = text.split(' -> ').map((end) => {
    const [nodeId, portId] = end.split('.');
    return { nodeId: nodeId!, portId: portId! };
  });
  return { src: src!, tgt: tgt!, ...(condition !== undefined && { condition }) };
}

export function graph(
  nodes: PipelineNode[],
  connections: Connection[] = [],
  starts: string[] = [],
): PipelineGraph {
  return { nodes, connections, startNodes: starts.map((nodeId) => ({ nodeId, type: 'root' })) };
}

/** Trains, evaluates, and predicts only when it is good enough. */
export function trainAndPredict(condition = '{"metrics.accuracy": {"$gte": 0.9}}'): PipelineGraph {
  return graph(
    [
      node('train', 'train'),
      node('evaluate', 'evaluate', { config: { inputs: { predict: true } } }),
      node('predict', 'predict', { config: { inputs: { write: true } } }),
    ],
    [
      connection('train.snapshot -> evaluate.snapshot'),
      connection('evaluate.snapshot -> predict.snapshot', condition),
    ],
    ['train'],
  );
}
