import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { digestOf } from '../../../shared/annotations/predictions.ts';
import { predictionsOf } from '../../../shared/annotations/write-predictions.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import { callFromEventBridge, callFromQueue } from '../../../shared/invoke/callers/event.ts';
import { createHttpCaller } from '../../../shared/invoke/callers/http.ts';
import { callFromPipeline } from '../../../shared/invoke/callers/pipeline.ts';
import type { FunctionContext } from '../../../shared/invoke/function-context.ts';
import type { Json, JsonObject } from '../../../shared/json.ts';
import { eventBridgeEvent, httpRequest, sqsBatch } from '../../support/events.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

interface HttpReply {
  statusCode: number;
  headers: Record<string, string>;
  body: JsonObject;
}

describe('the callers of one function', () => {
  let space: TinyWorkspace;

  beforeEach(async () => {
    space = await openTinyWorkspace();
    await callFromPipeline(
      space.container,
      trainFunction,
      { inputs: { snapshot: space.snapshot.id } },
      undefined,
    );
  });
  afterEach(() => space.platform.close());

  const idOf = (filename: string): string => space.items.get(filename)!.id;
  const testIds = (): string[] =>
    ['/test/0.json', '/test/4.json', '/test/10.json', '/test/14.json'].map(idOf);

  const http = async (
    options: Parameters<typeof httpRequest>[0],
    context: FunctionContext = {},
    spec: typeof predictFunction | typeof trainFunction = predictFunction,
  ): Promise<HttpReply> => {
    const caller = createHttpCaller(space.container, spec as typeof predictFunction);
    const reply = (await caller(httpRequest(options), context)) as Omit<HttpReply, 'body'> & { body: string };
    return { ...reply, body: JSON.parse(reply.body) as JsonObject };
  };
  const pipeline = (payload: JsonObject) =>
    callFromPipeline(space.container, predictFunction, payload, undefined);
  const written = async (): Promise<string> =>
    digestOf([...(await predictionsOf(space.platform.store, space.snapshot.id, testIds())).values()]);
  const clear = async (): Promise<void> => {
    const { store } = space.platform;
    await store.delete('Annotation', [...(await predictionsOf(store, space.snapshot.id, testIds())).keys()]);
  };
  const subscribe = (filter: JsonObject = {}, executionMode: 'Once' | 'Always' = 'Once') =>
    createTrigger(space.platform, LOCAL_ACTOR, {
      name: 'predict new items',
      projectId: space.project.id,
      spec: {
        resource: 'Item',
        actions: ['Created', 'Updated'],
        filter,
        executionMode,
        input: { snapshot: { snapshot_id: space.snapshot.id } },
        operation: { type: 'function', functionName: 'predict' },
      },
    });
  const itemEvent = (id: string, extra: JsonObject = {}) =>
    eventBridgeEvent({ resourceId: id, projectId: space.project.id, datasetId: space.dataset.id, ...extra });

  it('write the same annotations for the same work', async () => {
    const digests: Record<string, string> = {};
    await subscribe();

    await http({ body: { inputs: { snapshot: space.snapshot.id, items: testIds() } } });
    digests.http = await written();
    await clear();
    const reply = await callFromQueue(
      space.container,
      predictFunction,
      sqsBatch(testIds().map((id) => itemEvent(id))),
      undefined,
    );
    digests.event = await written();
    await clear();
    await pipeline({ inputs: { snapshot: space.snapshot.id, items: testIds() } });
    digests.pipeline = await written();

    expect(reply).toEqual({ batchItemFailures: [] });
    expect(new Set(Object.values(digests)).size).toBe(1);
  });

  it('HTTP answers a canonical call with its execution and output', async () => {
    const { statusCode, body } = await http({
      body: { inputs: { snapshot: space.snapshot.id, items: testIds() } },
    });

    expect(statusCode).toBe(200);
    expect(body).toMatchObject({
      function: 'predict',
      status: 'success',
      output: { items: 4, annotations: 4, failed: [] },
    });
    expect(await space.platform.store.get('Execution', String(body.executionId))).toMatchObject({
      caller: 'http',
      projectId: space.project.id,
      output: body.output,
    });
  });

  it.each([
    [
      'a body that is larger unpacked',
      'gzip',
      gzipSync(Buffer.alloc(65 * 1024 * 1024, ' ')),
      413,
      'BodyTooLarge',
    ],
    ['a body in an unknown encoding', 'compress', Buffer.from('{}'), 415, 'UnsupportedEncoding'],
    ['a body that is not what it says', 'gzip', Buffer.from('{}'), 400, 'InvalidBody'],
  ])('HTTP refuses %s, with the headers of every answer', async (_, encoding, bytes, status, code) => {
    const { statusCode, headers, body } = await http({ bytes, headers: { 'content-encoding': encoding } });

    expect({ statusCode, code: body.code }).toEqual({ statusCode: status, code });
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
  });

  it('HTTP answers an execution of the platform with an execution', async () => {
    const input = { snapshot: { snapshot_id: space.snapshot.id }, item: { item_id: idOf('/test/4.json') } };

    const { statusCode, body } = await http({
      body: { functionName: 'predict', input, projectId: space.project.id, syncReplyTo: null },
    });

    expect(statusCode).toBe(200);
    expect(body).toMatchObject({
      functionName: 'predict',
      input,
      projectId: space.project.id,
      latestStatus: { status: 'success' },
      output: { items: 1 },
    });
    expect(body).not.toHaveProperty('lease');
  });

  it.each([
    ['no JSON', { rawBody: '{"inputs":' }, 400, 'InvalidInput', /not JSON/],
    ['no object', { rawBody: '[1]' }, 400, 'InvalidInput', /no JSON object/],
    ['no inputs', { body: { snapshot: 'x' } }, 400, 'InvalidInput', /inputs/],
    ['a missing snapshot', { body: { inputs: {} } }, 400, 'InvalidInput', /snapshot: is missing/],
    ['a misspelt input', { body: { inputs: { snapshto: 'x' } } }, 400, 'InvalidInput', /nearest is snapshot/],
    [
      'an input of the wrong type',
      { body: { inputs: { snapshot: 'x', write: 'yes' } } },
      400,
      'InvalidInput',
      /Boolean/,
    ],
    [
      'an unknown snapshot',
      { body: { inputs: { snapshot: 'nosuch', items: [] } } },
      404,
      'EntityNotFound',
      /nosuch/,
    ],
    ['another function', { body: { function: 'train', inputs: {} } }, 400, 'InvalidInput', /not train/],
  ])(
    'HTTP refuses %s with status and code, and records nothing',
    async (_what, options, status, code, said) => {
      const before = await space.platform.store.count('Execution', {});

      const { statusCode, body } = await http(options);

      expect(statusCode).toBe(status);
      expect(body).toMatchObject({ statusCode: status, code, message: expect.stringMatching(said) });
      expect(await space.platform.store.count('Execution', {})).toBe(before);
    },
  );

  it('HTTP tells what a function takes', async () => {
    const { statusCode, body } = await http({ method: 'GET' });

    expect(statusCode).toBe(200);
    expect(body).toMatchObject({
      function: 'predict',
      inputs: { snapshot: { type: 'Snapshot', required: true } },
    });
  });

  it('HTTP refuses other methods by name', async () => {
    expect(await http({ method: 'DELETE' })).toMatchObject({
      statusCode: 405,
      body: { code: 'MethodNotAllowed' },
    });
  });

  it('HTTP answers a long method with 202 and an execution that the dispatched payload then runs', async () => {
    const dispatched: Json[] = [];
    const context = { dispatch: async (payload: Json) => void dispatched.push(payload) };

    const { statusCode, headers, body } = await http(
      { path: '/api/v1/functions/train', body: { inputs: { snapshot: space.snapshot.id, seed: 7 } } },
      context,
      trainFunction,
    );

    const id = String(body.executionId);
    expect(statusCode).toBe(202);
    expect(headers.location).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:3700/api/v1/executions/${id}$`));
    expect(await space.platform.store.get('Execution', id)).toMatchObject({
      latestStatus: { status: 'created' },
    });
    await callFromPipeline(space.container, trainFunction, dispatched[0] as JsonObject, undefined);
    expect(await space.platform.store.get('Execution', id)).toMatchObject({
      latestStatus: { status: 'success', percentComplete: 100 },
      output: { snapshot: { revision: 2 }, seed: 7 },
    });
  });

  it('HTTP runs a long method in place when asked to wait', async () => {
    const context = { dispatch: () => Promise.reject(new Error('not to be called')) };
    const request = {
      path: '/api/v1/functions/train',
      query: 'wait=true',
      body: { inputs: { snapshot: space.snapshot.id } },
    };

    expect(await http(request, context, trainFunction)).toMatchObject({
      statusCode: 200,
      body: { status: 'success' },
    });
  });

  it('a queue names the records that failed, and the others are done', async () => {
    await subscribe();
    const unreadable = await space.platform.content.put(new TextEncoder().encode('no json'), 100);
    await space.platform.store.update('Item', idOf('/test/4.json'), (item) => ({
      ...item,
      content: unreadable,
    }));

    const reply = await callFromQueue(
      space.container,
      predictFunction,
      sqsBatch([
        itemEvent(idOf('/test/0.json')),
        'garbage',
        itemEvent(idOf('/test/4.json')),
        itemEvent(idOf('/test/10.json')),
      ]),
      undefined,
    );

    expect(reply).toEqual({
      batchItemFailures: [{ itemIdentifier: 'message-1' }, { itemIdentifier: 'message-2' }],
    });
    const predictions = await predictionsOf(space.platform.store, space.snapshot.id, testIds());
    expect([...predictions.values()].map(({ itemId }) => itemId).sort()).toEqual(
      [idOf('/test/0.json'), idOf('/test/10.json')].sort(),
    );
  });

  it('the same event twice changes nothing twice', async () => {
    await subscribe();
    const event = itemEvent(idOf('/test/0.json'));

    const [first] = (await callFromEventBridge(space.container, predictFunction, event, undefined))
      .executions;
    const calls = space.probe.predictions;
    const again = await callFromEventBridge(space.container, predictFunction, event, undefined);

    expect(again.executions).toEqual([first]);
    expect(space.probe.predictions).toBe(calls);
  });

  it('a trigger of mode Always runs for each event, one of mode Once for each item', async () => {
    const once = await subscribe({}, 'Once');
    const always = await subscribe({}, 'Always');
    const id = idOf('/test/0.json');

    for (const event of ['first', 'second'])
      await callFromEventBridge(space.container, predictFunction, itemEvent(id, { id: event }), undefined);

    const runs = async (triggerId: string) =>
      space.platform.store.count('Execution', { filter: { triggerId } });
    expect([await runs(once.id), await runs(always.id)]).toEqual([1, 2]);
  });

  it('an event reaches only triggers whose filter the item satisfies', async () => {
    await subscribe({ $and: [{ filename: '/train/*' }] });

    const reply = await callFromEventBridge(
      space.container,
      predictFunction,
      itemEvent(idOf('/test/0.json')),
      undefined,
    );

    expect(reply.executions).toEqual([]);
  });

  it('an event of an item that is gone is nobody’s work any more', async () => {
    await subscribe();

    const reply = await callFromEventBridge(
      space.container,
      predictFunction,
      itemEvent('f'.repeat(24)),
      undefined,
    );

    expect(reply.executions).toEqual([]);
  });

  it('a pipeline gets the plain output, and an error whose name is its code', async () => {
    const output = await pipeline({ inputs: { snapshot: space.snapshot.id, items: testIds() } });

    expect(output).toMatchObject({ items: 4, snapshot: { id: space.snapshot.id, revision: 1 } });
    await expect(pipeline({ inputs: { snapshot: 'nosuch', items: [] } })).rejects.toMatchObject({
      name: 'EntityNotFound',
    });
  });

  it('a node that a pipeline tries again answers what it did the first time', async () => {
    const payload = {
      inputs: { snapshot: space.snapshot.id, items: testIds() },
      context: { pipelineExecutionId: 'run-1', nodeId: 'predict' },
    };

    const first = await pipeline(payload);
    const calls = space.probe.predictions;

    expect(await pipeline(payload)).toEqual(first);
    expect(space.probe.predictions).toBe(calls);
  });
});
