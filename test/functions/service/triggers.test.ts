import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { serviceFunction } from '../../../functions/service/service.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { fireDueTriggers } from '../../../shared/catalog/cron-triggers.ts';
import { requestExecution, rerunExecution } from '../../../shared/catalog/execution-requests.ts';
import { deleteService, setServiceActive } from '../../../shared/catalog/services.ts';
import { createTrigger, deleteTrigger } from '../../../shared/catalog/triggers.ts';
import type { Service } from '../../../shared/entities/service.ts';
import { callFromEventBridge, callFromQueue } from '../../../shared/invoke/callers/event.ts';
import { callFromSchedule } from '../../../shared/invoke/callers/schedule.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { eventBridgeEvent, sqsBatch } from '../../support/events.ts';
import { deploy } from '../../support/service-workspace.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';
import { takeEvents } from '../../support/workspace.ts';

let space: TinyWorkspace;
let service: Service;
beforeEach(async () => {
  space = await openTinyWorkspace();
  const code = `export class Runner {
    name({ item, prefix }) { return { name: prefix + item.filename }; }
    tick({ word }) { return { word }; }
    fail({ item }) { throw new Error('never'); }
    predict() {}
  }`;
  const text = (name: string) => ({ name, type: 'String' });
  const item = { name: 'item', type: 'Item' };
  ({ service } = await deploy(
    space,
    code,
    [
      { name: 'name', input: [item, text('prefix')], output: [text('name')] },
      { name: 'tick', input: [text('word')], output: [text('word')] },
      { name: 'fail', input: [item] },
      { name: 'predict', input: [item] },
    ],
    { maxAttempts: 2 },
  ));
  await takeEvents(space.platform);
});
afterEach(() => space.platform.close());

const onItems = (functionName: string, input: JsonObject, more: JsonObject = {}) =>
  createTrigger(space.platform, LOCAL_ACTOR, {
    name: functionName,
    projectId: space.project.id,
    spec: {
      resource: 'Item',
      actions: ['Created', 'Updated'],
      filter: {},
      input,
      operation: { type: 'function', serviceId: service.id, functionName },
      ...more,
    },
  });
const itemId = () => space.items.get('/test/4.json')!.id;
const event = (fields: JsonObject = {}) =>
  eventBridgeEvent({
    resourceId: itemId(),
    projectId: space.project.id,
    datasetId: space.dataset.id,
    ...fields,
  });
const deliver = (...events: JsonObject[]) =>
  callFromQueue(space.container, serviceFunction, sqsBatch(events), undefined);
const executions = async () => (await space.platform.store.query('Execution', {})).items;

describe('an event trigger', () => {
  it('calls the function of a service with the resource and its own input, once however often the event comes', async () => {
    const trigger = await onItems('name', { prefix: 'new ' });

    expect(await deliver(event(), event())).toEqual({ batchItemFailures: [] });
    await callFromEventBridge(space.container, serviceFunction, event(), undefined);

    expect(await executions()).toMatchObject([
      {
        functionName: 'name',
        serviceId: service.id,
        packageId: service.packageId,
        triggerId: trigger.id,
        caller: 'event',
        output: { name: 'new /test/4.json' },
        attempts: 1,
      },
    ]);
  });

  it('names the record of its event as failed when the function failed in every attempt', async () => {
    await onItems('fail', {});

    expect(await deliver(event())).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
    expect(await executions()).toMatchObject([{ attempts: 2, error: { code: 'FunctionFailed' } }]);
  });

  it('of a stopped service lets its events pass, and none is made up for', async () => {
    await onItems('name', { prefix: '' }, { executionMode: 'Always' });
    await setServiceActive(space.platform, LOCAL_ACTOR, service.id, false);
    expect(await deliver(event({ id: 'e-stopped' }))).toEqual({ batchItemFailures: [] });
    await setServiceActive(space.platform, LOCAL_ACTOR, service.id, true);

    await deliver(event({ id: 'e-resumed' }));

    expect(await executions()).toHaveLength(1);
  });

  it.each([
    ['an unknown function', 'nam', { prefix: '' }, 'UnknownFunction'],
    ['an input of another type', 'name', { prefix: 1 }, 'InvalidInput'],
    ['a missing input', 'name', {}, 'InvalidInput'],
    ['a function that does not take the resource', 'tick', { word: 'x' }, 'InvalidInput'],
  ])('with %s is refused, and nothing is kept of it', async (_what, functionName, input, code) => {
    await expect(onItems(functionName, input)).rejects.toMatchObject({ code });
    expect(await space.platform.store.count('Trigger', {})).toBe(0);
  });

  it('of a function that has the name of one of modelfn is not taken by that one', async () => {
    await onItems('predict', {});

    const own = await callFromQueue(space.container, predictFunction, sqsBatch([event()]), undefined);
    expect(own).toEqual({ batchItemFailures: [] });
    expect(await executions()).toEqual([]);
    await deliver(event());

    expect(await executions()).toMatchObject([
      { functionName: 'predict', serviceId: service.id, output: {} },
    ]);
  });

  it('keeps its service from being deleted', async () => {
    const { id } = await onItems('name', { prefix: '' });

    await expect(deleteService(space.platform, LOCAL_ACTOR, service.id)).rejects.toMatchObject({
      code: 'StillInUse',
      message: expect.stringContaining('trigger name'),
    });
    await deleteTrigger(space.platform, LOCAL_ACTOR, id);

    await deleteService(space.platform, LOCAL_ACTOR, service.id);
  });
});

describe('a cron trigger', () => {
  const hourly = () =>
    createTrigger(space.platform, LOCAL_ACTOR, {
      type: 'Cron',
      name: 'hourly',
      projectId: space.project.id,
      spec: {
        cron: '0 * * * *',
        input: { word: 'tock' },
        operation: { type: 'function', serviceId: service.id, functionName: 'tick' },
      },
    });

  it('asks for a run by an event that goes to the function of all services, once a time', async () => {
    await hourly();
    space.platform.clock.advance(3_600_000);
    const [id] = await fireDueTriggers(space.platform);
    const events = await takeEvents(space.platform);
    expect(events).toMatchObject([
      { resource: 'Execution', resourceId: id, body: { functionName: 'service' } },
    ]);

    await deliver({ detail: events[0] as unknown as JsonObject });

    expect(await space.platform.store.get('Execution', id!)).toMatchObject({
      functionName: 'tick',
      serviceVersion: '1.0.0',
      maxAttempts: 2,
      output: { word: 'tock' },
    });
    expect(await fireDueTriggers(space.platform)).toEqual([]);
  });

  it('is run by a schedule of the cloud, unless its service is stopped', async () => {
    const { id } = await hourly();
    const told = (time: string) =>
      callFromSchedule(space.container, serviceFunction, { trigger: id, time }, undefined);

    expect((await told('2026-01-31T13:00:00Z')).executions).toHaveLength(1);
    await setServiceActive(space.platform, LOCAL_ACTOR, service.id, false);

    expect((await told('2026-01-31T14:00:00Z')).executions).toEqual([]);
    space.platform.clock.advance(7_200_000);
    expect(await fireDueTriggers(space.platform)).toEqual([]);
  });
});

describe('an execution that was asked for by its id', () => {
  const ask = (input: JsonObject, fields: JsonObject = {}) =>
    requestExecution(space.platform, LOCAL_ACTOR, 'asked', {
      functionName: 'tick',
      projectId: space.project.id,
      serviceId: service.id,
      input,
      ...fields,
    });
  const run = async () => {
    for (const each of await takeEvents(space.platform))
      await deliver({ detail: each as unknown as JsonObject });
    return space.platform.store.get('Execution', 'asked');
  };

  it('runs, and runs again when it is asked to', async () => {
    expect(await ask({ word: 'one' })).toMatchObject({ latestStatus: { status: 'created' }, maxAttempts: 2 });
    expect(await run()).toMatchObject({ output: { word: 'one' } });

    await rerunExecution(space.platform, LOCAL_ACTOR, 'asked');

    expect(await run()).toMatchObject({ output: { word: 'one' }, attempts: 2, maxAttempts: 3 });
  });

  it('has its failure in its record when the service was stopped in between', async () => {
    await ask({ word: 'one' });
    await setServiceActive(space.platform, LOCAL_ACTOR, service.id, false);

    expect(await run()).toMatchObject({ error: { code: 'ServiceStopped' } });
  });

  it.each([
    ['a function that the service has not', {}, { functionName: 'tack' }, 'UnknownFunction'],
    ['a missing input', {}, {}, 'InvalidInput'],
    ['an input of another type', { word: 3 }, {}, 'InvalidInput'],
  ])('for %s is refused, and nothing is recorded', async (_what, input, fields, code) => {
    await expect(ask(input, fields)).rejects.toMatchObject({ code });
    expect(await executions()).toEqual([]);
  });

  it('of a stopped service is refused', async () => {
    await setServiceActive(space.platform, LOCAL_ACTOR, service.id, false);

    await expect(ask({ word: 'one' })).rejects.toMatchObject({ code: 'ServiceStopped' });
    expect(await executions()).toEqual([]);
  });
});
