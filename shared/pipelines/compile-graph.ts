import type { Machine, State } from '../asl/machine.ts';
import type { Connection, PipelineGraph, PipelineNode } from '../entities/pipeline.ts';
import type { Json, JsonObject } from '../json.ts';
import { compileCondition, fieldsOfCondition } from './condition.ts';
import { FUNCTION_PORTS } from './function-ports.ts';
import { deployedFunctionOfNode, isServiceNode } from './node-ports.ts';
import { RETRIERS } from './retriers.ts';
import { sorted } from './validate-graph.ts';

/** What is told to every call: it makes a node's execution the same one when the run is repeated. */
export interface CompiledFor {
  projectId: string;
  pipelineId: string;
}

const RESOURCE = 'arn:aws:states:::lambda:invoke';

/** Longer than any function runs, and what a Lambda invocation is bound to anyway. */
const TIMEOUT_SECONDS = 960;

/** Slices of one training: a training that yields for ever is a fault. */
const MAX_SLICES = 2_000;

/**
 * A pipeline without problems as a state machine of Step Functions: one Parallel state a stage, a branch a node. Nodes of
 * a stage wait for none of their own stage. Input: what the free inputs are given, by name. Each `FunctionName` is a
 * substitution, `${TrainFunctionArn}` for train. The variable `nodes` keeps of every node its status and what others read
 * of its output, no more: a state holds 256 KiB.
 */
export function compileGraph(graph: PipelineGraph, about: CompiledFor): Machine {
  const stages = stagesOf(graph);
  const states: Record<string, State> = {
    Begin: {
      Type: 'Pass',
      Assign: { nodes: {}, given: '{% $states.input %}', run: '{% $states.context.Execution.Name %}' },
      Next: stages.length > 0 ? stageName(0) : 'End',
    },
    End: { Type: 'Succeed', Output: '{% $nodes %}' },
  };
  for (const [index, nodes] of stages.entries())
    states[stageName(index)] = {
      Type: 'Parallel',
      Branches: nodes.map((node) => branchOf(graph, node, about)),
      Assign: { nodes: '{% $merge($append([$nodes], $states.result)) %}' },
      Output: {},
      Next: index + 1 < stages.length ? stageName(index + 1) : 'End',
    };
  return { QueryLanguage: 'JSONata', StartAt: 'Begin', States: states };
}

/** The placeholder that stands for a function's ARN. */
export function substitutionOf(functionName: string): string {
  return `${functionName[0]!.toUpperCase()}${functionName.slice(1)}FunctionArn`;
}

function stageName(index: number): string {
  return `Stage ${index + 1}`;
}

/** The longest way from a beginning to a node says in which stage it runs. */
function stagesOf(graph: PipelineGraph): PipelineNode[][] {
  const depth = new Map<string, number>();
  const stages: PipelineNode[][] = [];
  for (const node of sorted(graph).order) {
    const sources = graph.connections.filter(({ tgt }) => tgt.nodeId === node.id);
    const own = Math.max(-1, ...sources.map(({ src }) => depth.get(src.nodeId)!)) + 1;
    depth.set(node.id, own);
    stages[own] = [...(stages[own] ?? []), node];
  }
  return stages;
}

/** A node runs when all that feed it ran and every condition holds; otherwise it is skipped, and so is what it feeds. */
function branchOf(graph: PipelineGraph, node: PipelineNode, about: CompiledFor): Machine {
  const incoming = graph.connections.filter(({ tgt }) => tgt.nodeId === node.id);
  const names = namesOf(node);
  const states: Record<string, State> = { ...callOf(graph, node, incoming, about) };
  if (incoming.length === 0) return { StartAt: names.call, States: states };
  states[names.asks] = {
    Type: 'Choice',
    Choices: [{ Condition: `{% ${incoming.map(holds).join(' and ')} %}`, Next: names.call }],
    Default: names.skipped,
  };
  states[names.skipped] = { Type: 'Pass', Output: { [node.id]: { status: 'skipped' } }, End: true };
  return { StartAt: names.asks, States: states };
}

/** A training that yields is called again under the same execution id; what else answers is done. */
function callOf(
  graph: PipelineGraph,
  node: PipelineNode,
  incoming: readonly Connection[],
  about: CompiledFor,
): Record<string, State> {
  const names = namesOf(node);
  const { functionName } = node.namespace;
  const done: Json = { [node.id]: { status: 'success', output: keptOf(graph, node) } };
  const call: State = {
    Type: 'Task',
    Resource: RESOURCE,
    Arguments: {
      FunctionName: `\${${substitutionOf(deployedFunctionOfNode(node))}}`,
      Payload: {
        function: functionName,
        ...(isServiceNode(node) && { service: { name: node.namespace.serviceName! } }),
        inputs: inputsOf(node, incoming),
        context: {
          projectId: about.projectId,
          pipelineId: about.pipelineId,
          pipelineExecutionId: '{% $run %}',
          nodeId: node.id,
        },
      },
    },
    TimeoutSeconds: TIMEOUT_SECONDS,
    Retry: RETRIERS,
    Output: done,
    End: true,
  };
  if (isServiceNode(node) || functionName !== 'train') return { [names.call]: call };
  const { End: _end, ...sliced } = call;
  return {
    [names.call]: {
      ...sliced,
      Assign: { slices: '{% $exists($slices) ? $slices + 1 : 1 %}' },
      Output: { yielded: "{% $states.result.Payload.status = 'yielded' %}", done },
      Next: names.yields,
    },
    [names.yields]: {
      Type: 'Choice',
      Choices: [
        {
          Condition: '{% $not($states.input.yielded) %}',
          Output: '{% $states.input.done %}',
          Next: names.done,
        },
        { Condition: `{% $slices >= ${MAX_SLICES} %}`, Next: names.endless },
      ],
      Default: names.call,
    },
    [names.done]: { Type: 'Succeed' },
    [names.endless]: {
      Type: 'Fail',
      Error: 'TooManySlices',
      Cause: `Node ${node.id} yielded ${MAX_SLICES} times and did not end.`,
    },
  };
}

/** Fixed inputs, then what ports are given: by a connection, by the run, or by default. A value that is absent is left out. */
function inputsOf(node: PipelineNode, incoming: readonly Connection[]): Json {
  const { config, inputs } = node;
  const fixed: JsonObject = {
    ...config?.inputs,
    ...(typeof config?.snapshotId === 'string' && { snapshot: { snapshot_id: config.snapshotId } }),
  };
  const parts = inputs.map(({ portId, name, defaultValue }) => {
    const connection = incoming.find(({ tgt }) => tgt.portId === portId);
    const otherwise = defaultValue ?? fixed[name];
    if (connection)
      return `${text(name)}: ${outputOf(connection.src.nodeId)}.${quoted(connection.src.portId)}`;
    const given = `$lookup($given, ${text(name)})`;
    if (otherwise === undefined) return `${text(name)}: ${given}`;
    return `${text(name)}: $exists(${given}) ? ${given} : ${JSON.stringify(otherwise)}`;
  });
  // As an expression too: a fixed text that looks like one stays a text.
  if (parts.length === 0) return `{% ${JSON.stringify(fixed)} %}`;
  return `{% $merge([${JSON.stringify(fixed)}, {${parts.join(', ')}}]) %}`;
}

/** The values of output ports that a connection takes, by port, and the fields that a condition reads. */
function keptOf({ connections }: PipelineGraph, node: PipelineNode): string {
  const outgoing = connections.filter(({ src }) => src.nodeId === node.id);
  const ports = [...new Set(outgoing.map(({ src }) => src.portId))].map((portId) => {
    const { name } = node.outputs.find((port) => port.portId === portId)!;
    // A service answers references itself.
    const isReference =
      !isServiceNode(node) && FUNCTION_PORTS[node.namespace.functionName]!.outputs[name]!.type === 'Snapshot';
    const value = name === 'output' ? RESULT : `${RESULT}.${quoted(name)}`;
    return `${text(portId)}: ${isReference ? `{'snapshot_id': ${value}.id}` : value}`;
  });
  const read = new Set(outgoing.flatMap(({ condition }) => (condition ? fieldsOfCondition(condition) : [])));
  const fields = [...read].map((name) => `${text(name)}: ${RESULT}.${quoted(name)}`);
  return `{% {'ports': {${ports.join(', ')}}, 'fields': {${fields.join(', ')}}} %}`;
}

const RESULT = '$states.result.Payload';

function outputOf(nodeId: string): string {
  return `$lookup($nodes, ${text(nodeId)}).output.ports`;
}

function holds({ src, condition }: Connection): string {
  const node = `$lookup($nodes, ${text(src.nodeId)})`;
  const ran = `${node}.status = 'success'`;
  return condition ? `(${ran} and ${compileCondition(condition, `${node}.output.fields`)})` : `(${ran})`;
}

/** Names of states are 80 characters at most and one of a kind in the whole machine; ids of nodes are longer. */
function namesOf({
  id,
}: PipelineNode): Record<'call' | 'asks' | 'skipped' | 'yields' | 'done' | 'endless', string> {
  const short = id.length <= 60 ? id : `${id.slice(0, 40)}~${hash(id)}`;
  const name = (suffix: string) => `${short} ${suffix}`;
  return {
    call: name('call'),
    asks: name('is fed'),
    skipped: name('skipped'),
    yields: name('yielded'),
    done: name('done'),
    endless: name('endless'),
  };
}

/** FNV-1a, enough to tell long ids apart. */
function hash(value: string): string {
  let sum = 0x811c9dc5;
  for (const character of value) sum = Math.imul(sum ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return sum.toString(16);
}

function text(value: string): string {
  return JSON.stringify(value);
}

function quoted(name: string): string {
  return `\`${name}\``;
}
