import { loadFunction } from '../functions/load/load.ts';
import { LOCAL_ACTOR } from '../shared/auth/actor.ts';
import { createPipeline, executePipeline } from '../shared/catalog/pipelines.ts';
import type { PipelineGraph } from '../shared/entities/pipeline.ts';
import { callFromPipeline } from '../shared/invoke/callers/pipeline.ts';
import type { JsonObject } from '../shared/json.ts';
import { runPipeline } from '../shared/pipelines/run-pipeline.ts';
import { markdownTable, shown, spreadOf } from './statistics.ts';
import type { Workspace } from './workspace.ts';

const NODES = 10;
const ROUNDS = 40;
const WARM_UP = 20;

/** What does a node of a pipeline cost beside what its function does? The interpreter of one machine; Step Functions bill by the transition and are not here. */
export async function pipelineNode({ platform, container, snapshotId }: Workspace): Promise<string> {
  const { projectId } = (await platform.store.get('Snapshot', snapshotId))!;
  const load = (payload: JsonObject) => callFromPipeline(container, loadFunction, payload, undefined);
  const { id } = await createPipeline(platform, LOCAL_ACTOR, { ...chain(), name: 'bench', projectId });
  const sides: Record<string, { run: () => Promise<void>; times: number[] }> = {
    'function, called directly': {
      run: async () => {
        for (let call = 0; call < NODES; call += 1)
          await load({ inputs: { snapshot: snapshotId }, executionId: platform.ids.objectId() });
      },
      times: [],
    },
    'function, as a node': {
      run: async () => {
        const input = { snapshot: snapshotId };
        const begun = await executePipeline(platform, LOCAL_ACTOR, id, { input });
        const invoke = (_name: string, payload: JsonObject) => load(payload);
        const { status } = await runPipeline(platform, begun, { invoke, wait: async () => undefined });
        if (status !== 'success') throw new Error(`the pipeline ended with ${status}`);
      },
      times: [],
    },
  };
  for (let round = -WARM_UP; round < ROUNDS; round += 1)
    for (const side of Object.values(sides)) {
      const started = performance.now();
      await side.run();
      if (round >= 0) side.times.push((performance.now() - started) / NODES);
    }
  const base = spreadOf(sides['function, called directly']!.times).median;
  return [
    '## A node of a pipeline',
    `Milliseconds for one warm \`load\`, recorded as an execution: called directly, and as one of ${NODES} nodes after each other in a pipeline that is begun, interpreted and recorded on this machine. Median of ${ROUNDS} interleaved rounds and middle half.`,
    markdownTable(
      ['', 'ms', 'over the direct call, ms'],
      Object.entries(sides).map(([name, { times }]) => [
        name,
        shown(spreadOf(times), 2),
        (spreadOf(times).median - base).toFixed(2),
      ]),
    ),
  ].join('\n\n');
}

/** `load` after `load`, each given the snapshot that the one before it answered. */
function chain(): PipelineGraph {
  const ids = Array.from({ length: NODES }, (_, index) => `load${index}`);
  const port = { portId: 'snapshot', name: 'snapshot', type: 'Snapshot' };
  return {
    nodes: ids.map((id) => ({
      id,
      name: id,
      type: 'function',
      namespace: { functionName: 'load' },
      inputs: [port],
      outputs: [port],
      metadata: {},
    })),
    connections: ids.slice(1).map((id, index) => ({
      src: { nodeId: ids[index]!, portId: port.portId },
      tgt: { nodeId: id, portId: port.portId },
    })),
    startNodes: [{ nodeId: ids[0]!, type: 'root' }],
  };
}
