import type { Connection, PipelineGraph, PipelineNode, Port } from '../entities/pipeline.ts';
import type { InputProblem } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { ConditionUnusable, compileCondition } from './condition.ts';
import { type FunctionPort, fits } from './function-ports.ts';
import { builtInPorts, type PortsOf } from './node-ports.ts';

/** An input that a run has to be given: nothing is connected to it and nothing stands in for it. */
export interface FreeInput {
  nodeId: string;
  portId: string;
  name: string;
  type: string;
}

/**
 * What keeps a pipeline from running, each problem with its node and port; none for a good one. Nothing is read from the
 * store: whether snapshots are there is asked elsewhere, and what services offer is handed in.
 */
export function problemsOf(graph: PipelineGraph, portsOf: PortsOf = builtInPorts): InputProblem[] {
  const problems = [...twins(graph), ...graph.nodes.flatMap((node) => nodeProblems(node, portsOf))];
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  problems.push(...graph.connections.flatMap((each, index) => connectionProblems(nodes, each, index)));
  problems.push(...crowdedPorts(graph), ...startProblems(graph, nodes));
  if (problems.length > 0) return problems;
  const { order, cycle } = sorted(graph);
  if (cycle.length > 0)
    return [{ field: `nodes.${cycle[0]}`, problem: `is part of a cycle: ${cycle.join(', ')}` }];
  return order.flatMap((node) => missingInputs(graph, node, startsOf(graph).includes(node), portsOf));
}

/** Nodes in an order in which every one comes after those it is fed by; `cycle` names what has no such order. */
export function sorted({ nodes, connections }: PipelineGraph): { order: PipelineNode[]; cycle: string[] } {
  const waiting = new Map(nodes.map(({ id }) => [id, sourcesOf(id, connections)]));
  const order: PipelineNode[] = [];
  for (;;) {
    const ready = nodes.filter(({ id }) => waiting.get(id)?.size === 0);
    if (ready.length === 0) return { order, cycle: cyclic(waiting) };
    for (const node of ready) {
      order.push(node);
      waiting.delete(node.id);
      for (const sources of waiting.values()) sources.delete(node.id);
    }
  }
}

/** The inputs that a run is to be given, by the names of their ports. */
export function freeInputs(graph: PipelineGraph): FreeInput[] {
  return startsOf(graph).flatMap((node) =>
    node.inputs
      .filter((port) => isFree(graph, node, port))
      .map(({ portId, name, type }) => ({ nodeId: node.id, portId, name, type })),
  );
}

/** Where a run begins: the start nodes, or all where none is named. */
function startsOf({ nodes, startNodes }: PipelineGraph): readonly PipelineNode[] {
  if (startNodes.length === 0) return nodes;
  return nodes.filter(({ id }) => startNodes.some(({ nodeId }) => nodeId === id));
}

function isFree({ connections }: PipelineGraph, node: PipelineNode, port: Port): boolean {
  if (connections.some(({ tgt }) => tgt.nodeId === node.id && tgt.portId === port.portId)) return false;
  return port.defaultValue === undefined && !isFixed(node, port.name);
}

function isFixed({ config }: PipelineNode, name: string): boolean {
  return (
    config?.inputs?.[name] !== undefined || (name === 'snapshot' && typeof config?.snapshotId === 'string')
  );
}

function twins({ nodes }: PipelineGraph): InputProblem[] {
  const ids = nodes.map(({ id }) => id);
  return [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))].map((id) => ({
    field: `nodes.${id}`,
    problem: 'there are two nodes of this id',
  }));
}

function nodeProblems(node: PipelineNode, portsOf: PortsOf): InputProblem[] {
  const field = `nodes.${node.id}`;
  const ports = portsOf(node);
  if (typeof ports === 'string') return [{ field, problem: ports }];
  const { functionName } = node.namespace;
  const { inputs, outputs } = ports;
  const bound = typeof node.config?.snapshotId === 'string' && !Object.hasOwn(inputs, 'snapshot');
  const fixed = Object.keys(node.config?.inputs ?? {})
    .filter((name) => !Object.hasOwn(inputs, name))
    .map((name) => ({
      field: `${field}.config.inputs.${name}`,
      problem: `is no input of ${functionName}; the nearest is ${nearest(name, Object.keys(inputs))}`,
    }));
  return [
    ...portProblems(field, functionName, 'input', node.inputs, inputs),
    ...portProblems(field, functionName, 'output', node.outputs, outputs),
    ...fixed,
    ...(bound
      ? [{ field: `${field}.config.snapshotId`, problem: `${functionName} has no input snapshot to bind` }]
      : []),
  ];
}

function portProblems(
  node: string,
  functionName: string,
  side: 'input' | 'output',
  ports: readonly Port[],
  known: Readonly<Record<string, FunctionPort>>,
): InputProblem[] {
  return ports.flatMap(({ portId, name, type }, index) => {
    const field = `${node}.${side}s.${portId}`;
    if (ports.findIndex((other) => other.portId === portId) !== index)
      return [{ field, problem: `there are two ${side} ports of this id` }];
    if (ports.findIndex((other) => other.name === name) !== index)
      return [{ field, problem: `there are two ${side} ports named ${name}` }];
    const expected = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!expected)
      return [
        {
          field,
          problem: `${name} is no ${side} of ${functionName}; the nearest is ${nearest(name, Object.keys(known))}`,
        },
      ];
    if (expected.type === type) return [];
    return [{ field, problem: `${name} of ${functionName} is of type ${expected.type}, not ${type}` }];
  });
}

function connectionProblems(
  nodes: ReadonlyMap<string, PipelineNode>,
  { src, tgt, condition }: Connection,
  index: number,
): InputProblem[] {
  const field = `connections.${index}`;
  const problems: InputProblem[] = [];
  const find = (end: 'src' | 'tgt', { nodeId, portId }: Connection['src']): Port | undefined => {
    const node = nodes.get(nodeId);
    const side = end === 'src' ? 'outputs' : 'inputs';
    const port = node?.[side].find((each) => each.portId === portId);
    if (!node)
      problems.push({ field: `${field}.${end}`, problem: `there is no node ${nodeId.slice(0, 128)}` });
    else if (!port)
      problems.push({
        field: `${field}.${end}`,
        problem: `node ${nodeId} has no ${side.slice(0, -1)} port ${portId.slice(0, 128)}; it has: ${node[side].map((each) => each.portId).join(', ') || 'none'}`,
      });
    return port;
  };
  const from = find('src', src);
  const to = find('tgt', tgt);
  if (from && to && !fits(from.type, to.type))
    problems.push({
      field,
      problem: `${src.nodeId}.${from.name} is of type ${from.type}, and ${tgt.nodeId}.${to.name} takes ${to.type}`,
    });
  if (condition) problems.push(...conditionProblems(`${field}.condition`, condition));
  return problems;
}

function conditionProblems(field: string, condition: string): InputProblem[] {
  try {
    compileCondition(condition, '$x');
    return [];
  } catch (error) {
    if (error instanceof ConditionUnusable) return [{ field, problem: error.message }];
    throw error;
  }
}

function crowdedPorts({ connections }: PipelineGraph): InputProblem[] {
  return connections.flatMap(({ tgt }, index) => {
    const first = connections.findIndex(
      (each) => each.tgt.nodeId === tgt.nodeId && each.tgt.portId === tgt.portId,
    );
    if (first === index) return [];
    return [
      {
        field: `connections.${index}.tgt`,
        problem: `port ${tgt.portId} of node ${tgt.nodeId} is fed by connections.${first} already`,
      },
    ];
  });
}

function startProblems(
  { startNodes }: PipelineGraph,
  nodes: ReadonlyMap<string, PipelineNode>,
): InputProblem[] {
  return startNodes
    .filter(({ nodeId }) => !nodes.has(nodeId))
    .map(({ nodeId }) => ({ field: 'startNodes', problem: `there is no node ${nodeId.slice(0, 128)}` }));
}

/** A required input comes by a connection, is fixed, has a default, or is a port that the run is given, of a start node. */
function missingInputs(
  graph: PipelineGraph,
  node: PipelineNode,
  isStart: boolean,
  portsOf: PortsOf,
): InputProblem[] {
  const ports = portsOf(node);
  if (typeof ports === 'string') return [];
  return Object.entries(ports.inputs)
    .filter(([name, { required }]) => {
      if (!required || isFixed(node, name)) return false;
      const port = node.inputs.find((each) => each.name === name);
      return port === undefined || (isFree(graph, node, port) && !isStart);
    })
    .map(([name]) => ({
      field: `nodes.${node.id}`,
      problem: `input ${name} is missing: connect it, fix it in config${name === 'snapshot' ? '.snapshotId' : `.inputs.${name}`}, give its port a default value, or make the node a start node with a port for it`,
    }));
}

function sourcesOf(id: string, connections: readonly Connection[]): Set<string> {
  return new Set(connections.filter(({ tgt }) => tgt.nodeId === id).map(({ src }) => src.nodeId));
}

/** Of what waits for each other, one round; what merely comes after it is left out. */
function cyclic(waiting: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const seen: string[] = [];
  let at = [...waiting.keys()][0];
  while (at !== undefined && !seen.includes(at)) {
    seen.push(at);
    at = [...waiting.get(at)!][0];
  }
  return at === undefined ? [] : seen.slice(seen.indexOf(at)).reverse();
}
