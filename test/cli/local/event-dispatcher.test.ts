import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WorkerLost } from '../../../cli/local/errors.ts';
import { EventDispatcher, POLL_INTERVAL_MS } from '../../../cli/local/event-dispatcher.ts';
import { BACKOFF_MS, MAX_ATTEMPTS } from '../../../cli/local/event-lane.ts';
import type { DatasetEvent } from '../../../shared/entities/dataset-event.ts';
import type { Trigger } from '../../../shared/entities/trigger.ts';
import { LEASE_MS } from '../../../shared/invoke/executions.ts';
import { silentLog } from '../../../shared/log.ts';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { openSqliteStore } from '../../../shared/store/sqlite.ts';
import { recordingLog, temporaryFolder } from './fixture-functions.ts';
import { heldTimers } from './held-timers.ts';

const PROJECT = '0b1e6c0e-7c39-4c3a-9d1c-9f3f0f6f7a11';

interface Record {
  messageId: string;
  body: string;
  attributes: { ApproximateReceiveCount: string };
  eventSource: string;
}
type Reply = (functionName: string, records: Record[]) => unknown;

const isRetry = (delayMs: number) => delayMs !== POLL_INTERVAL_MS;
const eventIdOf = ({ body }: Record): string => JSON.parse(body).detail.id;

function event(index: number, fields: Partial<DatasetEvent> = {}): DatasetEvent {
  return {
    id: index.toString(16).padStart(24, '0'),
    resource: 'Item',
    action: 'Created',
    resourceId: (1000 + index).toString(16).padStart(24, '0'),
    datasetId: 'd'.repeat(24),
    projectId: PROJECT,
    userId: 'me@example.org',
    ...fields,
  };
}

function trigger(
  index: number,
  functionName: string,
  fields: Partial<Trigger['spec']> = {},
  active = true,
): Trigger {
  return {
    id: (9000 + index).toString(16).padStart(24, '0'),
    name: `trigger ${index}`,
    type: 'Event',
    active,
    projectId: PROJECT,
    spec: {
      filter: {},
      resource: 'Item',
      actions: ['Created'],
      executionMode: 'Always',
      input: {},
      operation: { type: 'function', functionName },
      ...fields,
    },
    scope: 'project',
    global: false,
    creator: 'me@example.org',
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
  };
}

async function openStore(triggers: Trigger[] = [trigger(1, 'predict')]): Promise<EntityStore> {
  const store = await openSqliteStore({ path: join(await temporaryFolder(), 'store.sqlite') });
  onTestFinished(() => store.close());
  await store.insert('Trigger', triggers);
  return store;
}

async function open(store: EntityStore, reply: Reply = () => null, deadLetterPath?: string, log = silentLog) {
  const calls: { functionName: string; records: Record[] }[] = [];
  const time = heldTimers();
  const retries = () => time.delays.filter(isRetry);
  let idle = Promise.withResolvers<void>();
  const dispatcher = new EventDispatcher({
    store,
    functions: {
      invoke: async (functionName, batch) => {
        const { Records: records } = batch as { Records: Record[] };
        calls.push({ functionName, records });
        idle.resolve();
        idle = Promise.withResolvers();
        return reply(functionName, records);
      },
    },
    deadLetterPath: deadLetterPath ?? join(await temporaryFolder(), 'home', 'dead-letters.jsonl'),
    log,
    timers: time.timers,
    now: () => Date.parse('2026-01-02T03:04:05.678Z'),
  });
  onTestFinished(() => dispatcher.close());
  return { dispatcher, calls, retries, ...time };
}

/** Resolves when nothing is left in the outbox. */
async function drained(store: EntityStore): Promise<void> {
  while ((await store.readEvents(1)).length > 0) await new Promise(setImmediate);
}

/** Fires retries as they are set until the condition holds. */
async function retryUntil(fire: () => boolean, holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    fire();
    await new Promise(setImmediate);
  }
}

describe('EventDispatcher', () => {
  it('tries for longer than the lease of a run whose process was lost', () => {
    expect(BACKOFF_MS.reduce((sum, pause) => sum + pause, 0)).toBeGreaterThan(2 * LEASE_MS);
  });

  it('sends a change as an SQS record with the EventBridge event in it', async () => {
    const store = await openStore();
    const { dispatcher, calls } = await open(store);
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
    const { dispatcher, calls } = await open(store);
    await store.appendEvents([event(1)]);

    await dispatcher.wake();
    await drained(store);

    expect(calls.map(({ functionName }) => functionName).sort()).toEqual(['predict', 'train']);
    const ids = calls.map(({ records }) => records[0]!.messageId);
    expect(new Set(ids).size).toBe(2);
  });

  it('takes changes nobody subscribed to out of the outbox', async () => {
    const store = await openStore([]);
    const { dispatcher, calls } = await open(store);
    await store.appendEvents([event(1), event(2, { resource: 'Dataset' })]);

    await dispatcher.wake();

    expect(await store.readEvents(10)).toEqual([]);
    expect(calls).toEqual([]);
  });

  it('sends changes in their order, at most ten in a batch and one batch at a time', async () => {
    const store = await openStore();
    let running = 0;
    let most = 0;
    const { dispatcher, calls } = await open(store, async () => {
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
    const { dispatcher, calls, fire } = await open(store);
    await dispatcher.wake();
    await store.appendEvents([event(1)]);

    expect(fire((delayMs) => delayMs === POLL_INTERVAL_MS)).toBe(true);
    await drained(store);

    expect(calls).toHaveLength(1);
  });

  it('delivers only the failed records of a batch again, later each time, while others go on', async () => {
    const store = await openStore();
    const sour = event(2).id;
    let left = 3;
    const { dispatcher, calls, fire, retries } = await open(store, (_name, records) => ({
      batchItemFailures: records
        .filter((record) => eventIdOf(record) === sour && left-- > 0)
        .map(({ messageId }) => ({ itemIdentifier: messageId })),
    }));
    await store.appendEvents([event(1), event(2), event(3)]);

    await dispatcher.wake();
    await retryUntil(
      () => false,
      async () => (await store.readEvents(10)).length === 1,
    );
    await store.appendEvents([event(4)]);
    await dispatcher.wake();
    await retryUntil(
      () => fire(isRetry),
      async () => (await store.readEvents(10)).length === 0,
    );

    expect(calls.map(({ records }) => records.map(eventIdOf))).toEqual([
      [event(1).id, sour, event(3).id],
      [event(4).id],
      [sour],
      [sour],
      [sour],
    ]);
    const tries = calls.flatMap(({ records }) => records).filter((record) => eventIdOf(record) === sour);
    expect(tries.map(({ attributes }) => attributes.ApproximateReceiveCount)).toEqual(['1', '2', '3', '4']);
    expect(new Set(tries.map(({ messageId }) => messageId)).size).toBe(1);
    expect(retries()).toEqual(BACKOFF_MS.slice(0, 3));
  });

  it.each([
    ['an answer that is text', () => 'fine'],
    ['a list', () => []],
    ['failures that are no list', () => ({ batchItemFailures: 'all' })],
    ['an unknown message', () => ({ batchItemFailures: [{ itemIdentifier: 'x' }] })],
    ['an empty identifier', () => ({ batchItemFailures: [{ itemIdentifier: '' }] })],
    ['a nameless failure', () => ({ batchItemFailures: [null] })],
    [
      'a lost worker',
      () => {
        throw new WorkerLost('predict', 'exit code 1');
      },
    ],
  ])('takes %s for the failure of the whole batch', async (_name, reply) => {
    const store = await openStore();
    const { dispatcher, retries } = await open(store, reply);
    await store.appendEvents([event(1), event(2)]);

    await dispatcher.wake();
    await retryUntil(
      () => false,
      () => retries().length === 2,
    );

    expect(await store.readEvents(10)).toHaveLength(2);
  });

  it.each([[undefined], [null], [{}], [{ batchItemFailures: null }], [{ batchItemFailures: [] }]])(
    'takes %j for the success of the whole batch',
    async (answer) => {
      const store = await openStore();
      const { dispatcher, retries } = await open(store, () => answer);
      await store.appendEvents([event(1), event(2)]);
      await dispatcher.wake();
      await drained(store);
      expect(retries()).toEqual([]);
    },
  );

  it('keeps what failed in every attempt as a dead letter, and tells so', async () => {
    const store = await openStore();
    const deadLetterPath = join(await temporaryFolder(), 'home', 'dead-letters.jsonl');
    const { log, lines } = recordingLog();
    const fail = () => {
      throw new WorkerLost('predict', 'exit code 1');
    };
    const { dispatcher, calls, fire } = await open(store, fail, deadLetterPath, log);
    await store.appendEvents([event(1)]);

    await dispatcher.wake();
    await retryUntil(
      () => fire(isRetry),
      async () => (await store.readEvents(1)).length === 0,
    );

    expect(calls).toHaveLength(MAX_ATTEMPTS);
    const text = await readFile(deadLetterPath, 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    expect(JSON.parse(text)).toMatchObject({
      functionName: 'predict',
      attempts: MAX_ATTEMPTS,
      event: event(1),
      error: { code: 'WorkerLost' },
    });
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', message: 'event given up' }));
  });

  it('keeps a change in the outbox for as long as its dead letter cannot be written', async () => {
    const store = await openStore();
    const blocked = join(await temporaryFolder(), 'is-a-folder');
    await mkdir(blocked);
    const { dispatcher, calls, fire } = await open(store, () => 'broken', blocked);
    await store.appendEvents([event(1)]);

    await dispatcher.wake();
    await retryUntil(
      () => fire(isRetry),
      () => calls.length > MAX_ATTEMPTS + 1,
    );

    expect(await store.readEvents(10)).toHaveLength(1);
  });

  it('delivers after a restart what was not delivered before', async () => {
    const store = await openStore([trigger(1, 'predict'), trigger(2, 'train')]);
    const reached = Promise.withResolvers<void>();
    const first = await open(store, (functionName) => {
      if (functionName === 'predict') return null;
      reached.resolve();
      return 'broken';
    });
    await store.appendEvents([event(1), event(2)]);
    await first.dispatcher.wake();
    await reached.promise;

    await first.dispatcher.close();
    expect(first.pending).toEqual([]);
    expect(await store.readEvents(10)).toHaveLength(2);
    const second = await open(store);
    await second.dispatcher.wake();
    await drained(store);

    const again = second.calls.find(({ functionName }) => functionName === 'train')!.records;
    const before = first.calls.find(({ functionName }) => functionName === 'train')!.records;
    expect(again.map(({ messageId }) => messageId)).toEqual(before.map(({ messageId }) => messageId));
  });

  it('waits for the batch under way when it closes, and keeps what that batch achieved', async () => {
    const store = await openStore();
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const { dispatcher, calls } = await open(store, async () => {
      entered.resolve();
      await release.promise;
      return null;
    });
    await store.appendEvents(Array.from({ length: 12 }, (_, index) => event(index)));
    await dispatcher.wake();
    await entered.promise;

    const closed = dispatcher.close();
    release.resolve();
    await closed;

    expect(calls).toHaveLength(1);
    expect(await store.readEvents(100)).toHaveLength(2);
    await dispatcher.wake();
    expect(calls).toHaveLength(1);
  });

  it('goes on when the store is well again, and delivers nothing twice for it', async () => {
    const store = await openStore();
    const { log, lines } = recordingLog();
    let ill = false;
    const shaky = new Proxy(store, {
      get: (target, name: keyof EntityStore) => {
        if (ill && (name === 'removeEvents' || name === 'readEvents'))
          return () => Promise.reject(new Error('ill'));
        const member = target[name];
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const { dispatcher, calls } = await open(
      shaky,
      () => {
        ill = true;
        return null;
      },
      undefined,
      log,
    );
    await store.appendEvents([event(1)]);
    await dispatcher.wake();
    await retryUntil(
      () => false,
      () => calls.length === 1,
    );
    await dispatcher.wake();
    await dispatcher.wake();
    expect(lines.filter(({ message }) => message === 'outbox cannot be read')).toHaveLength(1);
    expect(await store.readEvents(10)).toHaveLength(1);

    ill = false;
    await dispatcher.wake();

    expect(await store.readEvents(10)).toEqual([]);
    expect(calls).toHaveLength(1);
  });
});
