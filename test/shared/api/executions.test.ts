import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimExecution, finishExecution } from '../../../shared/invoke/executions.ts';
import { faultyStore } from '../../support/faulty-store.ts';
import { STRANGER, takeEvents } from '../../support/workspace.ts';
import { openTestApi, type TestApi } from './open-test-api.ts';

const ID = 'nightly-2026-01-31';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

const body = (fields: object = {}) => ({
  functionName: 'predict',
  input: { snapshot: 's1' },
  projectId: api.project.id,
  ...fields,
});

/** Runs the execution as a container does, up to its end. */
async function run(result: { output: object } | { fault: number }): Promise<void> {
  const call = {
    functionName: 'predict',
    input: { snapshot: 's1' },
    caller: 'event' as const,
    actor: api.actor,
  };
  await claimExecution(api.platform, ID, call, 'holder');
  const record =
    'output' in result
      ? { output: {} }
      : { error: { statusCode: result.fault, code: 'Failed', message: 'it failed', details: {} } };
  await finishExecution(api.platform, ID, 'holder', { ...record, durationMs: 1 });
}

describe('PUT /executions/{id}', () => {
  it('makes an execution under the id of the caller, and has it run once however often it is sent', async () => {
    const first = await api.call('PUT', `/executions/${ID}`, body());
    const again = await api.call('PUT', `/executions/${ID}`, body());

    expect(first).toMatchObject({
      status: 200,
      body: {
        id: ID,
        functionName: 'predict',
        latestStatus: { status: 'created' },
        projectId: api.project.id,
      },
    });
    expect(again.body).toEqual(first.body);
    expect(await takeEvents(api.platform)).toEqual([
      expect.objectContaining({ resource: 'Execution', resourceId: ID, body: { functionName: 'predict' } }),
    ]);
  });

  it('of many at once is one execution and one run', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.call('PUT', `/executions/${ID}`, body())),
    );

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await takeEvents(api.platform)).toHaveLength(1);
  });

  it('answers what the run ended with once it did', async () => {
    await api.call('PUT', `/executions/${ID}`, body());
    await run({ output: {} });
    await takeEvents(api.platform);

    const { body: answer } = await api.call('PUT', `/executions/${ID}`, body());

    expect(answer.latestStatus.status).toBe('success');
    expect(await takeEvents(api.platform)).toEqual([]);
  });

  it.each([
    ['input', { input: { snapshot: 's2' } }],
    ['function', { functionName: 'evaluate' }],
  ])('with another %s under the same id is refused', async (_what, other) => {
    await api.call('PUT', `/executions/${ID}`, body());

    expect(await api.call('PUT', `/executions/${ID}`, body(other))).toMatchObject({
      status: 409,
      body: { code: 'ExecutionMismatch' },
    });
  });

  it.each([
    ['a function that there is not', { functionName: 'predcit' }, 400, 'UnknownFunction'],
    ['a project that there is not', { projectId: 'nowhere' }, 404, 'EntityNotFound'],
    ['no project', { projectId: undefined }, 400, 'InvalidInput'],
    ['an input that is no object', { input: [] }, 400, 'InvalidInput'],
  ])('with %s is refused and makes nothing', async (_what, fields, status, code) => {
    expect(await api.call('PUT', `/executions/${ID}`, body(fields))).toMatchObject({
      status,
      body: { code },
    });
    expect((await api.call('GET', `/executions/${ID}`)).status).toBe(404);
    expect(await takeEvents(api.platform)).toEqual([]);
  });

  it('with an id of another project is not found', async () => {
    await api.call('PUT', `/executions/${ID}`, body());
    api.as({ ...STRANGER, projectIds: [] });

    expect((await api.call('PUT', `/executions/${ID}`, body())).status).toBe(404);
  });
});

it('an execution whose event cannot be written is not made', async () => {
  const faulty = await openTestApi((platform) => ({ ...platform, store: faultyStore(platform.store, 1) }));

  const { status } = await faulty.call('PUT', `/executions/${ID}`, {
    ...body(),
    projectId: faulty.project.id,
  });

  expect(status).toBe(500);
  expect(await faulty.platform.store.get('Execution', ID)).toBeUndefined();
  await faulty.close();
});

it('POST /executions/{serviceId} makes an execution of the service under an id of its own', async () => {
  const { body: made } = await api.call('POST', '/executions/service-1', body());

  expect(made).toMatchObject({ serviceId: 'service-1', functionName: 'predict' });
  expect((await takeEvents(api.platform)).map(({ resourceId }) => resourceId)).toEqual([made.id]);
});

describe('POST /executions/{id}/rerun', () => {
  it.each([[{ output: {} }], [{ fault: 400 }]])('has a run that ended with %j run again', async (result) => {
    await api.call('PUT', `/executions/${ID}`, body());
    await run(result);
    await takeEvents(api.platform);

    const { body: queued } = await api.call('POST', `/executions/${ID}/rerun`);

    expect(queued).toMatchObject({ output: null, error: null, latestStatus: { status: 'created' } });
    expect(await takeEvents(api.platform)).toEqual([
      expect.objectContaining({ resource: 'Execution', resourceId: ID }),
    ]);
    await run({ output: {} });
    expect((await api.call('GET', `/executions/${ID}`)).body).toMatchObject({
      attempts: 2,
      latestStatus: { status: 'success' },
      status: expect.arrayContaining([expect.objectContaining({ status: 'rerun' })]),
    });
  });

  it('with sync=true answers when the run ended', async () => {
    await api.call('PUT', `/executions/${ID}`, body());
    await run({ fault: 500 });

    const answer = api.call('POST', `/executions/${ID}/rerun?sync=true`);
    while ((await api.platform.store.get('Execution', ID))?.latestStatus.status !== 'created')
      await new Promise(setImmediate);
    await run({ output: {} });

    expect((await answer).body.latestStatus.status).toBe('success');
  });

  it('is refused while a container holds the run', async () => {
    await api.call('PUT', `/executions/${ID}`, body());
    const call = {
      functionName: 'predict',
      input: { snapshot: 's1' },
      caller: 'event' as const,
      actor: api.actor,
    };
    await claimExecution(api.platform, ID, call, 'holder');

    expect(await api.call('POST', `/executions/${ID}/rerun`)).toMatchObject({
      status: 409,
      body: { code: 'ExecutionInProgress' },
    });
  });
});

it('attempts are read and counted as a number', async () => {
  await api.call('PUT', `/executions/${ID}`, body());

  expect((await api.call<number>('GET', `/executions/${ID}/attempts`)).body).toBe(0);
  expect((await api.call<number>('POST', `/executions/${ID}/attempts`)).body).toBe(1);
  await run({ output: {} });
  expect((await api.call('POST', `/executions/${ID}/attempts`)).status).toBe(409);
});
