import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serviceFunction } from '../../../functions/service/service.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { terminateExecution } from '../../../shared/catalog/executions.ts';
import { updatePackage } from '../../../shared/catalog/packages.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { deleteService, setServiceActive, updateService } from '../../../shared/catalog/services.ts';
import { createHttpCaller } from '../../../shared/invoke/callers/http.ts';
import { callFromPipeline } from '../../../shared/invoke/callers/pipeline.ts';
import { createContainer } from '../../../shared/invoke/handler.ts';
import type { Container } from '../../../shared/invoke/run.ts';
import type { Json, JsonObject } from '../../../shared/json.ts';
import { httpRequest } from '../../support/events.ts';
import { runInPlace } from '../../support/run-function.ts';
import { deploy, pushCode } from '../../support/service-workspace.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

/** Of this process, whatever else declares one: what functions say belongs into their logs. */
const { console } = globalThis as unknown as { console: Console };
console.log = () => undefined;

let space: TinyWorkspace;
beforeEach(async () => {
  space = await openTinyWorkspace();
});
afterEach(() => space.platform.close());

/** As a task of a pipeline calls it; `executionId` makes it one that can be looked at. */
const call = (service: string, fn: string, inputs: JsonObject, executionId?: string, container?: Container) =>
  callFromPipeline(
    container ?? space.container,
    serviceFunction,
    { function: fn, service, inputs, ...(executionId !== undefined && { executionId }) },
    undefined,
  );
const execution = (id: string) => space.platform.store.get('Execution', id);

const ADD = `export class Runner {
  add({ a, b = 1 }, context) {
    context.progress(50, 'half way');
    context.log.info('adding', { a, b });
    console.log('on the console');
    return { sum: a + b };
  }
}`;
const ADD_FUNCTION = {
  name: 'add',
  input: [
    { name: 'a', type: 'Integer' },
    { name: 'b', type: 'Integer', value: 10 },
  ],
  output: [{ name: 'sum', type: 'Integer' }],
};

describe('a function of a service', () => {
  it('is called with its inputs by name, defaults in place of what is not given, and has a record of its run', async () => {
    const { service, package: made } = await deploy(space, ADD, [ADD_FUNCTION]);

    expect(await call(service.id, 'add', { a: 2 }, 'first')).toEqual({ sum: 12 });

    expect(await execution('first')).toMatchObject({
      functionName: 'add',
      serviceId: service.id,
      packageId: made.id,
      packageName: 'tools',
      serviceVersion: '1.0.0',
      projectId: space.project.id,
      input: { a: 2 },
      output: { sum: 12 },
      latestStatus: { status: 'success' },
      maxAttempts: 3,
      attempts: 1,
    });
    const lines = await space.platform.store.readLogs('first', { after: 0, limit: 10 });
    expect(lines.map(({ message }) => message)).toEqual(['adding {"a":2,"b":10}', 'on the console']);
  });

  it('is found by the name of its service too', async () => {
    await deploy(space, ADD, [ADD_FUNCTION]);

    const payload = { function: 'add', service: { name: 'tools' }, inputs: { a: 1, b: 1 } };

    expect(await callFromPipeline(space.container, serviceFunction, payload, undefined)).toEqual({ sum: 2 });
  });

  it('gets entities in place of references, and answers entities as references', async () => {
    const code = `export class Runner {
      pick({ items, dataset, snapshot }) {
        return { first: items[0], all: items.map((item) => item.id), where: dataset.name + '/' + snapshot.name };
      }
    }`;
    const { service } = await deploy(space, code, [
      {
        name: 'pick',
        input: [
          { name: 'items', type: 'Item[]' },
          { name: 'dataset', type: 'Dataset' },
          { name: 'snapshot', type: 'Snapshot' },
        ],
        output: [
          { name: 'first', type: 'Item' },
          { name: 'all', type: 'Item[]' },
          { name: 'where', type: 'String' },
        ],
      },
    ]);
    const ids = ['/test/0.json', '/test/4.json'].map((path) => space.items.get(path)!.id);

    const output = await call(service.id, 'pick', {
      items: { dataset: space.dataset.id, filter: { filename: { $in: ['/test/0.json', '/test/4.json'] } } },
      dataset: { dataset_id: space.dataset.id },
      snapshot: { name: 'first' },
    });

    expect(output).toEqual({
      first: { item_id: ids[0] },
      all: ids.map((item_id) => ({ item_id })),
      where: 'numbers/first',
    });
  });

  it('gets the loaded adapter of a snapshot that it declares with load, one load for all calls', async () => {
    await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
    const code = `export class Runner {
      async surest({ model, items }) {
        const { results, failed } = await model.predict(items);
        return { labels: results.map(({ predictions }) => predictions[0].label), failed: failed.length, of: model.labels };
      }
    }`;
    const { service } = await deploy(space, code, [
      {
        name: 'surest',
        input: [
          { name: 'model', type: 'Snapshot', load: true },
          { name: 'items', type: 'Item[]' },
        ],
        output: [
          { name: 'labels', type: 'String[]' },
          { name: 'failed', type: 'Integer' },
          { name: 'of', type: 'Json' },
        ],
      },
    ]);
    const inputs = {
      model: space.snapshot.id,
      items: ['/test/0.json', '/test/14.json'].map((path) => space.items.get(path)!.id),
    };
    const before = space.probe.loads;

    for (const _ of [1, 2])
      expect(await call(service.id, 'surest', inputs)).toEqual({
        labels: ['low', 'high'],
        failed: 0,
        of: expect.arrayContaining(['low', 'high']),
      });

    expect(space.probe.loads - before).toBe(1);
  });

  it('constructs its class once a container, with the init params of its service', async () => {
    const code = `let made = 0;
    export class Runner {
      constructor({ params }) { this.params = params; made += 1; }
      async init() { this.ready = true; }
      tell() { return { made, word: this.params.word, dataset: this.params.dataset.name, ready: this.ready }; }
    }`;
    const output = ['made:Integer', 'word:String', 'dataset:String', 'ready:Boolean'].map((each) => {
      const [name, type] = each.split(':');
      return { name: name!, type: type! };
    });
    const { service } = await deploy(space, code, [{ name: 'tell', output }], {
      initInputs: [
        { name: 'word', type: 'String' },
        { name: 'dataset', type: 'Dataset' },
      ],
      initParams: { word: 'hello', dataset: { dataset_id: space.dataset.id } },
    });
    const told = { made: 1, word: 'hello', dataset: 'numbers', ready: true };

    expect(await Promise.all([call(service.id, 'tell', {}), call(service.id, 'tell', {})])).toEqual([
      told,
      told,
    ]);
    expect(
      await call(service.id, 'tell', {}, undefined, createContainer(space.platform, space.builtIns)),
    ).toEqual({ ...told, made: 2 });
  });

  it('writes within its project, and a run that is made again writes nothing twice', async () => {
    const code = `let calls = 0;
    export class Runner {
      async mark({ item, dataset }, context) {
        await context.annotate(item, [{ type: 'class', label: 'low' }, { type: 'class', label: 'high' }]);
        await context.updateMetadata(item, { user: { marked: true } });
        await context.upload(dataset, '/report.txt', 'done');
        calls += 1;
        if (calls === 1) throw new Error('the first attempt breaks');
      }
    }`;
    const { service } = await deploy(space, code, [
      {
        name: 'mark',
        input: [
          { name: 'item', type: 'Item' },
          { name: 'dataset', type: 'Dataset' },
        ],
      },
    ]);
    const item = space.items.get('/test/4.json')!;
    const before = item.annotationsCount;

    expect(await call(service.id, 'mark', { item: item.id, dataset: space.dataset.id }, 'marked')).toEqual(
      {},
    );

    expect(await execution('marked')).toMatchObject({ attempts: 2, latestStatus: { status: 'success' } });
    const { store } = space.platform;
    expect(await store.get('Item', item.id)).toMatchObject({
      annotationsCount: before + 2,
      metadata: { user: { marked: true } },
    });
    expect(await store.count('Item', { filter: { filename: '/report.txt' } })).toBe(1);
  });
});

describe('an attempt that fails', () => {
  const BREAK = `let calls = 0;
  export class Runner {
    break({ times }) { calls += 1; if (calls <= times) throw new Error('attempt ' + calls); return { calls }; }
  }`;
  const BREAK_FUNCTION = {
    name: 'break',
    input: [{ name: 'times', type: 'Integer' }],
    output: [{ name: 'calls', type: 'Integer' }],
  };

  it('is made again while its service has attempts, and never looks failed in between', async () => {
    const { service } = await deploy(space, BREAK, [BREAK_FUNCTION], { maxAttempts: 4 });

    expect(await call(service.id, 'break', { times: 3 }, 'e')).toEqual({ calls: 4 });

    const { status, attempts } = (await execution('e'))!;
    expect(attempts).toBe(4);
    expect(status.map((each) => each.status)).not.toContain('failed');
    expect(status.filter((each) => each.status === 'rerun').map(({ message }) => message)).toEqual([
      'Rerun due to: Function break of service tools failed: attempt 1',
      'Rerun due to: Function break of service tools failed: attempt 2',
      'Rerun due to: Function break of service tools failed: attempt 3',
    ]);
  });

  it('ends the run with what it threw when it was the last', async () => {
    const { service } = await deploy(space, BREAK, [BREAK_FUNCTION], { maxAttempts: 2 });

    await expect(call(service.id, 'break', { times: 9 }, 'e')).rejects.toMatchObject({
      name: 'FunctionFailed',
      message: 'Function break of service tools failed: attempt 2',
    });
    expect(await execution('e')).toMatchObject({ attempts: 2, error: { code: 'FunctionFailed' } });
  });

  it('is stopped when its time is up, whether it looks at its signal or not, and writes nothing afterwards', async () => {
    const code = `let release, late;
    export class Runner {
      hang({ item }, context) {
        const held = new Promise((resolve) => { release = resolve; });
        late = held.then(() => context.annotate(item, [{ type: 'class', label: 'low' }])).then(() => 'written', (error) => error.name);
        return held;
      }
      ready() {}
      async letGo() { release(); return { late: await late }; }
    }`;
    const functions = [
      { name: 'hang', input: [{ name: 'item', type: 'Item' }] },
      { name: 'ready' },
      { name: 'letGo', output: [{ name: 'late', type: 'String' }] },
    ];
    const { service } = await deploy(space, code, functions, { maxAttempts: 1 });
    // Less than a person may ask for, so that the test need not wait a second; the class is loaded by then.
    const allow = (executionTimeout: number) =>
      space.platform.store.update('Service', service.id, (now) => ({ ...now, executionTimeout }));
    await call(service.id, 'ready', {});
    await allow(0.4);
    const item = space.items.get('/test/4.json')!;

    await expect(call(service.id, 'hang', { item: item.id }, 'e')).rejects.toMatchObject({
      name: 'ExecutionTimedOut',
      message: expect.stringMatching(/^Failed due to runner timeout/),
    });
    await allow(60);
    expect(await call(service.id, 'letGo', {})).toEqual({ late: 'ExecutionTimedOut' });
    expect(await space.platform.store.get('Item', item.id)).toMatchObject({
      annotationsCount: item.annotationsCount,
    });
  });

  it('is not made again when someone asked for the run to stop', async () => {
    const code = `export class Runner {
      wait(_inputs, { signal }) { return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))); }
    }`;
    const { service } = await deploy(space, code, [{ name: 'wait' }], { maxAttempts: 5 });
    const running = call(service.id, 'wait', {}, 'e');
    running.catch(() => undefined);
    while ((await execution('e'))?.latestStatus.status !== 'inProgress') await new Promise(setImmediate);

    await terminateExecution(space.platform, LOCAL_ACTOR, 'e');

    await expect(running).rejects.toMatchObject({ name: 'Cancelled' });
    expect(await execution('e')).toMatchObject({ attempts: 1, toTerminate: true });
  });

  it('writes nothing once another container took its run over', async () => {
    const code = `let release, began;
    const started = new Promise((resolve) => { began = resolve; });
    export const gate = { started, release: () => release() };
    globalThis.modelfnTestGate = gate;
    export class Runner {
      async slow({ item }, context) {
        const held = new Promise((resolve) => { release = resolve; });
        began();
        await held;
        await context.annotate(item, [{ type: 'class', label: 'low' }]);
      }
    }`;
    const { service } = await deploy(space, code, [
      { name: 'slow', input: [{ name: 'item', type: 'Item' }] },
    ]);
    const item = space.items.get('/test/4.json')!;
    const running = call(service.id, 'slow', { item: item.id }, 'e');
    running.catch(() => undefined);
    while (!(globalThis as { modelfnTestGate?: object }).modelfnTestGate) await new Promise(setImmediate);
    const gate = (globalThis as unknown as { modelfnTestGate: { started: Promise<void>; release(): void } })
      .modelfnTestGate;
    await gate.started;

    await space.platform.store.update('Execution', 'e', (current) => ({
      ...current,
      lease: { ...current.lease!, holder: 'another container' },
    }));
    gate.release();

    await expect(running).rejects.toMatchObject({ code: 'LeaseLost' });
    expect(await space.platform.store.get('Item', item.id)).toMatchObject({
      annotationsCount: item.annotationsCount,
    });
  });
});

describe('over HTTP', () => {
  const post = async (body: JsonObject, query = '') => {
    const dispatched: Json[] = [];
    const http = createHttpCaller(space.container, serviceFunction);
    const answer = (await http(httpRequest({ path: '/api/v1/functions/service', query, body }), {
      dispatch: async (payload) => void dispatched.push(payload),
    })) as { statusCode: number; body: string };
    return { status: answer.statusCode, body: JSON.parse(answer.body) as JsonObject, dispatched };
  };

  it('a call is answered with the execution, and run by the payload that is sent on', async () => {
    const { service } = await deploy(space, ADD, [ADD_FUNCTION], { maxAttempts: 7 });

    const { status, body, dispatched } = await post({
      service: { name: 'tools' },
      function: 'add',
      inputs: { a: 2 },
    });

    expect(status).toBe(202);
    expect(body).toMatchObject({ function: 'add', status: 'created' });
    const id = String(body.executionId);
    expect(await execution(id)).toMatchObject({ serviceId: service.id, maxAttempts: 7, attempts: 0 });
    const [payload] = dispatched as [JsonObject];
    expect(await callFromPipeline(space.container, serviceFunction, payload, undefined)).toEqual({ sum: 12 });
    expect(await execution(id)).toMatchObject({ attempts: 1, output: { sum: 12 } });
  });

  it('a call in the form of the platform is answered with an execution of the platform', async () => {
    const { service, package: made } = await deploy(space, ADD, [ADD_FUNCTION]);

    const { body } = await post(
      { serviceId: service.id, functionName: 'add', input: { a: 2 }, projectId: space.project.id },
      'wait=true',
    );

    expect(body).toMatchObject({
      functionName: 'add',
      serviceId: service.id,
      packageId: made.id,
      output: { sum: 12 },
      latestStatus: { status: 'success' },
    });
  });

  it('a function of modelfn is of no service', async () => {
    const http = createHttpCaller(space.container, trainFunction);
    const body = { service: { name: 'tools' }, inputs: { snapshot: space.snapshot.id } };

    const answer = (await http(httpRequest({ path: '/api/v1/functions/train', body }), {})) as {
      body: string;
    };

    expect(JSON.parse(answer.body)).toMatchObject({ code: 'InvalidInput' });
  });
});

describe('a call that cannot be', () => {
  const counted = () => space.platform.store.count('Execution', {});

  it.each([
    ['an unknown service', { service: 'nobody', function: 'add', inputs: {} }, 'EntityNotFound'],
    ['no service', { function: 'add', inputs: {} }, 'InvalidInput'],
    ['no function', { service: { name: 'tools' }, inputs: {} }, 'InvalidInput'],
    ['an unknown function', { service: { name: 'tools' }, function: 'ad', inputs: {} }, 'UnknownFunction'],
    ['a missing input', { service: { name: 'tools' }, function: 'add', inputs: {} }, 'InvalidInput'],
    [
      'an unknown input',
      { service: { name: 'tools' }, function: 'add', inputs: { a: 1, c: 1 } },
      'InvalidInput',
    ],
    [
      'an input of another type',
      { service: { name: 'tools' }, function: 'add', inputs: { a: 'x' } },
      'InvalidInput',
    ],
  ])('for %s is refused over HTTP before anything is recorded', async (_what, body, code) => {
    await deploy(space, ADD, [ADD_FUNCTION]);
    const http = createHttpCaller(space.container, serviceFunction);

    const answer = (await http(httpRequest({ path: '/api/v1/functions/service', body }), {
      dispatch: async () => undefined,
    })) as { statusCode: number; body: string };

    expect(JSON.parse(answer.body)).toMatchObject({ code });
    expect(answer.statusCode).toBeGreaterThanOrEqual(400);
    expect(await counted()).toBe(0);
  });

  it('is refused by a stopped service, and taken again when it is resumed', async () => {
    const { service } = await deploy(space, ADD, [ADD_FUNCTION]);
    await setServiceActive(space.platform, LOCAL_ACTOR, service.id, false);

    await expect(call(service.id, 'add', { a: 1 })).rejects.toMatchObject({ code: 'ServiceStopped' });
    expect(await counted()).toBe(0);
    await setServiceActive(space.platform, LOCAL_ACTOR, service.id, true);

    expect(await call(service.id, 'add', { a: 1 })).toEqual({ sum: 11 });
  });

  it('is recorded as failed when it was asked for by its id, and its service is gone by then', async () => {
    const { service } = await deploy(space, ADD, [ADD_FUNCTION]);
    await deleteService(space.platform, LOCAL_ACTOR, service.id);

    await expect(call(service.id, 'add', { a: 1 }, 'e')).rejects.toMatchObject({ code: 'EntityNotFound' });
    expect(await execution('e')).toMatchObject({ error: { code: 'EntityNotFound' } });
  });

  it('does not reach entities of another project', async () => {
    const other = await createProject(space.platform, LOCAL_ACTOR, { name: 'other' });
    const code = 'export class Runner { see({ project }) { return { name: project.name }; } }';
    const { service } = await deploy(space, code, [
      {
        name: 'see',
        input: [{ name: 'project', type: 'Project' }],
        output: [{ name: 'name', type: 'String' }],
      },
    ]);

    await expect(call(service.id, 'see', { project: other.id })).rejects.toMatchObject({
      code: 'EntityOutsideProject',
    });
  });

  it('by its id with other inputs, or of another service, is not the same call', async () => {
    const { service } = await deploy(space, ADD, [ADD_FUNCTION]);
    const other = await deploy(space, ADD, [ADD_FUNCTION], { name: 'other' });
    await call(service.id, 'add', { a: 1 }, 'e');

    await expect(call(service.id, 'add', { a: 2 }, 'e')).rejects.toMatchObject({ code: 'ExecutionMismatch' });
    await expect(call(other.service.id, 'add', { a: 1 }, 'e')).rejects.toMatchObject({
      code: 'ExecutionMismatch',
    });
    expect(await call(service.id, 'add', { a: 1 }, 'e')).toEqual({ sum: 11 });
  });
});

describe('code that is not what its package declares', () => {
  const output = [{ name: 'n', type: 'Integer' }];

  it.each([
    ['no class', 'export class Other { f() {} }', 'RunnerUnusable', /exports no class Runner.*Other/],
    ['no method', 'export class Runner { g() {} }', 'RunnerUnusable', /without the method f/],
    ['a file that cannot be imported', 'import "nothing-there";', 'RunnerUnusable', /cannot be imported/],
    ['no output', 'export class Runner { f() {} }', 'OutputInvalid', /n is missing/],
    [
      'an output of another type',
      'export class Runner { f() { return { n: 1.5 }; } }',
      'OutputInvalid',
      /Integer/,
    ],
    [
      'an undeclared output',
      'export class Runner { f() { return { n: 1, m: 2 }; } }',
      'OutputInvalid',
      /m is not/,
    ],
    ['a bare value', 'export class Runner { f() { return 1; } }', 'OutputInvalid', /by name: n/],
  ])('with %s is told so, once', async (_what, code, error, message) => {
    const { service } = await deploy(space, code, [{ name: 'f', output }]);

    await expect(call(service.id, 'f', {}, 'e')).rejects.toMatchObject({
      code: error,
      message: expect.stringMatching(message),
    });
    expect(await execution('e')).toMatchObject({ attempts: 1, error: { code: error } });
  });

  it('may answer no entity that is not there', async () => {
    const code = "export class Runner { f() { return { item: '0123456789abcdef01234567' }; } }";
    const { service } = await deploy(space, code, [{ name: 'f', output: [{ name: 'item', type: 'Item' }] }]);

    await expect(call(service.id, 'f', {})).rejects.toMatchObject({ code: 'OutputInvalid' });
  });
});

it('a service goes on with the version of the package it was deployed with', async () => {
  const { service, package: made } = await deploy(space, ADD, [ADD_FUNCTION]);
  const codebase = await pushCode(space, 'tools', ADD.replace('a + b', 'a * b'));
  await updatePackage(space.platform, LOCAL_ACTOR, made.id, { codebase });

  expect(await call(service.id, 'add', { a: 3, b: 4 })).toEqual({ sum: 7 });
  await updateService(space.platform, LOCAL_ACTOR, service.id, { packageRevision: '1.0.1' });

  expect(await call(service.id, 'add', { a: 3, b: 4 })).toEqual({ sum: 12 });
});
