import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import type { DatasetEvent } from '../../../shared/entities/dataset-event.ts';
import type { Log } from '../../../shared/log.ts';
import { drainOutbox } from '../../../shared/relay/drain-outbox.ts';
import { createRelay } from '../../../shared/relay/relay.ts';
import { AwsServices, actionOf } from '../../support/aws-services.ts';
import { TEST_CLOUD } from '../../support/cloud-settings.ts';
import { stubLambdaEnvironment } from '../../support/lambda-environment.ts';
import { FakeScheduler } from '../../support/scheduler.ts';
import { openTestPlatform, type TestPlatform } from '../../support/test-platform.ts';

let platform: TestPlatform;
let aws: AwsServices;
let scheduler: FakeScheduler;
let projectId: string;
let errors: { message: string; [field: string]: unknown }[];
beforeEach(async () => {
  aws = new AwsServices();
  stubLambdaEnvironment(await aws.listen());
  platform = await openTestPlatform({ cloud: { ...TEST_CLOUD, pipelines: undefined } });
  errors = [];
  const log: Log = { ...platform.log, error: (message, fields) => void errors.push({ message, ...fields }) };
  platform = { ...platform, log };
  scheduler = new FakeScheduler(() => platform.clock.now());
  aws.respond = scheduler.respond;
  projectId = (await createProject(platform, LOCAL_ACTOR, { name: 'relayed' })).id;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([platform.close(), aws.close()]);
});

const minute = () => createRelay(async () => platform)({ relay: 'minute' });
const cron = (name: string) =>
  createTrigger(platform, LOCAL_ACTOR, {
    name,
    type: 'Cron',
    projectId,
    spec: { cron: '0 4 * * *', operation: { type: 'function', functionName: 'predict' } },
  });

describe('the schedules of cron triggers', () => {
  it('are made for the other triggers when AWS fails for one, and those of that one stay', async () => {
    const bad = await cron('bad');
    await minute();
    const [kept] = [...scheduler.schedules.keys()];
    await platform.store.update('Trigger', bad.id, (current) =>
      current.type === 'Cron' ? { ...current, spec: { ...current.spec, cron: '0 5 * * *' } } : current,
    );
    await cron('good');
    aws.respond = (request) =>
      request.method === 'POST' && request.body.includes(bad.id)
        ? { status: 500, body: '{"Message":"ill"}' }
        : scheduler.respond(request);

    await expect(minute()).rejects.toMatchObject({ code: 'RelayRefused' });

    expect(scheduler.schedules.size).toBe(2);
    expect(scheduler.schedules.has(kept!)).toBe(true);
    expect(errors).toMatchObject([{ message: 'trigger is not scheduled', trigger: bad.id }]);
  });

  it('are kept in step when the outbox cannot be sent', async () => {
    await cron('good');
    await platform.store.appendEvents([
      { id: 'e1', resource: 'Item', action: 'Created', resourceId: 'i1', datasetId: null, projectId },
    ]);
    const { readEvents } = platform.store;
    platform.store.readEvents = () => Promise.reject(new Error('ill'));

    await expect(minute()).rejects.toThrow('ill');

    platform.store.readEvents = readEvents.bind(platform.store);
    expect(scheduler.schedules.size).toBe(1);
  });
});

it('an event whose subscribers cannot be found goes to the dead letters, and those behind it to the bus', async () => {
  const event = (id: string): DatasetEvent => ({
    id,
    resource: 'Item',
    action: 'Created',
    resourceId: id,
    datasetId: null,
    projectId,
  });
  await platform.store.appendEvents([event('e1'), event('e2'), event('e3')]);

  const done = await drainOutbox({
    store: platform.store,
    log: platform.log,
    call: async (_what, call) => {
      const url = process.env.AWS_ENDPOINT_URL!;
      const response = await fetch(url, { method: 'POST', headers: call.headers, body: String(call.body) });
      return { status: response.status, text: await response.text() };
    },
    before: async (events) => {
      if (events.some(({ id }) => id === 'e1')) throw new TypeError('a field is missing');
    },
    bus: 'bus',
    deadLetters: 'https://queues/letters',
    until: Number.POSITIVE_INFINITY,
    now: () => platform.clock.now(),
    pause: async () => undefined,
  });

  expect(done).toEqual({ sent: 2, givenUp: 1 });
  expect(await platform.store.readEvents(10)).toEqual([]);
  const letters = aws.requests.filter((request) => actionOf(request) === 'AmazonSQS.SendMessage');
  expect(letters).toHaveLength(1);
  expect(letters[0]!.body).toContain('e1');
});
