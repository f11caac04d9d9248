import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evaluateFunction } from '../../../functions/evaluate/evaluate.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createPipeline, executePipeline } from '../../../shared/catalog/pipelines.ts';
import type { PipelineExecution, PipelineGraph } from '../../../shared/entities/pipeline.ts';
import { callFromPipeline } from '../../../shared/invoke/callers/pipeline.ts';
import type { FunctionSpec } from '../../../shared/invoke/function-spec.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { type InvokeFunction, runPipeline } from '../../../shared/pipelines/run-pipeline.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';
import { trainAndPredict } from './graphs.ts';

const SPECS = {
  train: trainFunction,
  evaluate: evaluateFunction,
  predict: predictFunction,
} as unknown as Record<string, FunctionSpec>;

describe('a pipeline run with the real functions', () => {
  let space: TinyWorkspace;
  let calls: string[];
  let trainings: number;

  beforeEach(async () => {
    trainings = 0;
    space = await openTinyWorkspace({
      probe: {
        onTrain: () => {
          trainings += 1;
        },
      },
    });
    calls = [];
  });
  afterEach(() => space.platform.close());

  const invoke: InvokeFunction = (name, payload) => {
    calls.push(name);
    return callFromPipeline(space.container, SPECS[name]!, payload, undefined);
  };
  const begin = async (graph: PipelineGraph): Promise<PipelineExecution> => {
    const { platform, project, snapshot, dataset } = space;
    graph.nodes[2]!.config = { inputs: { items: { dataset: dataset.id, filter: { dir: '/test' } } } };
    const drawn = { ...graph, name: 'p', projectId: project.id };
    const { id } = await createPipeline(platform, LOCAL_ACTOR, drawn);
    return executePipeline(platform, LOCAL_ACTOR, id, { input: { snapshot: snapshot.id } });
  };
  const run = (execution: PipelineExecution, more: Partial<Parameters<typeof runPipeline>[2]> = {}) =>
    runPipeline(space.platform, execution, { invoke, wait: () => Promise.resolve(), ...more });
  const statuses = ({ nodes }: PipelineExecution) =>
    Object.fromEntries(Object.entries(nodes).map(([id, { status }]) => [id, status]));

  it('trains, evaluates and predicts, and records each node with its execution', async () => {
    const ended = await run(await begin(trainAndPredict()));

    expect(ended).toMatchObject({ status: 'success', error: null });
    expect(statuses(ended)).toEqual({ train: 'success', evaluate: 'success', predict: 'success' });
    const [executionId] = ended.nodes.predict!.executionIds;
    expect(await space.platform.store.get('Execution', executionId!)).toMatchObject({
      functionName: 'predict',
      caller: 'pipeline',
      latestStatus: { status: 'success' },
      pipeline: { id: ended.pipelineId, executionId: ended.id, nodeId: 'predict' },
      output: { items: 4 },
    });
  });

  it('leaves out what the evaluation is not good enough for', async () => {
    const ended = await run(await begin(trainAndPredict('{"metrics.accuracy": {"$gt": 1}}')));

    expect(ended.status).toBe('success');
    expect(statuses(ended)).toEqual({ train: 'success', evaluate: 'success', predict: 'skipped' });
  });

  it('continues when it is run again: what ended answers what it did, and is not done twice', async () => {
    const execution = await begin(trainAndPredict());
    let isFirst = true;
    const breaking: InvokeFunction = (name, payload) => {
      if (name !== 'evaluate' || !isFirst) return invoke(name, payload);
      isFirst = false;
      return Promise.reject(Object.assign(new Error('the machine went away'), { name: 'Lost' }));
    };

    const first = await run(execution, { invoke: breaking });
    const second = await run(execution);

    expect(first).toMatchObject({ status: 'failed', error: { code: 'PipelineFailed' } });
    expect(statuses(first)).toMatchObject({ train: 'success', evaluate: 'failed', predict: 'created' });
    expect(second.status).toBe('success');
    expect(trainings).toBe(1);
    expect(second.nodes.train!.executionIds).toEqual(first.nodes.train!.executionIds);
  });

  it('fails with node and code of what failed', async () => {
    const execution = await begin(trainAndPredict());
    const input: JsonObject = { snapshot: 'nobody' };

    const ended = await run({ ...execution, input });

    expect(ended).toMatchObject({
      status: 'failed',
      error: {
        details: { nodeId: 'train', error: 'EntityNotFound' },
        message: expect.stringContaining('Node train'),
      },
    });
    expect(calls).toEqual(['train']);
  });

  it('that is stopped stays in progress, so that the next start continues it', async () => {
    const stop = new AbortController();
    const stopping: InvokeFunction = async (name, payload) => {
      const answer = await invoke(name, payload);
      stop.abort();
      return answer;
    };

    const stopped = await run(await begin(trainAndPredict()), { invoke: stopping, signal: stop.signal });

    expect(stopped.status).toBe('inProgress');
    expect(statuses(stopped)).toMatchObject({ train: 'success', evaluate: 'created' });
  });
});
