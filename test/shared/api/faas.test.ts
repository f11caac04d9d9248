import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newExecution } from '../../../shared/invoke/executions.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { openTestApi, type TestApi } from './open-test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

const newTrigger = () => ({
  name: 't',
  type: 'Event',
  active: true,
  projectId: api.project.id,
  scope: 'project',
  spec: {
    filter: {},
    resource: 'Item',
    actions: ['Created'],
    executionMode: 'Always',
    input: {},
    operation: { type: 'function', serviceId: 'svc', functionName: 'predict' },
  },
});

async function recorded(): Promise<string> {
  const call = {
    functionName: 'train',
    input: {},
    projectId: api.project.id,
    caller: 'http' as const,
    actor: api.actor,
  };
  await api.platform.store.insert('Execution', [newExecution(api.platform, 'e1', call)]);
  return 'e1';
}

describe('/triggers', () => {
  it('is created, read, changed, listed and deleted', async () => {
    const { status, body: trigger } = await api.call('POST', '/triggers', newTrigger());

    expect(status).toBe(200);
    expect(trigger.url).toBe(`${api.baseUrl}/triggers/${trigger.id}`);
    expect((await api.call('GET', `/triggers/${trigger.id}`)).body).toEqual(trigger);
    const patched = await api.call('PATCH', `/triggers/${trigger.id}`, { ...trigger, active: false });
    expect(patched.body.active).toBe(false);
    const envelope = { filter: { $and: [{ 'spec.operation.serviceId': 'svc' }] }, resource: 'triggers' };
    expect((await api.call('POST', '/query/faas', envelope)).body.items).toEqual([patched.body]);
    expect((await api.call('DELETE', `/triggers/${trigger.id}`)).status).toBe(200);
    expect((await api.call('GET', `/triggers/${trigger.id}`)).status).toBe(404);
  });
});

it('a cron trigger is answered with its next times, and one that is switched off with none', async () => {
  const { body } = await api.call<JsonObject>('POST', '/triggers', {
    ...newTrigger(),
    type: 'Cron',
    spec: { cron: '0 3 * * *', operation: { type: 'function', functionName: 'train' } },
  });
  const off = await api.call<JsonObject>('PATCH', `/triggers/${body.id}`, { active: false });

  expect(body.nextRuns).toHaveLength(5);
  expect((body.nextRuns as string[])[0]).toBe('2026-02-01T03:00:00.000Z');
  expect(off.body.nextRuns).toEqual([]);
});

describe('/executions', () => {
  it('is read and listed with the keys of the contract, the lease left out', async () => {
    const id = await recorded();

    const { body } = await api.call('GET', `/executions/${id}`);

    expect(body).toMatchObject({
      id,
      functionName: 'train',
      latestStatus: { status: 'created' },
      url: `${api.baseUrl}/executions/${id}`,
    });
    expect(body).not.toHaveProperty('lease');
    const envelope = { filter: { $and: [{ functionName: 'train' }] }, resource: 'executions' };
    expect((await api.call('POST', '/query/faas', envelope)).body.items).toEqual([body]);
  });

  it('a whole execution sent back changes nothing', async () => {
    const id = await recorded();
    const { body } = await api.call('GET', `/executions/${id}`);

    const patched = await api.call('PATCH', `/executions/${id}`, {
      ...body,
      'syncReplyTo ': null,
      output: 'forged',
    });

    expect(patched.body).toEqual(body);
  });

  it('takes reports of progress, and no result from them', async () => {
    const id = await recorded();
    const report = (body: object) => api.call('POST', `/executions/${id}/progress`, body);

    const moved = await report({ status: 'inProgress', percentComplete: 10 });
    const forged = await report({ status: 'success', output: { weights: {} } });

    expect(moved.body.latestStatus).toMatchObject({ status: 'inProgress', percentComplete: 10 });
    expect(forged).toMatchObject({ status: 403, body: { code: 'ResultRefused' } });
  });

  it('is terminated', async () => {
    const id = await recorded();

    const { body } = await api.call('POST', `/executions/${id}/terminate`);

    expect(body).toMatchObject({ toTerminate: true, latestStatus: { status: 'failed' } });
  });
});

describe('/query/faas', () => {
  it.each(['services', 'packages'])('%s are none', async (resource) => {
    const filter = { $and: [{ global: { $ne: true } }, { projectId: api.project.id }] };

    expect((await api.call('POST', '/query/faas', { filter, resource })).body).toMatchObject({
      items: [],
      totalItemsCount: 0,
    });
  });

  it('another resource is refused', async () => {
    expect(await api.call('POST', '/query/faas', { resource: 'models' })).toMatchObject({
      status: 400,
      body: { code: 'InvalidInput' },
    });
  });
});
