import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { requestExecution } from '../../../shared/catalog/execution-requests.ts';
import { deleteItem } from '../../../shared/catalog/items.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import { callFromQueue } from '../../../shared/invoke/callers/event.ts';
import { invoke } from '../../../shared/invoke/invoke.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { StoreUnavailable } from '../../../shared/store/errors.ts';
import { rewriteDocument } from '../../support/damage-document.ts';
import { eventBridgeEvent, sqsBatch } from '../../support/events.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

let space: TinyWorkspace;
beforeEach(async () => {
  space = await openTinyWorkspace();
  await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
});
afterEach(() => space.platform.close());

const itemId = () => space.items.get('/test/4.json')!.id;
const deliver = (resource: string, resourceId: string, fields: { id?: string; action?: string } = {}) => {
  const ids = { resourceId, projectId: space.project.id, datasetId: space.dataset.id };
  const event = eventBridgeEvent({ resource, ...ids, ...fields });
  return callFromQueue(space.container, predictFunction, sqsBatch([event]), undefined);
};
const executions = async () => (await space.platform.store.query('Execution', {})).items.filter(byTrigger);
const byTrigger = ({ triggerId }: { triggerId: string | null }) => triggerId !== null;

describe('an event for an item that is deleted', () => {
  beforeEach(async () => {
    await createTrigger(space.platform, LOCAL_ACTOR, {
      name: 'predict new items',
      projectId: space.project.id,
      spec: {
        resource: 'Item',
        actions: ['Created'],
        filter: {},
        input: { snapshot: { snapshot_id: space.snapshot.id } },
        operation: { type: 'function', functionName: 'predict' },
      },
    });
  });

  it('is nothing to do when it was deleted before the delivery', async () => {
    await deleteItem(space.platform, LOCAL_ACTOR, itemId());

    expect(await deliver('Item', itemId())).toEqual({ batchItemFailures: [] });
    expect(await executions()).toEqual([]);
  });

  it('is dealt with, its run recorded as failed, when it was deleted under the run', async () => {
    const { store } = space.platform;
    const count = store.count.bind(store);
    store.count = async (...query) => {
      const found = await count(...query);
      await deleteItem(space.platform, LOCAL_ACTOR, itemId());
      return found;
    };

    expect(await deliver('Item', itemId())).toEqual({ batchItemFailures: [] });
    expect(await executions()).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ code: 'EntityNotFound' }) }),
    ]);
  });
});

it('a trigger that always fires has one run for an event, however often it comes, and another for the next', async () => {
  await createTrigger(space.platform, LOCAL_ACTOR, {
    name: 'predict new items',
    projectId: space.project.id,
    spec: {
      resource: 'Item',
      actions: ['Created', 'Updated'],
      filter: {},
      executionMode: 'Always',
      input: { snapshot: { snapshot_id: space.snapshot.id } },
      operation: { type: 'function', functionName: 'predict' },
    },
  });

  await deliver('Item', itemId());
  await deliver('Item', itemId());
  expect(await executions()).toHaveLength(1);
  await deliver('Item', itemId(), { id: 'second', action: 'Updated' });

  expect(await executions()).toHaveLength(2);
});

describe('an execution that was asked for', () => {
  const ask = (input: JsonObject) =>
    requestExecution(space.platform, LOCAL_ACTOR, 'asked', {
      functionName: 'predict',
      projectId: space.project.id,
      input,
    });

  it('is run once, however often its event comes', async () => {
    await ask({ snapshot: space.snapshot.id, items: [itemId()] });

    const replies = [await deliver('Execution', 'asked'), await deliver('Execution', 'asked')];

    expect(replies).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [] }]);
    expect(space.probe.predictions).toBe(1);
    expect(await space.platform.store.get('Execution', 'asked')).toMatchObject({
      attempts: 1,
      output: { annotations: 1 },
    });
  });

  it('has its failure in its record, and its event is dealt with', async () => {
    await ask({ snapshot: 'no such' });

    expect(await deliver('Execution', 'asked')).toEqual({ batchItemFailures: [] });
    expect(await space.platform.store.get('Execution', 'asked')).toMatchObject({
      latestStatus: { status: 'failed' },
      error: { code: 'InvalidInput' },
    });
  });

  it('comes again after a fault that may pass', async () => {
    await ask({ snapshot: space.snapshot.id, items: [itemId()] });
    const { store } = space.platform;
    const transaction = store.transaction.bind(store);
    store.transaction = async () => {
      store.transaction = transaction;
      throw new StoreUnavailable(new Error('away for a moment'), 'Repeat it.');
    };

    const first = await deliver('Execution', 'asked');
    const second = await deliver('Execution', 'asked');

    expect(first.batchItemFailures).toHaveLength(1);
    expect(second).toEqual({ batchItemFailures: [] });
  });

  it('of another function is not this one’s', async () => {
    await requestExecution(space.platform, LOCAL_ACTOR, 'asked', {
      functionName: 'evaluate',
      projectId: space.project.id,
    });

    expect(await deliver('Execution', 'asked')).toEqual({ batchItemFailures: [] });
    expect(await space.platform.store.get('Execution', 'asked')).toMatchObject({ attempts: 0 });
  });
});

it('a trigger whose filter cannot be used keeps no other trigger from its run; the record comes again', async () => {
  const make = (name: string, filter: JsonObject) =>
    createTrigger(space.platform, LOCAL_ACTOR, {
      name,
      projectId: space.project.id,
      spec: {
        resource: 'Item',
        actions: ['Created'],
        filter,
        input: { snapshot: { snapshot_id: space.snapshot.id } },
        operation: { type: 'function', functionName: 'predict' },
      },
    });
  const bad = await make('bad', { type: 'file' });
  const good = await make('good', {});
  rewriteDocument(space.platform, 'triggers', bad.id, (doc) =>
    doc.replace('"filter":{"type":"file"}', '"filter":{"type":{"$near":1}}'),
  );

  const { batchItemFailures } = await deliver('Item', itemId());

  expect(batchItemFailures).toHaveLength(1);
  expect((await executions()).map(({ triggerId }) => triggerId)).toEqual([good.id]);
});

it('an output that is nested too deeply fails the run by a code that names the field, and is not stored', async () => {
  const deep = JSON.parse(`{"a":{"b":${'['.repeat(1_000)}${']'.repeat(1_000)}}}`) as JsonObject;
  const spec = { ...predictFunction, run: async () => deep };

  const outcome = await invoke(space.container, spec, {
    functionName: 'predict',
    input: { snapshot: space.snapshot.id, items: [itemId()] },
    executionId: 'e'.repeat(24),
    caller: 'http',
    actor: LOCAL_ACTOR,
  } as Parameters<typeof invoke>[2]);

  expect(outcome.error).toMatchObject({ code: 'JsonLimitExceeded' });
  expect(await space.platform.store.get('Execution', outcome.execution.id)).toMatchObject({
    output: null,
    error: { code: 'JsonLimitExceeded', message: expect.stringContaining('a.b.0') },
  });
});
