import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { createHandler } from '../../../shared/invoke/handler.ts';
import type { Log } from '../../../shared/log.ts';
import { silentLog } from '../../../shared/log.ts';
import { notingStore } from '../../../shared/relay/noting-store.ts';
import { RelayKick } from '../../../shared/relay/relay-kick.ts';
import type { EntityStore } from '../../../shared/store/entity-store.ts';
import { AwsServices } from '../../support/aws-services.ts';
import { stubLambdaEnvironment } from '../../support/lambda-environment.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

let space: TinyWorkspace;
let aws: AwsServices;
beforeEach(async () => {
  aws = new AwsServices();
  stubLambdaEnvironment(await aws.listen());
  space = await openTinyWorkspace({ config: { relay: 'modelfn-test-relay' } });
  await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
  await space.platform.relay!.settle();
  aws.requests.length = 0;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([space.platform.close(), aws.close()]);
});

const predict = (inputs: object) =>
  createHandler(
    predictFunction,
    space.builtIns,
    async () => space.platform,
  )({ inputs: { snapshot: space.snapshot.id, ...inputs } });
const item = () => space.items.get('/test/4.json')!.id;
const event = () => ({
  id: 'e1',
  resource: 'Item' as const,
  action: 'Created' as const,
  resourceId: 'i1',
  datasetId: null,
  projectId: space.project.id,
});
const kicked = async (work: (store: EntityStore) => Promise<unknown>) => {
  await work(space.platform.store);
  await space.platform.relay!.settle();
  return aws.requests.splice(0).length;
};

it('a container that left events in the outbox calls the relay once, before it answers', async () => {
  await predict({ items: [item(), space.items.get('/test/10.json')!.id] });

  expect(aws.requests).toMatchObject([
    {
      path: '/2015-03-31/functions/modelfn-test-relay/invocations',
      headers: { 'x-amz-invocation-type': 'Event' },
      body: '{"relay":"kick"}',
    },
  ]);
});

it('one that left none calls nobody, nor does one that failed', async () => {
  await predict({ items: [item()], write: false });
  await expect(predict({ items: ['no such'], snapshot: 'no such' })).rejects.toThrow();

  expect(aws.requests).toEqual([]);
});

it('a call that AWS does not take is logged, and the event is answered as ever', async () => {
  aws.answers.push({ status: 429, body: 'busy' });

  expect(await predict({ items: [item()] })).toMatchObject({ annotations: 1 });

  expect(aws.requests).toHaveLength(1);
});

it('a transaction counts when it is committed, and only if it left something', async () => {
  const failed = (store: EntityStore) =>
    store
      .transaction(async (open) => {
        await open.appendEvents([event()]);
        throw new Error('rolled back');
      })
      .catch(() => undefined);

  expect(await kicked(failed)).toBe(0);
  expect(await kicked((store) => store.transaction((open) => open.now()))).toBe(0);
  expect(await kicked((store) => store.appendEvents([]))).toBe(0);
  expect(await kicked((store) => store.transaction((open) => open.appendEvents([event()])))).toBe(1);
  expect(
    await kicked((store) =>
      store.transaction((open) => open.transaction((inner) => inner.appendEvents([event()]))),
    ),
  ).toBe(1);
  expect(await kicked((store) => store.readEvents(1))).toBe(0);
});

it('without the setting the store is the driver itself', async () => {
  const plain = await openTinyWorkspace();

  expect(plain.platform.relay).toBeUndefined();
  await plain.platform.close();
});

it('says why nobody could be called', async () => {
  const warnings: unknown[] = [];
  const log: Log = { ...silentLog, warn: (_message, fields) => void warnings.push(fields) };
  const kick = new RelayKick({ functionName: 'gone', log });
  await kick.watch(space.platform.store).appendEvents([event()]);
  aws.answers.push({ status: 404, body: 'Function not found' });

  await kick.settle();

  expect(warnings).toEqual([{ relay: 'gone', reason: 'AWS answered 404 Function not found' }]);
});

it('a transaction that must run alone does so through the watched store too', async () => {
  const { store } = space.platform;
  const given = vi.spyOn(store, 'transaction');

  await notingStore(store, () => undefined).transaction(async () => undefined, { alone: true });

  expect(given.mock.calls[0]![1]).toEqual({ alone: true });
});
