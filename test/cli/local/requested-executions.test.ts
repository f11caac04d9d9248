import { expect, it } from 'vitest';
import type { Json } from '../../../shared/json.ts';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { execution } from '../../shared/store/sample-entities.ts';
import { drained, event, openDispatcher, openStore } from './open-dispatcher.ts';

const PROJECT = event(1).projectId;

async function request(store: EntityStore, id = 'e1'): Promise<void> {
  await store.insert('Execution', [execution(id, PROJECT, { input: { snapshot: 's1' } })]);
  const asked = { resource: 'Execution', resourceId: id, body: { functionName: 'predict' } } as const;
  await store.appendEvents([event(1, asked)]);
}

it('an execution that was asked for runs under its id, and leaves the outbox when it ended', async () => {
  const store = await openStore();
  await request(store);
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<boolean>();
  const runs: [string, Json][] = [];
  const { dispatcher } = await openDispatcher(store, undefined, undefined, undefined, (name, payload) => {
    runs.push([name, payload]);
    begun.resolve();
    return end.promise;
  });

  await dispatcher.wake();
  await begun.promise;
  await dispatcher.wake();

  expect(runs).toEqual([
    ['predict', expect.objectContaining({ executionId: 'e1', inputs: { snapshot: 's1' } })],
  ]);
  expect(await store.readEvents(10)).toHaveLength(1);
  end.resolve(true);
  await drained(store);
});

it('a function of a service runs in the function of all services, which is told its service', async () => {
  const store = await openStore();
  const call = { functionName: 'pick', serviceId: 's1', packageId: 'p1', input: { count: 2 } };
  await store.insert('Execution', [execution('e1', PROJECT, call)]);
  await store.appendEvents([
    event(1, { resource: 'Execution', resourceId: 'e1', body: { functionName: 'service' } }),
  ]);
  const runs: [string, Json][] = [];
  const { dispatcher } = await openDispatcher(
    store,
    undefined,
    undefined,
    undefined,
    async (name, payload) => {
      runs.push([name, payload]);
      return true;
    },
  );

  await dispatcher.wake();
  await drained(store);

  const payload = { function: 'pick', service: 's1', executionId: 'e1', inputs: { count: 2 } };
  expect(runs).toEqual([['service', expect.objectContaining(payload)]]);
});

it('an execution that a closing server cut off is run after the next start', async () => {
  const store = await openStore();
  await request(store);
  const first = await openDispatcher(store, undefined, undefined, undefined, async () => false);
  await first.dispatcher.wake();
  await first.dispatcher.close();
  expect(await store.readEvents(10)).toHaveLength(1);

  const second = await openDispatcher(store, undefined, undefined, undefined, async () => true);
  await second.dispatcher.wake();

  await drained(store);
});

it('an execution that was deleted before its turn is nothing to do', async () => {
  const store = await openStore();
  await request(store);
  await store.delete('Execution', ['e1']);
  const { dispatcher } = await openDispatcher(store);

  await dispatcher.wake();

  await drained(store);
});
