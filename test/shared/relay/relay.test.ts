import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import type { DatasetEvent } from '../../../shared/entities/dataset-event.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { createRelay } from '../../../shared/relay/relay.ts';
import { AwsServices, actionOf, takesEvents } from '../../support/aws-services.ts';
import { TEST_CLOUD } from '../../support/cloud-settings.ts';
import { stubLambdaEnvironment } from '../../support/lambda-environment.ts';
import { openTestPlatform, type TestPlatform } from '../../support/test-platform.ts';

let platform: TestPlatform;
let aws: AwsServices;
let projectId: string;
let pauses: number[];
beforeEach(async () => {
  pauses = [];
  aws = new AwsServices();
  stubLambdaEnvironment(await aws.listen());
  platform = await openTestPlatform({ cloud: { ...TEST_CLOUD, pipelines: undefined } });
  projectId = (await createProject(platform, LOCAL_ACTOR, { name: 'relayed' })).id;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([platform.close(), aws.close()]);
});

const relay = (remainingMs = 60_000, payload: object = { relay: 'kick' }) =>
  createRelay(
    async () => platform,
    async (milliseconds) => pauses.push(milliseconds),
  )(payload, { getRemainingTimeInMillis: () => remainingMs });
const event = (id: string, fields: Partial<DatasetEvent> = {}): DatasetEvent => ({
  id,
  resource: 'Item',
  action: 'Created',
  resourceId: `item-${id}`,
  datasetId: null,
  projectId,
  userId: 'someone',
  body: null,
  ...fields,
});
const events = (count: number, fields: Partial<DatasetEvent> = {}) =>
  Array.from({ length: count }, (_each, index) => event(`e${index}`, fields));
const calls = () =>
  aws.requests
    .filter((request) => actionOf(request) === 'AWSEvents.PutEvents')
    .map(({ body }) => (JSON.parse(body) as { Entries: { Detail: string; DetailType: string }[] }).Entries);
const idsOf = (entries: readonly { Detail: string }[]) =>
  entries.map(({ Detail }) => (JSON.parse(Detail) as JsonObject).id);
const left = async () => (await platform.store.readEvents(1000)).map(({ event: { id } }) => id);
const failing = (codes: (string | undefined)[]) => ({
  status: 200,
  body: JSON.stringify({
    FailedEntryCount: codes.filter(Boolean).length,
    Entries: codes.map((ErrorCode) => (ErrorCode ? { ErrorCode, ErrorMessage: 'so' } : { EventId: '1' })),
  }),
});

describe('the relay', () => {
  it('moves all that waits to the bus in order, ten at most a call, and takes it out of the outbox', async () => {
    await platform.store.appendEvents(events(23));

    expect(await relay()).toEqual({ sent: 23, givenUp: 0 });

    expect(calls().map((entries) => entries.length)).toEqual([10, 10, 3]);
    expect(calls().flatMap(idsOf)).toEqual(events(23).map(({ id }) => id));
    expect(await left()).toEqual([]);
    const [sent] = aws.requests;
    expect(sent!.headers).toMatchObject({
      'content-type': 'application/x-amz-json-1.1',
      authorization: expect.stringContaining('/eu-west-1/events/aws4_request, '),
    });
    expect(calls()[0]![0]).toEqual({
      Time: platform.clock.now() / 1000,
      Source: 'modelfn',
      DetailType: 'Item Created',
      Detail: expect.any(String),
      EventBusName: 'modelfn-test',
    });
  });

  it('says of each event which functions it is for: subscribed ones, the one that was asked for, or none', async () => {
    for (const functionName of ['predict', 'convert'])
      await createTrigger(platform, LOCAL_ACTOR, {
        name: functionName,
        projectId,
        spec: {
          resource: 'Item',
          actions: ['Created'],
          filter: {},
          operation: { type: 'function', functionName },
        },
      });
    await platform.store.appendEvents([
      event('e1'),
      event('e2', { action: 'Deleted' }),
      event('e3', { resource: 'Execution', body: { functionName: 'save' } }),
    ]);

    await relay();

    const details = calls()[0]!.map(({ Detail }) => JSON.parse(Detail) as JsonObject);
    expect(details.map(({ functions }) => functions)).toEqual([['convert', 'predict'], ['none'], ['save']]);
    expect(details[0]).toEqual({ ...event('e1'), functions: ['convert', 'predict'] });
  });

  it('keeps what of a call was not taken, and sends it first in the next', async () => {
    await platform.store.appendEvents(events(12));
    aws.answers.push(
      failing([undefined, 'ThrottlingException', ...Array.from({ length: 8 }, () => undefined)]),
    );

    expect(await relay()).toEqual({ sent: 12, givenUp: 0 });

    expect(calls().map(idsOf)[1]).toEqual(['e1', 'e10', 'e11']);
    expect(await left()).toEqual([]);
  });

  it('sends calls of 256 KB at most', async () => {
    await platform.store.appendEvents(events(5, { body: { text: 'ä'.repeat(50_000) } }));

    await relay();

    expect(calls().map((entries) => entries.length)).toEqual([2, 2, 1]);
    for (const entries of calls())
      expect(entries.reduce((sum, { Detail }) => sum + Buffer.byteLength(Detail), 0)).toBeLessThan(262_144);
  });

  it('lays an event that is too large among the dead letters, and one that the bus calls malformed', async () => {
    await platform.store.appendEvents([
      event('large', { body: { text: 'x'.repeat(262_144) } }),
      event('huge', { body: { text: 'x'.repeat(1_200_000) } }),
      event('odd'),
      event('fine'),
    ]);
    aws.respond = (request) =>
      actionOf(request) === 'AWSEvents.PutEvents' ? failing(['MalformedDetail', undefined]) : undefined;

    expect(await relay()).toEqual({ sent: 1, givenUp: 3 });

    const letters = aws.requests.filter((request) => actionOf(request) === 'AmazonSQS.SendMessage');
    const read = letters.map(({ body }) => JSON.parse(body) as Record<string, string>);
    expect(read.map(({ QueueUrl }) => QueueUrl)).toEqual(Array(3).fill(TEST_CLOUD.eventDeadLetters));
    expect(read.map(({ MessageBody }) => JSON.parse(MessageBody!).detail.id)).toEqual([
      'large',
      'huge',
      'odd',
    ]);
    expect(JSON.parse(read[1]!.MessageBody!).detail.body).toBeNull();
    expect(read[0]).toMatchObject({ MessageAttributes: { ERROR_CODE: { StringValue: 'EntryTooLarge' } } });
    expect(await left()).toEqual([]);
  });

  it('keeps an event whose dead letter was not taken either', async () => {
    await platform.store.appendEvents([event('large', { body: { text: 'x'.repeat(262_144) } })]);
    aws.answers.push({ status: 403, body: '{"__type":"AccessDenied"}' });

    await expect(relay()).rejects.toMatchObject({ code: 'RelayRefused' });

    expect(await left()).toEqual(['large']);
  });

  it('fails when the bus takes nothing, and everything waits for the next one', async () => {
    await platform.store.appendEvents(events(3));
    aws.respond = () => ({ status: 400, body: '{"__type":"ResourceNotFoundException"}' });

    await expect(relay()).rejects.toMatchObject({ code: 'RelayRefused' });

    expect(await left()).toHaveLength(3);
    expect(pauses).toEqual([200, 400, 800, 1600]);
    aws.respond = takesEvents;
    expect(await relay()).toEqual({ sent: 3, givenUp: 0 });
  });

  it('begins no call once its time is nearly up', async () => {
    await platform.store.appendEvents(events(30));
    aws.respond = (request) => {
      platform.clock.advance(30_000);
      return takesEvents(request);
    };

    expect(await relay()).toEqual({ sent: 20, givenUp: 0 });

    expect(await left()).toHaveLength(10);
  });

  it('refuses what none of its callers sends, and tells of a setting that is missing', async () => {
    await expect(relay(60_000, {})).rejects.toMatchObject({ code: 'UnknownEvent' });
    const bare = { ...platform, config: { ...platform.config, cloud: {} } } as TestPlatform;
    await expect(createRelay(async () => bare)({ relay: 'kick' })).rejects.toMatchObject({
      code: 'RelaySettingMissing',
      message: expect.stringContaining('MODELFN_EVENT_BUS'),
    });
  });
});
