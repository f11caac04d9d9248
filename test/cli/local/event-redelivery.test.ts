import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WorkerLost } from '../../../cli/local/errors.ts';
import { BACKOFF_MS, MAX_ATTEMPTS } from '../../../cli/local/event-lane.ts';
import { MAX_LEASE_SECONDS } from '../../../shared/settings.ts';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { recordingLog, temporaryFolder } from './fixture-functions.ts';
import {
  drained,
  event,
  eventIdOf,
  isRetry,
  openDispatcher,
  openStore,
  retryUntil,
  trigger,
} from './open-dispatcher.ts';

describe('EventDispatcher, when a delivery fails,', () => {
  it('tries for longer than the lease of a run whose process was lost', () => {
    expect(BACKOFF_MS.reduce((sum, pause) => sum + pause, 0)).toBeGreaterThan(2 * MAX_LEASE_SECONDS * 1000);
  });

  it('delivers only the failed records of a batch again, later each time, while others go on', async () => {
    const store = await openStore();
    const sour = event(2).id;
    let left = 3;
    const { dispatcher, calls, fire, retries } = await openDispatcher(store, (_name, records) => ({
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
    const { dispatcher, retries } = await openDispatcher(store, reply);
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
      const { dispatcher, retries } = await openDispatcher(store, () => answer);
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
    const { dispatcher, calls, fire } = await openDispatcher(store, fail, deadLetterPath, log);
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
    const { dispatcher, calls, fire } = await openDispatcher(store, () => 'broken', blocked);
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
    const first = await openDispatcher(store, (functionName) => {
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
    const second = await openDispatcher(store);
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
    const { dispatcher, calls } = await openDispatcher(store, async () => {
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

  it('counts no attempt for a batch that the closing server cut off', async () => {
    const store = await openStore();
    const entered = Promise.withResolvers<void>();
    const cutOff = Promise.withResolvers<never>();
    const { dispatcher, pending } = await openDispatcher(store, () => {
      entered.resolve();
      return cutOff.promise;
    });
    await store.appendEvents([event(1)]);
    await dispatcher.wake();
    await entered.promise;

    const closed = dispatcher.close();
    // The lane hears of the closing before the host ends the batch's process.
    await new Promise(setImmediate);
    cutOff.reject(new WorkerLost('predict', 'signal SIGTERM'));
    await closed;

    expect(pending).toEqual([]);
    expect(await store.readEvents(10)).toHaveLength(1);
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
    const { dispatcher, calls } = await openDispatcher(
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
