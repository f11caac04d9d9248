import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import { createHandler, type Handler } from '../../../shared/invoke/handler.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { httpRequest } from '../../support/events.ts';
import { runInPlace } from '../../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../../support/tiny-workspace.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/events/cloudevents');

describe('CloudEvents over HTTP', () => {
  let space: TinyWorkspace;
  let handler: Handler;

  beforeEach(async () => {
    space = await openTinyWorkspace();
    const { container, platform, project, snapshot } = space;
    await runInPlace(container, trainFunction, { snapshot: snapshot.id });
    handler = createHandler(predictFunction, container.builtIns, async () => platform);
    await createTrigger(platform, LOCAL_ACTOR, {
      name: 'predict',
      projectId: project.id,
      spec: {
        resource: 'Item',
        actions: ['Created'],
        executionMode: 'Always',
        filter: {},
        input: { snapshot: { snapshot_id: snapshot.id } },
        operation: { type: 'function', functionName: 'predict' },
      },
    });
  });
  afterEach(() => space.platform.close());

  const send = async (request: { headers: JsonObject; body: string }, base64 = false) => {
    const body = base64 ? Buffer.from(request.body).toString('base64') : request.body;
    const event = { ...httpRequest({ rawBody: body }), headers: request.headers, isBase64Encoded: base64 };
    return (await handler(event)) as { statusCode: number; headers: Record<string, string>; body?: string };
  };
  const recorded = async (name: string) => {
    const text = await readFile(join(FIXTURES, `${name}.json`), 'utf8');
    return JSON.parse(
      text
        .replaceAll('$ITEM', space.items.get('/test/0.json')!.id)
        .replaceAll('$DATASET', space.dataset.id)
        .replaceAll('$PROJECT', space.project.id),
    ) as { headers: JsonObject; body: string };
  };

  it.each(['binary', 'structured', 'batch'])(
    'a recorded %s request runs what subscribes, once however often it comes',
    async (name) => {
      const request = await recorded(name);

      const first = await send(request);
      const calls = space.probe.predictions;
      const second = await send(request, true);

      expect(first).toMatchObject({ statusCode: 204 });
      expect(second.headers['x-execution-id']).toBe(first.headers['x-execution-id']);
      expect(await space.platform.store.get('Execution', first.headers['x-execution-id']!)).toMatchObject({
        caller: 'event',
        latestStatus: { status: 'success' },
      });
      expect(calls).toBe(1);
      expect(space.probe.predictions).toBe(1);
    },
  );

  it('one that is handed over without HTTP is known too', async () => {
    const event = JSON.parse((await recorded('structured')).body) as JsonObject;

    expect(await handler(event)).toEqual({ executions: [expect.any(String)] });
  });

  it('data in base64 is read', async () => {
    const { headers, body } = await recorded('structured');
    const { data, ...event } = JSON.parse(body) as JsonObject;
    const data_base64 = Buffer.from(JSON.stringify(data)).toString('base64');

    expect(await send({ headers, body: JSON.stringify({ ...event, data_base64 }) })).toMatchObject({
      statusCode: 204,
    });
    expect(space.probe.predictions).toBe(1);
  });

  it.each<[string, { headers?: JsonObject; body?: string }, string]>([
    ['a body that is no JSON', { body: 'plain' }, 'not JSON'],
    ['data that is no dataset event', { body: '{"some":"data"}' }, 'resource'],
    ['another version', { headers: { 'ce-specversion': '0.3' } }, 'specversion'],
    ['no id', { headers: { 'ce-id': '' } }, 'id'],
  ])('%s is refused with 400, which no broker repeats', async (_what, change, said) => {
    const request = await recorded('binary');

    const answer = await send({ ...request, ...change, headers: { ...request.headers, ...change.headers } });

    expect(answer).toMatchObject({ statusCode: 400, body: expect.stringContaining(said) });
    expect(space.probe.predictions).toBe(0);
  });

  it('a run that fails is answered with its status, so that the broker sends again; the rest of a batch is done', async () => {
    const request = await recorded('batch');
    const [first, second] = JSON.parse(request.body) as [JsonObject, JsonObject];
    const broken = { ...first, data: { id: 'x' } };

    const answer = await send({ ...request, body: JSON.stringify([broken, first, second]) });

    expect(answer).toMatchObject({ statusCode: 400 });
    expect(space.probe.predictions).toBe(1);
  });
});
