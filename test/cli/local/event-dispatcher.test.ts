import { describe, expect, it } from 'vitest';
import { POLL_INTERVAL_MS } from '../../../cli/local/event-dispatcher.ts';
import type { DatasetEvent } from '../../../shared/entities/dataset-event.ts';
import {
  drained,
  event,
  eventIdOf,
  isRetry,
  openDispatcher,
  openStore,
  type Record,
  trigger,
} from './open-dispatcher.ts';

describe('EventDispatcher', () => {
  it('sends a change as an SQS record with the EventBridge event in it', async () => {
    const store = await openStore();
    const { dispatcher, calls } = await openDispatcher(store);
    await store.appendEvents([event(1)]);
    const [entry] = await store.readEvents(1);

    await dispatcher.wake();
    await drained(store);

    expect(calls).toHaveLength(1);
    const [{ body, ...record }] = calls[0]!.records as [Record];
    expect(record).toEqual({
      messageId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      receiptHandle: `${record.messageId}#1`,
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: String(Date.parse(entry!.createdAt)),
        SenderId: '000000000000',
        ApproximateFirstReceiveTimestamp: String(Date.parse('2026-01-02T03:04:05.678Z')),
      },
      messageAttributes: {},
      md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:local:000000000000:predict',
      awsRegion: 'local',
    });
    expect(JSON.parse(body)).toEqual({
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'Item Created',
      source: 'modelfn',
      account: '000000000000',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region: 'local',
      resources: [],
      detail: entry!.event,
    });
  });

  it('delivers nothing before what is to be told of it first was told', async () => {
    const store = await openStore();
    const told: string[][] = [];
    const before = async (events: readonly DatasetEvent[]) => {
      told.push(events.map(({ id }) => id));
      if (told.length === 1) throw new Error('away for a moment');
    };
    const { dispatcher, calls, fire } = await openDispatcher(
      store,
      undefined,
      undefined,
      undefined,
      undefined,
      1,
      before,
    );
    await store.appendEvents([event(1)]);

    await dispatcher.wake();
    expect(calls).toEqual([]);
    expect(fire(isRetry)).toBe(true);
    await drained(store);

    expect(calls).toHaveLength(1);
    expect(told.slice(0, 2)).toEqual([[event(1).id], [event(1).id]]);
  });

  it('calls every subscribed function once for a change, and no other', async () => {
    const store = await openStore([
      trigger(1, 'predict'),
      trigger(2, 'predict', { executionMode: 'Once' }),
      trigger(3, 'train', { actions: ['Updated', 'Created'] }),
      trigger(4, 'evaluate', { actions: ['Deleted'] }),
      trigger(5, 'convert', { resource: 'Annotation' }),
      trigger(6, 'save', {}, false),
      { ...trigger(7, 'load'), projectId: '11111111-7c39-4c3a-9d1c-9f3f0f6f7a11' },
    ]);
    const { dispatcher, calls } = await openDispatcher(store);
    await store.appendEvents([event(1)]);

    await dispatcher.wake();
    await drained(store);

    expect(calls.map(({ functionName }) => functionName).sort()).toEqual(['predict', 'train']);
    const ids = calls.map(({ records }) => records[0]!.messageId);
    expect(new Set(ids).size).toBe(2);
  });

  it('takes changes nobody subscribed to out of the outbox', async () => {
    const store = await openStore([]);
    const { dispatcher, calls } = await openDispatcher(store);
    await store.appendEvents([event(1), event(2, { resource: 'Dataset' })]);

    await dispatcher.wake();

    expect(await store.readEvents(10)).toEqual([]);
    expect(calls).toEqual([]);
  });

  it('sends changes in their order, at most ten in a batch and one batch at a time', async () => {
    const store = await openStore();
    let running = 0;
    let most = 0;
    const { dispatcher, calls } = await openDispatcher(store, async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return { batchItemFailures: [] };
    });
    const events = Array.from({ length: 234 }, (_, index) => event(index));
    await store.appendEvents(events);

    await dispatcher.wake();
    await drained(store);

    expect(Math.max(...calls.map(({ records }) => records.length))).toBe(10);
    expect(calls.flatMap(({ records }) => records.map(eventIdOf))).toEqual(events.map(({ id }) => id));
    expect(most).toBe(1);
  });

  it('looks at the outbox by itself', async () => {
    const store = await openStore();
    const { dispatcher, calls, fire } = await openDispatcher(store);
    await dispatcher.wake();
    await store.appendEvents([event(1)]);

    expect(fire((delayMs) => delayMs === POLL_INTERVAL_MS)).toBe(true);
    await drained(store);

    expect(calls).toHaveLength(1);
  });

  it('gives a function as many batches at once as it is told to, and no more', async () => {
    const store = await openStore();
    await store.appendEvents(Array.from({ length: 45 }, (_, index) => event(index + 1)));
    const end = Promise.withResolvers<null>();
    const { dispatcher, calls } = await openDispatcher(
      store,
      () => end.promise,
      undefined,
      undefined,
      undefined,
      3,
    );

    await dispatcher.wake();
    await new Promise(setImmediate);
    const atOnce = calls.map(({ records }) => records.length);
    end.resolve(null);
    await drained(store);

    expect(atOnce).toEqual([10, 10, 10]);
    expect(calls.flatMap(({ records }) => records.map(eventIdOf))).toEqual(
      Array.from({ length: 45 }, (_, index) => event(index + 1).id),
    );
  });
});
