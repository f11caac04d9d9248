import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../shared/json.ts';
import { STRANGER } from '../../support/workspace.ts';
import { openTestApi, type TestApi } from './open-test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

/** As Dataloop's client sends a package: whole, with nulls for what it has not. */
const packageBody = (fields: JsonObject = {}): JsonObject => ({
  id: null,
  url: null,
  version: null,
  name: 'tools',
  creator: null,
  projectId: api.project.id,
  type: 'faas',
  global: null,
  codebase: { type: 'item', itemId: '61f8245d0f6f7a1100000031' },
  slots: null,
  uiHooks: null,
  serviceConfig: null,
  requirements: null,
  modules: [
    {
      name: 'default_module',
      className: 'ServiceRunner',
      entryPoint: 'main.mjs',
      initInputs: [{ name: 'word', type: 'String', value: null }],
      functions: [
        {
          name: 'run',
          description: '',
          displayName: null,
          displayIcon: '',
          input: [{ name: 'item', type: 'Item', value: null, description: null }],
          output: [{ name: 'score', type: 'Float' }],
        },
      ],
    },
  ],
  ...fields,
});
const serviceBody = (packageId: string, fields: JsonObject = {}): JsonObject => ({
  name: 'tools-service',
  projectId: api.project.id,
  packageId,
  packageRevision: '1.0.0',
  moduleName: 'default_module',
  initParams: { word: 'hello' },
  botUserName: 'bot@example.org',
  versions: { dtlpy: '1.49.20', verify: true },
  runtime: { podType: 'regular-s', numReplicas: 1, concurrency: 1, singleAgent: false, autoscaler: null },
  driverId: null,
  ...fields,
});
type Body = JsonObject & { id: string; version: string; code: string; message: string };
const post = (path: string, body: unknown = {}) => api.call<Body>('POST', path, body);
const get = <T = Body>(path: string) => api.call<T>('GET', path);
const newPackage = async () => (await post('/packages', packageBody())).body;
const newService = async (fields: JsonObject = {}) =>
  (await post('/services', serviceBody((await newPackage()).id, fields))).body;

describe('/packages', () => {
  it('answers what it made as it reads it later, in the keys of the platform', async () => {
    const made = await post('/packages', packageBody());

    expect(made.status).toBe(200);
    expect(Object.keys(made.body).sort()).toEqual(
      [
        ...[
          'id',
          'url',
          'version',
          'name',
          'creator',
          'type',
          'modules',
          'projectId',
          'createdAt',
          'updatedAt',
        ],
        ...['global', 'codebase'],
      ].sort(),
    );
    expect(made.body).toMatchObject({ version: '1.0.0', url: `${api.baseUrl}/packages/${made.body.id}` });
    expect((await get(`/packages/${made.body.id}`)).body).toEqual(made.body);
  });

  it('raises the patch version with a change, keeps the version before, and takes a whole package back unchanged', async () => {
    const made = await newPackage();
    expect((await api.call('PATCH', `/packages/${made.id}`, made)).body).toEqual(made);

    api.platform.clock.advance(1000);
    const { body } = await api.call<Body>('PATCH', `/packages/${made.id}`, {
      ...made,
      codebase: { type: 'item', itemId: '61f8245d0f6f7a1100000032' },
    });

    expect(body.version).toBe('1.0.1');
    expect(body.updatedAt).not.toBe(made.updatedAt);
    expect((await get<JsonObject[]>(`/packages/${made.id}/revisions`)).body).toMatchObject([
      { version: '1.0.0', codebase: { itemId: '61f8245d0f6f7a1100000031' } },
      { version: '1.0.1', codebase: { itemId: '61f8245d0f6f7a1100000032' } },
    ]);
  });

  it.each<[string, JsonObject, string]>([
    ['a bad name', { name: 'Tools' }, 'InvalidName'],
    ['a long name', { name: 'a'.repeat(36) }, 'InvalidName'],
    ['an unknown type', { modules: [module({ input: [{ name: 'a', type: 'Image' }] })] }, 'InvalidInput'],
    ['an input without a name', { modules: [module({ input: [{ type: 'Item' }] })] }, 'InvalidInput'],
    ['two inputs of a name', { modules: [module({ input: [in_('a'), in_('a')] })] }, 'InvalidInput'],
    ['a function named as every object has one', { modules: [module({ name: 'toString' })] }, 'InvalidInput'],
    ['a function named as runners have one', { modules: [module({ name: 'close' })] }, 'InvalidInput'],
    ['an Item to be loaded', { modules: [module({ input: [{ ...in_('a'), load: true }] })] }, 'InvalidInput'],
    ['a file outside of the code', { modules: [{ entryPoint: '../main.mjs' }] }, 'InvalidInput'],
    ['a codebase of no kind', { codebase: { type: 'ftp' } }, 'InvalidInput'],
    ['a project that is not there', { projectId: 'nowhere' }, 'EntityNotFound'],
  ])('refuses %s and keeps nothing', async (_what, fields, code) => {
    const { status, body } = await post('/packages', packageBody(fields));

    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(body.code).toBe(code);
    expect(await api.platform.store.count('Package', {})).toBe(0);
  });

  it('refuses a name that is taken, with 409', async () => {
    await newPackage();

    expect(await post('/packages', packageBody())).toMatchObject({ status: 409, body: { code: 'Conflict' } });
  });

  it('is deleted when no service runs it any more', async () => {
    const { id, packageId } = await newService();

    expect(await api.call('DELETE', `/packages/${packageId}`)).toMatchObject({
      status: 409,
      body: { code: 'StillInUse', message: expect.stringContaining('service tools-service') },
    });
    await api.call('DELETE', `/services/${id}`);

    expect((await api.call('DELETE', `/packages/${packageId}`)).status).toBe(200);
    expect((await get(`/packages/${packageId}`)).status).toBe(404);
  });
});

describe('/piper-misc/naming', () => {
  it.each([
    ['packages/tools-2', 200, undefined],
    ['services/a', 200, undefined],
    ['packages/2tools', 400, /^Invalid package name:/],
    ['packages/tools-', 400, /^Invalid package name:/],
    ['services/Tools', 400, /^Invalid service name:/],
    [`packages/${'a'.repeat(36)}`, 400, /Name must be at most 35 characters/],
  ])('%s: %s', async (path, status, message) => {
    const answer = await get(`/piper-misc/naming/${path}`);

    expect(answer.status).toBe(status);
    if (message) expect(answer.body.message).toMatch(message);
  });
});

describe('/services', () => {
  it('answers what it made as it reads it later, in the keys of the platform', async () => {
    const made = await newService();

    expect(made).toMatchObject({
      version: '1.0.0',
      active: true,
      packageRevision: '1.0.0',
      executionTimeout: 3600,
      drainTime: 600,
      onReset: 'rerun',
      maxAttempts: 3,
      runtime: { podType: 'regular-s' },
    });
    expect(made).not.toHaveProperty('revisions');
    expect((await get(`/services/${made.id}`)).body).toEqual(made);
    expect((await api.call('PATCH', `/services/${made.id}?force=true`, made)).body).toEqual(made);
  });

  it('has a runtime and the only module of its package where the client sends none', async () => {
    const made = await newService({ runtime: null, moduleName: null, packageRevision: null });

    expect(made).toMatchObject({
      runtime: { podType: 'regular-s', numReplicas: 1, concurrency: 1 },
      moduleName: 'default_module',
      packageRevision: '1.0.0',
    });
  });

  it('keeps the version before a change', async () => {
    const made = await newService();

    await api.call('PATCH', `/services/${made.id}`, { ...made, executionTimeout: 60 });

    expect((await get<JsonObject[]>(`/services/${made.id}/revisions`)).body).toMatchObject([
      { version: '1.0.0', executionTimeout: 3600 },
      { version: '1.0.1', executionTimeout: 60 },
    ]);
  });

  it('is stopped and resumed, and tells how it is', async () => {
    const { id } = await newService();

    expect((await post(`/services/${id}/stop`)).body).toMatchObject({ active: false });
    expect((await get(`/services/${id}/status`)).body).toEqual({
      serviceId: id,
      status: 'stopped',
      waiting: 0,
      running: 0,
    });
    expect((await post(`/services/${id}/resume`)).body).toMatchObject({ active: true });
  });

  it.each<[string, JsonObject, number, string]>([
    ['a bad name', { name: '-tools' }, 400, 'InvalidName'],
    ['a package that is not there', { packageId: 'nothing' }, 404, 'EntityNotFound'],
    ['a version that the package never had', { packageRevision: '2.0.0' }, 409, 'PackageVersionMissing'],
    ['a module that the package has not', { moduleName: 'other' }, 400, 'InvalidInput'],
    [
      'an init param that the module does not take',
      { initParams: { word: 'x', more: 1 } },
      400,
      'InvalidInput',
    ],
    ['a missing init param', { initParams: {} }, 400, 'InvalidInput'],
    ['a negative time', { executionTimeout: -1 }, 400, 'InvalidInput'],
  ])('refuses %s and keeps nothing', async (_what, fields, status, code) => {
    const { id } = await newPackage();

    expect(await post('/services', serviceBody(id, fields))).toMatchObject({ status, body: { code } });
    expect(await api.platform.store.count('Service', {})).toBe(0);
  });

  it('refuses Python and a package without code, which could never run', async () => {
    const [module] = packageBody().modules as JsonObject[];
    const python = await post(
      '/packages',
      packageBody({ name: 'python', modules: [{ ...module, entryPoint: 'main.py' }] }),
    );
    const empty = await post('/packages', packageBody({ name: 'empty', codebase: null }));

    for (const { body } of [python, empty])
      expect(await post('/services', serviceBody(body.id))).toMatchObject({
        status: 422,
        body: { code: 'RunnerUnusable' },
      });
  });

  it('finds packages and services by the query of the platform', async () => {
    const { id, packageId } = await newService();
    const filter = { $and: [{ global: { $ne: true } }, { projectId: api.project.id }] };

    for (const [resource, found] of [
      ['services', id],
      ['packages', packageId],
    ])
      expect((await post('/query/faas', { filter, resource })).body).toMatchObject({
        items: [{ id: found }],
        totalItemsCount: 1,
      });
  });

  it('makes an execution that the function of all services is to run', async () => {
    const { id, packageId } = await newService();

    const { body } = await post(`/executions/${id}`, {
      input: { item: { item_id: '61f8245d0f6f7a1100000010' } },
      projectId: api.project.id,
      functionName: 'run',
    });

    expect(body).toMatchObject({
      serviceId: id,
      functionName: 'run',
      packageId,
      packageName: 'tools',
      serviceVersion: '1.0.0',
      maxAttempts: 3,
      latestStatus: { status: 'created' },
    });
    expect((await get(`/services/${id}/status`)).body).toMatchObject({ waiting: 1 });
    expect((await get(`/executions/${body.id}`)).body).toEqual(body);
  });

  it('tells the logs of its executions, put together by time, and those of one', async () => {
    const { id } = await newService();
    const { store } = api.platform;
    for (const [executionId, at] of [
      ['e1', '01'],
      ['e2', '02'],
    ]) {
      await api.call('PUT', `/executions/${executionId}`, {
        functionName: 'run',
        serviceId: id,
        projectId: api.project.id,
        input: { item: 'i' },
      });
      const line = (second: string) => ({
        timestamp: `2026-01-31T12:00:${second}.000Z`,
        level: 'info' as const,
        message: `${executionId} at ${second}`,
      });
      await store.appendLogs(executionId!, [line(at!), line(`1${at![1]}`)], 0);
    }
    const logs = async (query: JsonObject) => (await post(`/services/${id}/logs`, query)).body;
    const messages = (part: JsonObject) => (part.logs as { message: string }[]).map(({ message }) => message);

    const all = await logs({ direction: 'asc', follow: true, system: false, serviceId: id, start: null });
    expect(messages(all)).toEqual(['e1 at 01', 'e2 at 02', 'e1 at 11', 'e2 at 12']);
    expect(all.stop).toBe(false);
    expect(messages(await logs({ checkpoint: all.checkpoint! }))).toEqual([]);
    expect(messages(await logs({ executionId: 'e2' }))).toEqual(['e2 at 02', 'e2 at 12']);
    expect(messages(await logs({ direction: 'desc', text: 'e1' }))).toEqual(['e1 at 11', 'e1 at 01']);
  });

  it('and packages are nothing to a stranger, and go with their project', async () => {
    const { id, packageId } = await newService();
    api.as(STRANGER);
    for (const path of [`/services/${id}`, `/services/${id}/revisions`, `/packages/${packageId}`])
      expect((await get(path)).status).toBe(404);
    expect((await post(`/services/${id}/stop`)).status).toBe(404);
    api.as(api.actor);

    await api.call('DELETE', `/projects/${api.project.id}`);

    const { store } = api.platform;
    expect([await store.count('Package', {}), await store.count('Service', {})]).toEqual([0, 0]);
  });
});

describe('/projects/{id}/bots', () => {
  it('makes a bot for the client that deploys, the same one for a name', async () => {
    const path = `/projects/${api.project.id}/bots`;
    expect((await get<JsonObject[]>(path)).body).toEqual([]);

    const bot = (await post(path, { name: 'package_name', returnCredentials: false })).body;

    expect(bot).toMatchObject({ email: expect.stringContaining('@'), name: 'package_name' });
    expect((await post(path, { name: 'package_name' })).body).toEqual(bot);
    expect((await get<JsonObject[]>(path)).body).toEqual([bot]);
    expect((await get(`${path}/${bot.id}`)).body).toEqual(bot);
    expect((await get(`/projects/${api.project.id}`)).body).not.toHaveProperty('bots');
    await api.call('DELETE', `${path}/${bot.id}`);
    expect((await get<JsonObject[]>(path)).body).toEqual([]);
  });
});

function in_(name: string): JsonObject {
  return { name, type: 'Item' };
}

function module(fields: JsonObject): JsonObject {
  return { functions: [{ name: 'run', ...fields }] };
}
