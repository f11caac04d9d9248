import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../shared/asl/machine.ts';
import type { Json, JsonObject } from '../shared/json.ts';
import { compileGraph } from '../shared/pipelines/compile-graph.ts';
import { RETRIERS } from '../shared/pipelines/retriers.ts';
import { failureNamed, runWatched } from './shared/asl/run.ts';
import { graph, node } from './shared/pipelines/graphs.ts';
import { findRetryableCodes } from './support/retryable-codes.ts';
import { validateMachine } from './support/validate-machine.ts';

const read = async (name: string) =>
  JSON.parse(
    await readFile(join(import.meta.dirname, '..', 'statemachines', `${name}.asl.json`), 'utf8'),
  ) as Machine;
const payload = (given: Json) => (given as { Payload: JsonObject }).Payload;

it.each(['train', 'predict-dataset'])('%s is valid Amazon States Language', async (name) => {
  expect(validateMachine(await read(name))).toEqual([]);
});

it('the validator finds a fault', async () => {
  const machine = await read('train');

  expect(validateMachine({ ...machine, StartAt: 'Nowhere' })).not.toEqual([]);
});

/**
 * Retryable errors that no task of a state machine ends with. `FunctionFailed` is what the local server makes of another
 * error, under its code.
 */
const NOT_OF_TASKS = [
  'DispatchFailed',
  'FunctionFailed',
  'RelayRefused',
  'RunYielded',
  'ShuttingDown',
  'UploadInterrupted',
];

const PLATFORM_NAME = /^(Lambda|Sandbox|Runtime|States)\./;

it('the list of retried errors has every retryable error class of the sources, and no other code', async () => {
  const codes = (await findRetryableCodes()).filter((code) => !NOT_OF_TASKS.includes(code));
  const listed = RETRIERS.flatMap(({ ErrorEquals }) => ErrorEquals);

  expect(codes).toEqual(expect.arrayContaining(['PythonDied', 'RevisionMoved', 'StoreUnavailable']));
  expect(listed.filter((name) => !PLATFORM_NAME.test(name)).sort()).toEqual(codes.sort());
});

it('every call of a function in a state machine or pipeline has the same retriers', async () => {
  const drawn = graph([node('a', 'load', { config: { snapshotId: 's1' } })]);
  const pipeline = compileGraph(drawn, { projectId: 'p1', pipelineId: 'pl1' });

  for (const machine of [await read('train'), await read('predict-dataset'), pipeline])
    for (const [name, retriers] of findRetriers(machine))
      if (name !== 'Count') expect(retriers, name).toEqual(RETRIERS);
});

/** Name and `Retry` of each task of a machine. */
function findRetriers(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const state = inner as { Type?: string; Retry?: unknown } | null;
    if (state?.Type === 'Task') return [[name, state.Retry]];
    return findRetriers(inner);
  });
}

describe('train', () => {
  it('invokes train until it no longer yields, with one execution id for all slices', async () => {
    const answers: Json[] = [
      { status: 'yielded' },
      { status: 'yielded' },
      { status: 'trained', snapshot: 's1' },
    ];
    const calls: JsonObject[] = [];

    const { result } = await runWatched(
      await read('train'),
      { inputs: { snapshot: 's1' } },
      {
        Train: (given) => {
          calls.push(payload(given));
          return { Payload: answers.shift()! };
        },
      },
    );

    expect(result).toEqual({ status: 'SUCCEEDED', output: { status: 'trained', snapshot: 's1' } });
    expect(calls).toEqual(
      Array(3).fill({
        function: 'train',
        inputs: { snapshot: 's1' },
        context: { pipelineExecutionId: 'execution-1', nodeId: 'train' },
      }),
    );
  });

  it('keeps the id and the context of a call that was answered with 202', async () => {
    const calls: JsonObject[] = [];
    const context = {
      projectId: 'p1',
      triggerId: null,
      pipelineId: null,
      pipelineExecutionId: null,
      nodeId: null,
    };

    await runWatched(
      await read('train'),
      { function: 'train', executionId: 'e1', inputs: {}, context },
      {
        Train: (given) => {
          calls.push(payload(given));
          return { Payload: { status: 'trained' } };
        },
      },
    );

    expect(calls).toMatchObject([{ executionId: 'e1', context: { projectId: 'p1' } }]);
  });

  it.each([
    'ExecutionInProgress',
    'LeaseLost',
    'StoreUnavailable',
    'Sandbox.Timedout',
    'Lambda.TooManyRequestsException',
    'States.Timeout',
  ])('tries again after %s', async (name) => {
    let calls = 0;

    const { result, waits } = await runWatched(
      await read('train'),
      { inputs: {} },
      {
        Train: () => {
          calls += 1;
          if (calls === 1) throw failureNamed(name);
          return { Payload: { status: 'trained' } };
        },
      },
    );

    expect(result.status).toBe('SUCCEEDED');
    expect(waits).toHaveLength(1);
  });

  it('fails at once and under the same name by what no repetition mends', async () => {
    const { result, waits } = await runWatched(
      await read('train'),
      { inputs: {} },
      {
        Train: () => {
          throw failureNamed('PartitionEmpty', 'nothing to train on');
        },
      },
    );

    expect(result).toEqual({ status: 'FAILED', error: 'PartitionEmpty', cause: 'nothing to train on' });
    expect(waits).toEqual([]);
  });

  it('gives a training up that yields for ever', async () => {
    const { result } = await runWatched(
      await read('train'),
      { inputs: {} },
      { Train: () => ({ Payload: { status: 'yielded' } }) },
    );

    expect(result).toMatchObject({ status: 'FAILED', error: 'TooManySlices' });
  });
});

describe('predict-dataset', () => {
  const counted = (totalItemsCount: number) => ({
    Payload: { statusCode: 200, body: JSON.stringify({ totalItemsCount, items: [] }) },
  });
  const input = { inputs: { snapshot: 's1', items: { dataset: 'd/1', filter: { name: 'x' } } } };

  it('asks for the count, and has every page predicted once, ten pages a batch', async () => {
    const asked: JsonObject[] = [];
    const pages: number[] = [];

    const { result } = await runWatched(await read('predict-dataset'), input, {
      Count: (given) => {
        asked.push(payload(given));
        return counted(1_234);
      },
      Predict: (given) => {
        const { inputs, context } = payload(given) as { inputs: JsonObject; context: JsonObject };
        const { page, ...items } = inputs.items as { page: number };
        pages.push(page);
        expect({ ...inputs, items }).toEqual({
          snapshot: 's1',
          items: { dataset: 'd/1', filter: { name: 'x' }, pageSize: 50 },
        });
        expect(context).toEqual({ pipelineExecutionId: 'execution-1', nodeId: 'predict' });
        return { Payload: { items: page === 24 ? 34 : 50, annotations: 50, failed: page === 3 ? [{}] : [] } };
      },
    });

    expect(asked[0]).toMatchObject({
      rawPath: '/api/v1/datasets/d%2F1/query',
      rawQueryString: '',
      requestContext: { http: { method: 'POST' } },
    });
    expect(JSON.parse(String(asked[0]!.body))).toEqual({
      resource: 'items',
      filter: { $and: [{ type: 'file' }, { hidden: false }, { name: 'x' }] },
      page: 0,
      pageSize: 1,
    });
    expect(pages.sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_none, page) => page));
    expect(result).toMatchObject({
      output: { items: 1_234, annotations: 1_250, failed: 1 },
    });
  });

  it('predicts a single page, and nothing of an empty dataset', async () => {
    const machine = await read('predict-dataset');
    const Predict = () => ({ Payload: { items: 7, annotations: 7, failed: [] } });

    expect((await runWatched(machine, input, { Count: () => counted(7), Predict })).result).toMatchObject({
      output: { items: 7, annotations: 7, failed: 0 },
    });
    expect((await runWatched(machine, input, { Count: () => counted(0) })).result).toMatchObject({
      output: { items: 0 },
    });
  });

  it('fails when one batch of twenty fails in every attempt, instead of leaving its items out', async () => {
    const { result, waits } = await runWatched(await read('predict-dataset'), input, {
      Count: () => counted(10_000),
      Predict: (given) => {
        const { page } = (payload(given).inputs as { items: { page: number } }).items;
        if (page === 15) throw failureNamed('StoreUnavailable');
        return { Payload: { items: 50, annotations: 50, failed: [] } };
      },
    });

    expect(waits.length).toBe(5);
    expect(result).toMatchObject({ status: 'FAILED', error: 'States.ExceedToleratedFailureThreshold' });
  });

  it('fails under the code of the API when the dataset is not there', async () => {
    const body = JSON.stringify({ statusCode: 404, code: 'EntityNotFound', message: 'No Dataset' });

    const { result } = await runWatched(await read('predict-dataset'), input, {
      Count: () => ({ Payload: { statusCode: 404, body } }),
    });

    expect(result).toMatchObject({ status: 'FAILED', error: 'EntityNotFound' });
  });
});
