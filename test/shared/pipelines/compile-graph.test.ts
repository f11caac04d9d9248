import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../shared/json.ts';
import { compileGraph } from '../../../shared/pipelines/compile-graph.ts';
import { validateMachine } from '../../support/validate-machine.ts';
import { failureNamed, runWatched } from '../asl/run.ts';
import { connection, graph, node, trainAndPredict } from './graphs.ts';

const ABOUT = { projectId: 'p1', pipelineId: 'pl1' };
const snapshot = (id: string) => ({ id, name: id, revision: 1 });
const payload = (given: Json) => (given as { Payload: JsonObject }).Payload;
const answer = (value: JsonObject) => ({ Payload: value });

describe('a pipeline as a state machine', () => {
  it.each([
    ['a line with a condition', trainAndPredict()],
    ['one node', graph([node('a', 'load', { config: { snapshotId: 's1' } })])],
    [
      'an id that is long and odd',
      graph([node('n:1.2-'.repeat(20), 'load', { config: { snapshotId: 's1' } })]),
    ],
    ['nothing', graph([])],
  ])('is valid Amazon States Language: %s', (_what, drawn) => {
    expect(validateMachine(compileGraph(drawn, ABOUT))).toEqual([]);
  });

  it('hands outputs on by their ports, a snapshot as a reference, and tells every call whose it is', async () => {
    const calls: Record<string, JsonObject> = {};
    const task = (name: string, value: JsonObject) => (given: Json) => {
      calls[name] = payload(given);
      return answer(value);
    };

    const { result } = await runWatched(
      compileGraph(trainAndPredict(), ABOUT),
      { snapshot: 's0' },
      {
        'train call': task('train', { snapshot: snapshot('s1'), status: 'trained' }),
        'evaluate call': task('evaluate', { snapshot: snapshot('s1'), metrics: { accuracy: 0.97 } }),
        'predict call': task('predict', { snapshot: snapshot('s1'), items: 2, predictions: [{ big: 'x' }] }),
      },
    );

    const context = { ...ABOUT, pipelineExecutionId: 'execution-1' };
    expect(calls).toEqual({
      train: { function: 'train', inputs: { snapshot: 's0' }, context: { ...context, nodeId: 'train' } },
      evaluate: {
        function: 'evaluate',
        inputs: { predict: true, snapshot: { snapshot_id: 's1' } },
        context: { ...context, nodeId: 'evaluate' },
      },
      predict: {
        function: 'predict',
        inputs: { write: true, snapshot: { snapshot_id: 's1' } },
        context: { ...context, nodeId: 'predict' },
      },
    });
    expect(result).toEqual({
      status: 'SUCCEEDED',
      output: {
        train: { status: 'success', output: { ports: { snapshot: { snapshot_id: 's1' } }, fields: {} } },
        evaluate: {
          status: 'success',
          output: { ports: { snapshot: { snapshot_id: 's1' } }, fields: { metrics: { accuracy: 0.97 } } },
        },
        predict: { status: 'success', output: { ports: {}, fields: {} } },
      },
    });
  });

  it('skips a node whose condition does not hold, and all behind it', async () => {
    const drawn = trainAndPredict();
    drawn.nodes.push(node('load', 'load'));
    drawn.connections.push(connection('predict.snapshot -> load.snapshot'));

    const { result } = await runWatched(
      compileGraph(drawn, ABOUT),
      { snapshot: 's0' },
      {
        'train call': () => answer({ snapshot: snapshot('s1') }),
        'evaluate call': () => answer({ snapshot: snapshot('s1'), metrics: { accuracy: 0.5 } }),
      },
    );

    expect(result).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        evaluate: { status: 'success' },
        predict: { status: 'skipped' },
        load: { status: 'skipped' },
      },
    });
  });

  it('calls a training that yields again, with the same payload', async () => {
    const answers = ['yielded', 'yielded', 'trained'];
    const calls: JsonObject[] = [];
    const drawn = graph([node('t', 'train', { config: { snapshotId: 's1' } })]);

    const { result } = await runWatched(
      compileGraph(drawn, ABOUT),
      {},
      {
        't call': (given) => {
          calls.push(payload(given));
          return answer({ snapshot: snapshot('s1'), status: answers.shift()! });
        },
      },
    );

    expect(result).toMatchObject({ status: 'SUCCEEDED', output: { t: { status: 'success' } } });
    expect(calls).toHaveLength(3);
    expect(calls[2]).toEqual(calls[0]);
  });

  it('runs nodes that do not wait for each other side by side, and gives a run over a default value', async () => {
    const started: string[] = [];
    let release = () => {};
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    const inputs = [{ portId: 'p', name: 'snapshot', type: 'Snapshot', defaultValue: 'usual' }];
    const drawn = graph([node('a', 'load', { inputs }), node('b', 'load', { inputs })]);
    const task = (given: Json) => {
      started.push(String((payload(given).inputs as JsonObject).snapshot));
      if (started.length === 2) release();
      return both.then(() => answer({}));
    };

    const tasks = { 'a call': task, 'b call': task };
    expect((await runWatched(compileGraph(drawn, ABOUT), {}, tasks)).result.status).toBe('SUCCEEDED');
    await runWatched(compileGraph(drawn, ABOUT), { snapshot: 'given' }, tasks);

    expect(started).toEqual(['usual', 'usual', 'given', 'given']);
  });

  it.each([[['snapshot']], [[]]])(
    'takes fixed inputs as they are, also a text that looks like an expression (ports: %j)',
    async (ports) => {
      const odd = {
        directory: '{% $states.context %}',
        fromBucket: { a: ['%}', '\'`"\\', null, 1.5], b: {} },
      };
      const inputs = ports.map((name) => ({ portId: name, name, type: 'Snapshot' }));
      const drawn = graph([node('a', 'save', { inputs, config: { snapshotId: 's1', inputs: odd } })]);
      const calls: JsonObject[] = [];

      await runWatched(
        compileGraph(drawn, ABOUT),
        {},
        {
          'a call': (given) => {
            calls.push(payload(given));
            return answer({});
          },
        },
      );

      expect(calls[0]!.inputs).toEqual({ ...odd, snapshot: { snapshot_id: 's1' } });
    },
  );

  it('tries again what may pass, and fails under the code of what will not', async () => {
    const errors = ['StoreUnavailable', 'WeightsMissing'];
    const drawn = graph([node('a', 'load', { config: { snapshotId: 's1' } })]);

    const { result, waits } = await runWatched(
      compileGraph(drawn, ABOUT),
      {},
      {
        'a call': () => {
          throw failureNamed(errors.shift()!, 'gone');
        },
      },
    );

    expect(result).toEqual({ status: 'FAILED', error: 'WeightsMissing', cause: 'gone' });
    expect(waits).toHaveLength(1);
  });
});
