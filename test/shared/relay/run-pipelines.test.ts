import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { evaluateFunction } from '../../../functions/evaluate/evaluate.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createPipeline, executePipeline, updatePipeline } from '../../../shared/catalog/pipelines.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import type { PipelineExecution, PipelineGraph } from '../../../shared/entities/pipeline.ts';
import { callFromPipeline } from '../../../shared/invoke/callers/pipeline.ts';
import type { FunctionSpec } from '../../../shared/invoke/function-spec.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { createRelay } from '../../../shared/relay/relay.ts';
import { AwsServices, actionOf } from '../../support/aws-services.ts';
import { TEST_CLOUD } from '../../support/cloud-settings.ts';
import { stubLambdaEnvironment } from '../../support/lambda-environment.ts';
import { FakeStepFunctions } from '../../support/step-functions.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';
import { validateMachine } from '../../support/validate-machine.ts';
import { trainAndPredict } from '../pipelines/graphs.ts';

const SPECS = {
  train: trainFunction,
  evaluate: evaluateFunction,
  predict: predictFunction,
} as unknown as Record<string, FunctionSpec>;
const FUNCTION = /^arn:aws:lambda:eu-west-1:123456789012:function:modelfn-test-(\w+)$/;

let space: TinyWorkspace;
let aws: AwsServices;
let steps: FakeStepFunctions;
let pipelineId: string;
beforeEach(async () => {
  aws = new AwsServices();
  stubLambdaEnvironment(await aws.listen());
  space = await openTinyWorkspace({ config: { cloud: { ...TEST_CLOUD, scheduleGroup: undefined } } });
  steps = new FakeStepFunctions(async ({ arguments: given }) => {
    const { FunctionName, Payload } = given as { FunctionName: string; Payload: JsonObject };
    const [, name] = FUNCTION.exec(FunctionName)!;
    return { Payload: await callFromPipeline(space.container, SPECS[name!]!, Payload, undefined) };
  });
  aws.respond = steps.respond;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([space.platform.close(), aws.close()]);
});

const begin = async (drawn: PipelineGraph = trainAndPredict()): Promise<PipelineExecution> => {
  const { platform, project, snapshot, dataset } = space;
  drawn.nodes[2]!.config = { inputs: { items: { dataset: dataset.id, filter: { dir: '/test' } } } };
  const fields = { ...drawn, name: 'p', projectId: project.id };
  pipelineId = (await createPipeline(platform, LOCAL_ACTOR, fields)).id;
  return executePipeline(platform, LOCAL_ACTOR, pipelineId, { input: { snapshot: snapshot.id } });
};
const relay = async (call: 'kick' | 'minute' = 'minute') => {
  aws.requests.length = 0;
  const answer = (await createRelay(async () => space.platform)({ relay: call })) as JsonObject;
  return answer.pipelines;
};
const actions = () =>
  aws.requests.map((request) => actionOf(request).split('.')[1]).filter((action) => action !== 'PutEvents');
const now = async ({ id }: PipelineExecution) => (await space.platform.store.get('PipelineExecution', id))!;
const statuses = ({ nodes }: PipelineExecution) =>
  Object.fromEntries(Object.entries(nodes).map(([id, { status }]) => [id, status]));

it('makes the machine of a pipeline, begins the run under its id, and records its end', async () => {
  const execution = await begin();

  expect(await relay()).toEqual({ begun: 1, ended: 0 });
  expect(actions()).toEqual(['StartExecution', 'CreateStateMachine', 'StartExecution']);
  const [machine] = [...steps.machines.values()];
  expect(machine).toMatchObject({
    name: expect.stringMatching(/^modelfn-test-pipeline-[\w-]+$/),
    roleArn: TEST_CLOUD.pipelineRole,
    type: 'STANDARD',
  });
  expect(validateMachine(JSON.parse(machine!.definition!))).toEqual([]);
  expect(machine!.definition).not.toContain('${');
  expect([...steps.executions.values()]).toMatchObject([
    { name: execution.id, input: { snapshot: space.snapshot.id } },
  ]);
  expect(await now(execution)).toMatchObject({ status: 'inProgress' });
  expect(await relay()).toEqual({ begun: 0, ended: 0 });

  await steps.run();
  expect(await relay()).toEqual({ begun: 0, ended: 1 });

  const ended = await now(execution);
  expect(ended).toMatchObject({ status: 'success', error: null });
  expect(statuses(ended)).toEqual({ train: 'success', evaluate: 'success', predict: 'success' });
  const [predicted] = ended.nodes.predict!.executionIds;
  expect(await space.platform.store.get('Execution', predicted!)).toMatchObject({ functionName: 'predict' });
  expect(await relay()).toEqual({ begun: 0, ended: 0 });
  expect(actions()).toEqual([]);
});

it('begins runs when it is called for something, and asks for those under way once a minute alone', async () => {
  await begin();

  expect(await relay('kick')).toEqual({ begun: 1, ended: 0 });
  await relay('kick');
  expect(actions()).toEqual([]);
  await relay('minute');

  expect(actions()).toEqual(['DescribeExecution']);
});

it('records the end of a run when it is told of it, and asks for no other', async () => {
  const execution = await begin();
  await executePipeline(space.platform, LOCAL_ACTOR, pipelineId, { input: { snapshot: space.snapshot.id } });
  await relay();
  await steps.run();
  aws.requests.length = 0;
  const told = {
    source: 'aws.states',
    'detail-type': 'Step Functions Execution Status Change',
    detail: { name: execution.id, status: 'SUCCEEDED' },
  };

  const answer = await createRelay(async () => space.platform)(told);

  expect(answer).toMatchObject({ pipelines: { begun: 0, ended: 1 } });
  expect(actions()).toEqual(['DescribeExecution']);
  expect(await now(execution)).toMatchObject({ status: 'success' });
});

it('a pipeline that is drawn anew has another machine; a second run of the same has not', async () => {
  await begin();
  await relay();
  await executePipeline(space.platform, LOCAL_ACTOR, pipelineId, { input: { snapshot: space.snapshot.id } });
  await relay();
  expect([steps.machines.size, steps.executions.size]).toEqual([1, 2]);

  const { nodes } = (await space.platform.store.get('Pipeline', pipelineId))!;
  const redrawn = nodes.map((node) =>
    node.id === 'train' ? { ...node, config: { inputs: { seed: 7 } } } : node,
  );
  await updatePipeline(space.platform, LOCAL_ACTOR, pipelineId, { nodes: redrawn });
  await executePipeline(space.platform, LOCAL_ACTOR, pipelineId, { input: { snapshot: space.snapshot.id } });
  await relay();

  expect([steps.machines.size, steps.executions.size]).toEqual([2, 3]);
});

it('tells which nodes were skipped, and which one failed with what', async () => {
  const skipping = await begin(trainAndPredict('{"metrics.accuracy": {"$gt": 1}}'));
  await relay();
  await steps.run();
  await relay();
  expect(statuses(await now(skipping))).toEqual({
    train: 'success',
    evaluate: 'success',
    predict: 'skipped',
  });

  const failing = await executePipeline(space.platform, LOCAL_ACTOR, pipelineId, {
    input: { snapshot: 'no such' },
  });
  await relay();
  await steps.run();
  await relay();

  const failed = await now(failing);
  expect(failed).toMatchObject({
    status: 'failed',
    error: { code: 'PipelineFailed', details: { nodeId: 'train' } },
  });
  expect(statuses(failed)).toMatchObject({ train: 'failed', evaluate: 'created' });
});

it('a run that AWS knows nothing of any more is begun again', async () => {
  const execution = await begin();
  await relay();
  steps.executions.clear();
  steps.machines.clear();

  expect(await relay()).toEqual({ begun: 1, ended: 0 });

  expect([...steps.executions.values()]).toMatchObject([{ name: execution.id }]);
});

it('begins the pipelines of triggers: at a time that the scheduler tells of, and by an event before that is sent', async () => {
  await begin();
  await relay();
  const { platform, project, snapshot } = space;
  const operation = { type: 'pipeline', id: pipelineId };
  const cron = await createTrigger(platform, LOCAL_ACTOR, {
    name: 'hourly',
    type: 'Cron',
    projectId: project.id,
    spec: { cron: '0 * * * *', input: { snapshot: snapshot.id }, operation },
  });
  await createTrigger(platform, LOCAL_ACTOR, {
    name: 'by event',
    projectId: project.id,
    spec: { resource: 'Snapshot', actions: ['Updated'], filter: {}, operation },
  });

  const time = { trigger: cron.id, time: '2026-01-31T13:00:00Z' };
  expect(await createRelay(async () => platform)(time)).toMatchObject({ pipelines: { begun: 1 } });
  await platform.store.appendEvents([
    {
      id: 'e1',
      resource: 'Snapshot',
      action: 'Updated',
      resourceId: snapshot.id,
      datasetId: null,
      projectId: project.id,
    },
  ]);
  expect(await relay()).toEqual({ begun: 1, ended: 0 });

  expect([...steps.executions.values()].slice(1)).toMatchObject([
    { input: { snapshot: snapshot.id } },
    { input: { snapshot: { snapshot_id: snapshot.id } } },
  ]);
});

it('what AWS refuses for good fails the run; what it refuses for now waits', async () => {
  const execution = await begin();
  aws.respond = () => ({ status: 400, body: '{"__type":"ThrottlingException"}' });
  await space.platform.store.removeEvents(
    (await space.platform.store.readEvents(1000)).map(({ sequence }) => sequence),
  );
  await expect(relay()).rejects.toMatchObject({ code: 'RelayRefused' });
  expect(await now(execution)).toMatchObject({ status: 'created' });

  aws.respond = () => ({ status: 400, body: '{"__type":"InvalidExecutionInput"}' });
  expect(await relay()).toEqual({ begun: 1, ended: 0 });

  expect(await now(execution)).toMatchObject({
    status: 'failed',
    error: { message: expect.stringContaining('InvalidExecutionInput') },
  });
});
