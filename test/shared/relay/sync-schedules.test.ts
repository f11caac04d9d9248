import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { createTrigger, deleteTrigger, updateTrigger } from '../../../shared/catalog/triggers.ts';
import type { Log } from '../../../shared/log.ts';
import { createRelay } from '../../../shared/relay/relay.ts';
import { AwsServices } from '../../support/aws-services.ts';
import { TEST_CLOUD } from '../../support/cloud-settings.ts';
import { stubLambdaEnvironment } from '../../support/lambda-environment.ts';
import { FakeScheduler } from '../../support/scheduler.ts';
import { openTestPlatform, type TestPlatform } from '../../support/test-platform.ts';

let platform: TestPlatform;
let aws: AwsServices;
let scheduler: FakeScheduler;
let projectId: string;
let errors: unknown[];
beforeEach(async () => {
  aws = new AwsServices();
  stubLambdaEnvironment(await aws.listen());
  platform = await openTestPlatform({ cloud: { ...TEST_CLOUD, pipelines: undefined } });
  errors = [];
  const log: Log = { ...platform.log, error: (message, fields) => void errors.push({ message, ...fields }) };
  platform = { ...platform, log };
  scheduler = new FakeScheduler(() => platform.clock.now());
  aws.respond = scheduler.respond;
  projectId = (await createProject(platform, LOCAL_ACTOR, { name: 'scheduled' })).id;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([platform.close(), aws.close()]);
});

const minute = () => createRelay(async () => platform)({ relay: 'minute' });
const trigger = (cron: string, spec: object = {}, functionName = 'predict') =>
  createTrigger(platform, LOCAL_ACTOR, {
    name: 'scheduled',
    type: 'Cron',
    projectId,
    spec: { cron, ...spec, operation: { type: 'function', functionName } },
  });
const all = () => [...scheduler.schedules.values()];
const expressions = () => all().map(({ ScheduleExpression }) => ScheduleExpression);

it('makes the schedules of active cron triggers, once however often it looks', async () => {
  const { id } = await trigger('*/5 * * * *', {}, 'train');
  await trigger('0 0 13 * 5');
  await trigger('0 4 * * *');

  expect(await minute()).toMatchObject({ schedules: { created: 4, deleted: 0 } });
  expect(await minute()).toMatchObject({ schedules: { created: 0, deleted: 0 } });

  expect(all()[0]).toEqual({
    GroupName: 'modelfn-test',
    ScheduleExpression: 'cron(0/5 * * * ? *)',
    ScheduleExpressionTimezone: 'UTC',
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: {
      Arn: 'arn:aws:lambda:eu-west-1:123456789012:function:modelfn-test-train',
      RoleArn: 'arn:aws:iam::123456789012:role/schedules',
      Input: `{"trigger":"${id}","time":"<aws.scheduler.scheduled-time>"}`,
      DeadLetterConfig: { Arn: 'arn:aws:sqs:eu-west-1:123456789012:letters' },
      RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 5 },
    },
  });
  expect(expressions()).toContain('cron(0 0 ? * 6 *)');
  for (const name of scheduler.schedules.keys()) expect(name).toMatch(/^[\w-]{1,64}$/);
});

it('a call by a kick leaves schedules alone', async () => {
  await trigger('*/5 * * * *');

  expect(await createRelay(async () => platform)({ relay: 'kick' })).toEqual({ sent: 0, givenUp: 0 });

  expect(all()).toEqual([]);
});

it('a trigger that changed has its new schedule before the old one is gone', async () => {
  const { id } = await trigger('*/5 * * * *');
  await minute();
  await updateTrigger(platform, LOCAL_ACTOR, id, {
    spec: { cron: '0 * * * *', operation: { type: 'function', functionName: 'predict' } },
  });
  aws.requests.length = 0;

  expect(await minute()).toMatchObject({ schedules: { created: 1, deleted: 1 } });

  expect(aws.requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'DELETE']);
  expect(expressions()).toEqual(['cron(0 * * * ? *)']);
});

it('one that is switched off, deleted or over has none', async () => {
  const [off, gone] = [await trigger('1 * * * *'), await trigger('2 * * * *')];
  await trigger('3 * * * *', { endAt: '2026-01-31T13:10:00.000Z' });
  await minute();
  expect(all()).toHaveLength(3);

  await updateTrigger(platform, LOCAL_ACTOR, off.id, { active: false });
  await deleteTrigger(platform, LOCAL_ACTOR, gone.id);
  platform.clock.advance(2 * 3_600_000);

  expect(await minute()).toMatchObject({ schedules: { created: 0, deleted: 3 } });
});

it('begins and ends a schedule as its trigger, and never where AWS would refuse the date', async () => {
  const bounds = { startAt: '2026-02-01T00:00:00.000Z', endAt: '2026-03-01T00:00:00.000Z' };
  await trigger('1 * * * *', bounds);
  await trigger('2 * * * *', { startAt: '2026-01-01T00:00:00.000Z' });
  await minute();

  const [bounded, begun] = all();
  expect(bounded).toMatchObject({
    StartDate: Date.parse(bounds.startAt) / 1000,
    EndDate: Date.parse(bounds.endAt) / 1000 + 60,
  });
  expect(begun).not.toHaveProperty('StartDate');
});

it('what cannot be translated is told once in the log, and stays on the trigger until it is mended', async () => {
  const { id } = await trigger('0 0 15W * *');
  await trigger('0 4 * * *');

  await minute();
  await minute();

  expect(expressions()).toEqual(['cron(0 4 * * ? *)']);
  expect(errors).toEqual([
    { message: 'trigger is not scheduled', trigger: id, reason: expect.stringContaining('15W') },
  ]);
  expect(await platform.store.get('Trigger', id)).toMatchObject({ problem: expect.stringContaining('15W') });

  await updateTrigger(platform, LOCAL_ACTOR, id, {
    spec: { cron: '0 0 15 * *', operation: { type: 'function', functionName: 'predict' } },
  });
  await minute();

  expect(await platform.store.get('Trigger', id)).toMatchObject({ problem: null });
  expect(all()).toHaveLength(2);
});

it('a schedule that AWS calls invalid is told on its trigger; the others are made', async () => {
  const { id } = await trigger('0 3 * * *');
  await trigger('0 4 * * *');
  aws.answers.push(
    { status: 200, body: '{"Schedules":[]}' },
    { status: 400, body: '{"__type":"ValidationException","Message":"no"}' },
  );

  expect(await minute()).toMatchObject({ schedules: { created: 1 } });

  expect(await platform.store.get('Trigger', id)).toMatchObject({
    problem: expect.stringContaining('ValidationException'),
  });
});

it('takes nothing away while AWS does not take what stands in its place', async () => {
  const { id } = await trigger('*/5 * * * *');
  await minute();
  await updateTrigger(platform, LOCAL_ACTOR, id, {
    spec: { cron: '0 * * * *', operation: { type: 'function', functionName: 'predict' } },
  });
  const { respond } = aws;
  aws.respond = (request) => (request.method === 'POST' ? { status: 500, body: '{}' } : respond(request));

  await expect(minute()).rejects.toMatchObject({ code: 'RelayRefused' });

  expect(expressions()).toEqual(['cron(0/5 * * * ? *)']);
});
