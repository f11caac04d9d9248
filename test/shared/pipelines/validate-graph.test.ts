import { describe, expect, it } from 'vitest';
import type { PipelineGraph } from '../../../shared/entities/pipeline.ts';
import { freeInputs, problemsOf, sorted } from '../../../shared/pipelines/validate-graph.ts';
import { connection, graph, node, trainAndPredict } from './graphs.ts';

const bound = { config: { snapshotId: 's1' } };

describe('a pipeline', () => {
  it('without faults has no problems, and tells what a run is to be given', () => {
    expect(problemsOf(trainAndPredict())).toEqual([]);
    expect(freeInputs(trainAndPredict())).toEqual([
      { nodeId: 'train', portId: 'snapshot', name: 'snapshot', type: 'Snapshot' },
    ]);
    expect(sorted(trainAndPredict()).order.map(({ id }) => id)).toEqual(['train', 'evaluate', 'predict']);
  });

  it('that is empty is no fault while it is drawn', () => {
    expect(problemsOf(graph([]))).toEqual([]);
  });

  it.each<[string, PipelineGraph, string, string]>([
    [
      'two nodes of one id',
      graph([node('a', 'load', bound), node('a', 'load', bound)]),
      'nodes.a',
      'two nodes',
    ],
    ['an unknown function', graph([node('a', 'trian')]), 'nodes.a', 'nearest is train'],
    [
      'a node that no function runs',
      graph([node('a', 'load', { ...bound, type: 'code' })]),
      'nodes.a',
      'of type code',
    ],
    [
      'a port that the function has not',
      graph([node('a', 'load', { ...bound, inputs: [{ portId: 'p', name: 'snapshto', type: 'Snapshot' }] })]),
      'nodes.a.inputs.p',
      'nearest is snapshot',
    ],
    [
      'a port of another type',
      graph([node('a', 'load', { ...bound, inputs: [{ portId: 'p', name: 'snapshot', type: 'Model' }] })]),
      'nodes.a.inputs.p',
      'is of type Snapshot, not Model',
    ],
    [
      'an output that the function has not',
      graph([node('a', 'load', { ...bound, outputs: [{ portId: 'p', name: 'accuracy', type: 'Number' }] })]),
      'nodes.a.outputs.p',
      'is no output of load',
    ],
    [
      'two ports of one id',
      graph([
        node('a', 'load', {
          ...bound,
          inputs: [
            { portId: 'p', name: 'snapshot', type: 'Snapshot' },
            { portId: 'p', name: 'fresh', type: 'Boolean' },
          ],
        }),
      ]),
      'nodes.a.inputs.p',
      'two input ports',
    ],
    [
      'a fixed input that the function has not',
      graph([node('a', 'load', { config: { snapshotId: 's1', inputs: { frehs: true } } })]),
      'nodes.a.config.inputs.frehs',
      'nearest is fresh',
    ],
    [
      'a connection from nowhere',
      graph([node('a', 'load')], [connection('b.snapshot -> a.snapshot')]),
      'connections.0.src',
      'no node b',
    ],
    [
      'a connection to a port that is not there',
      graph([node('a', 'load', bound), node('b', 'load', bound)], [connection('a.snapshot -> b.items')]),
      'connections.0.tgt',
      'it has: snapshot',
    ],
    [
      'types that do not fit',
      graph([node('a', 'load', bound), node('b', 'load', bound)], [connection('a.labels -> b.snapshot')]),
      'connections.0',
      'a.labels is of type Json, and b.snapshot takes Snapshot',
    ],
    ['a condition that is none', trainAndPredict('accuracy > 0.9'), 'connections.1.condition', 'no JSON'],
    [
      'two connections into one port',
      graph(
        [node('a', 'load', bound), node('b', 'load', bound), node('c', 'load')],
        [connection('a.snapshot -> c.snapshot'), connection('b.snapshot -> c.snapshot')],
      ),
      'connections.1.tgt',
      'fed by connections.0 already',
    ],
    ['a start that is no node', graph([node('a', 'load', bound)], [], ['z']), 'startNodes', 'no node z'],
    [
      'a required input that nobody gives, behind the start',
      graph([node('a', 'load', bound), node('b', 'load')], [], ['a']),
      'nodes.b',
      'input snapshot is missing',
    ],
    [
      'a required input without a port',
      graph([node('a', 'load', { inputs: [] })]),
      'nodes.a',
      'input snapshot is missing',
    ],
  ])('with %s is told where and what', (_what, faulty, field, said) => {
    expect(problemsOf(faulty)).toContainEqual({ field, problem: expect.stringContaining(said) });
  });

  it('with a cycle is told which nodes are in it, and not those behind', () => {
    const cycle = graph(
      ['a', 'b', 'c'].map((id) => node(id, 'load')),
      [
        connection('a.snapshot -> b.snapshot'),
        connection('b.snapshot -> a.snapshot'),
        connection('b.snapshot -> c.snapshot'),
      ],
    );

    const [problem, ...more] = problemsOf(cycle);

    expect(more).toEqual([]);
    expect(problem!.problem).toMatch(/cycle: (a, b|b, a)$/);
  });

  it('with a default value needs nothing of the run', () => {
    const inputs = [{ portId: 'p', name: 'snapshot', type: 'Snapshot', defaultValue: 's1' }];

    expect(freeInputs(graph([node('a', 'load', { inputs })]))).toEqual([]);
  });
});
