import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STRANGER } from '../../support/workspace.ts';
import { openTestApi, type TestApi } from './open-test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

const create = (fields: object = {}) =>
  api.call('POST', '/models', { name: 'm1', projectId: api.project.id, ...fields });

describe('/models', () => {
  it('a created model has exactly the keys of the contract, and every later answer is equal to it', async () => {
    const { status, body: model } = await create({ codebase: { type: 'local', localPath: '/cwd' } });

    expect(status).toBe(200);
    expect(Object.keys(model).sort()).toEqual(
      (
        'className codebase createdAt creator description entryPoint global id inputType name outputType projectId ' +
        'tags updatedAt url version'
      ).split(' '),
    );
    expect(model.url).toBe(`${api.baseUrl}/models/${model.id}`);
    expect((await api.call('GET', `/models/${model.id}`)).body).toEqual(model);
    expect((await api.call('POST', '/models/query', { resource: 'models' })).body.items).toEqual([model]);
    expect((await api.call('PATCH', `/models/${model.id}`, model)).body).toEqual(model);
  });

  it('a configuration is shown where there is one', async () => {
    const { body } = await create({ configuration: { C: 1 } });

    expect(body.configuration).toEqual({ C: 1 });
  });

  it('a taken name is a 409', async () => {
    await create();

    expect(await create()).toMatchObject({ status: 409, body: { statusCode: 409, code: 'Conflict' } });
  });

  it('pushed code is a PATCH of the whole model, and a revision', async () => {
    const { body: model } = await create();

    const codebase = { type: 'item', itemId: '61f8245d0f6f7a1100000031' };
    const patched = await api.call('PATCH', `/models/${model.id}`, { ...model, codebase });
    const revisions = await api.call<{ version: string }[]>('GET', `/models/${model.id}/revisions`);

    expect(patched.body).toMatchObject({ version: '1.0.1', codebase });
    expect(revisions.body.map(({ version }) => version)).toEqual(['1.0.0', '1.0.1']);
  });

  it('a page past the end is empty, and all pages have the keys of a page', async () => {
    await create();

    expect((await api.call('POST', '/models/query', { page: 1, pageSize: 100 })).body).toEqual({
      items: [],
      totalItemsCount: 1,
      totalPagesCount: 1,
      hasNextPage: false,
    });
  });

  it('a delete with a body works, and twice is a 404', async () => {
    const { body: model } = await create();

    expect((await api.call('DELETE', `/models/${model.id}`, { username: 'me' })).status).toBe(200);
    expect((await api.call('DELETE', `/models/${model.id}`)).body).toMatchObject({ code: 'EntityNotFound' });
  });

  it('a foreign model is not there', async () => {
    const { body: model } = await create();
    api.as(STRANGER);

    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['GET', '/revisions'],
    ] as const)
      expect(
        (await api.call(method, `/models/${model.id}${path}`, method === 'PATCH' ? {} : undefined)).status,
      ).toBe(404);
    expect((await api.call('POST', '/models/query', {})).body.totalItemsCount).toBe(0);
  });

  it('__proto__ in a body is no more than a key', async () => {
    const response = await fetch(`${api.baseUrl}/models`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"name":"m1","projectId":"${api.project.id}","__proto__":{"global":true}}`,
    });

    expect(await response.json()).toMatchObject({ global: false });
  });
});
