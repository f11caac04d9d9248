import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { requestExecution, rerunExecution } from '../../../shared/catalog/execution-requests.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import { scheduledExecutionId } from '../../../shared/cron/execution-id.ts';
import { createHandler } from '../../../shared/invoke/handler.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { AwsServices } from '../../support/aws-services.ts';
import { eventBridgeEvent } from '../../support/events.ts';
import { stubLambdaEnvironment } from '../../support/lambda-environment.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

const MACHINE = 'arn:aws:states:eu-west-1:123456789012:stateMachine:modelfn-test-train';
const EXISTS = { status: 400, body: '{"__type":"ExecutionAlreadyExists"}' };

let space: TinyWorkspace;
let aws: AwsServices;
beforeEach(async () => {
  aws = new AwsServices();
  stubLambdaEnvironment(await aws.listen());
  space = await openTinyWorkspace({ config: { dispatch: MACHINE } });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([space.platform.close(), aws.close()]);
});

const deliver = (event: JsonObject) =>
  createHandler(trainFunction, space.builtIns, async () => space.platform)(event);
const started = () =>
  aws.requests.map(({ body }) => {
    const { stateMachineArn, name, input } = JSON.parse(body) as Record<string, string>;
    expect(stateMachineArn).toBe(MACHINE);
    return { name, input: JSON.parse(input!) as JsonObject };
  });
const operation = { type: 'function', functionName: 'train' };
const snapshot = () => ({ snapshot_id: space.snapshot.id });

it('a dataset event hands the training of its trigger to the state machine, once however often it comes', async () => {
  const trigger = await createTrigger(space.platform, LOCAL_ACTOR, {
    name: 'train',
    projectId: space.project.id,
    spec: {
      resource: 'Dataset',
      actions: ['Updated'],
      filter: {},
      input: { snapshot: snapshot() },
      operation,
    },
  });
  const event = eventBridgeEvent({
    resource: 'Dataset',
    action: 'Updated',
    resourceId: space.dataset.id,
    projectId: space.project.id,
  });
  aws.answers.push({ status: 200, body: '{}' }, EXISTS);

  const first = (await deliver(event)) as { executions: string[] };
  const second = await deliver(event);

  expect(second).toEqual(first);
  const id = first.executions[0]!;
  const call = {
    name: id,
    input: {
      function: 'train',
      executionId: id,
      inputs: { snapshot: snapshot(), dataset: { dataset_id: space.dataset.id } },
      context: {
        projectId: space.project.id,
        triggerId: trigger.id,
        pipelineId: null,
        pipelineExecutionId: null,
        nodeId: null,
      },
    },
  };
  expect(started()).toEqual([call, call]);
  expect(await space.platform.store.get('Execution', id)).toMatchObject({
    caller: 'event',
    triggerId: trigger.id,
    attempts: 0,
    latestStatus: { status: 'created' },
  });

  await deliver(call.input);
  await deliver(event);

  expect(started()).toHaveLength(2);
  expect(await space.platform.store.get('Execution', id)).toMatchObject({
    latestStatus: { status: 'success' },
  });
});

it('a time of a cron trigger goes to the state machine under the id of its run', async () => {
  const time = '2026-01-31T12:05:00Z';
  const trigger = await createTrigger(space.platform, LOCAL_ACTOR, {
    name: 'train',
    type: 'Cron',
    projectId: space.project.id,
    spec: { cron: '*/5 * * * *', input: { snapshot: snapshot() }, operation },
  });
  const id = scheduledExecutionId(trigger.id, time);

  expect(await deliver({ trigger: trigger.id, time })).toEqual({ executions: [id] });

  expect(started()).toMatchObject([
    {
      name: id,
      input: { executionId: id, inputs: { snapshot: snapshot() }, context: { triggerId: trigger.id } },
    },
  ]);
});

it('an execution that was asked for goes there under its id, and each rerun under a name of its own', async () => {
  const { platform } = space;
  const ask = eventBridgeEvent({ resource: 'Execution', resourceId: 'asked', projectId: space.project.id });
  await requestExecution(platform, LOCAL_ACTOR, 'asked', {
    functionName: 'train',
    projectId: space.project.id,
    input: { snapshot: snapshot() },
  });

  expect(await deliver(ask)).toEqual({ executions: ['asked'] });
  await deliver(started()[0]!.input);
  await rerunExecution(platform, LOCAL_ACTOR, 'asked');
  await deliver(ask);

  expect(started()).toMatchObject([
    { name: 'asked' },
    { name: 'asked-rerun-1', input: { executionId: 'asked' } },
  ]);
});

it('ids that are no names of executions of a machine are told apart', async () => {
  for (const id of ['a.b', 'a:b', `${'x'.repeat(80)}1`, `${'x'.repeat(80)}2`]) {
    await requestExecution(space.platform, LOCAL_ACTOR, id, {
      functionName: 'train',
      projectId: space.project.id,
    });
    await deliver(eventBridgeEvent({ resource: 'Execution', resourceId: id, projectId: space.project.id }));
  }

  const names = started().map(({ name }) => name!);
  expect(new Set(names).size).toBe(4);
  for (const name of names) expect(name).toMatch(/^[\w-]{1,80}$/);
});

it('a hand-over that AWS did not take fails, so that the event comes again', async () => {
  await requestExecution(space.platform, LOCAL_ACTOR, 'asked', {
    functionName: 'train',
    projectId: space.project.id,
  });
  aws.answers.push({ status: 400, body: '{"__type":"ThrottlingException"}' });

  const answer = deliver(
    eventBridgeEvent({ resource: 'Execution', resourceId: 'asked', projectId: space.project.id }),
  );

  await expect(answer).rejects.toMatchObject({ code: 'DispatchFailed' });
});
