import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../../shared/api/app.ts';
import { routesOf } from '../../../shared/api/route-table.ts';
import { uploadItem } from '../../../shared/catalog/item-upload.ts';
import { createTrigger } from '../../../shared/catalog/triggers.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { openTestApi, type TestApi } from './open-test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

const deepText = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const send = async (method: string, path: string, text: string) => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${api.baseUrl}${path}`, { method, headers, body: text });
  return { status: response.status, body: (await response.json()) as JsonObject };
};

describe('a body that is nested too deeply', () => {
  it.each([1_000, 100_000])(
    '%i levels deep is refused by every route, and none of them fails',
    async (depth) => {
      const context = { platform: api.platform, actorOf: () => api.actor, baseUrlOf: () => '' };
      const { stack } = createApp(context).router as unknown as {
        stack: { handle: { stack?: unknown } }[];
      };
      const routers = stack.flatMap(({ handle }) => ('stack' in handle ? [handle] : []));
      const routes = routesOf(routers as unknown as Parameters<typeof routesOf>[0]);
      const writes = routes.filter(({ method }) => ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method));
      expect(writes.length).toBeGreaterThan(40);

      for (const { method, path } of writes)
        for (const text of [
          `{"filter":{"a":${deepText(depth)}},"metadata":${deepText(depth)},"input":{"a":${deepText(depth)}},"spec":{"input":{"a":${deepText(depth)}}},"configuration":{"a":${deepText(depth)}}}`,
          deepText(depth),
        ]) {
          const answer = await send(method, path.replaceAll(/:\w+/g, '0123456789abcdef01234567'), text);
          expect({ method, path, status: answer.status }).not.toMatchObject({ status: 500 });
        }
    },
  );

  it('is refused by a code that names the field, and nothing is stored', async () => {
    const { project } = api;
    const trigger = (depth: number) =>
      `{"name":"deep","type":"Cron","projectId":"${project.id}","spec":{"cron":"* * * * *","input":{"a":${deepText(depth)}},"operation":{"type":"function","functionName":"evaluate"}}}`;

    const { status, body } = await send('POST', '/triggers', trigger(1_000));

    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'JsonLimitExceeded' });
    expect((body.details as JsonObject).field).toMatch(/^spec\.input\.a\.0/);
    expect(await api.platform.store.count('Trigger', {})).toBe(0);
    expect((await send('POST', '/triggers', trigger(20))).status).toBe(200);
  });

  it('is refused in the metadata of an upload too', async () => {
    const { platform, actor, dataset } = api;
    const form = new FormData();
    form.append('type', 'file');
    form.append('path', '/a.txt');
    form.append('metadata', `{"user":${deepText(1_000)}}`);
    form.append('file', new Blob(['x']), 'a.txt');

    const response = await fetch(`${api.baseUrl}/datasets/${dataset.id}/items`, {
      method: 'POST',
      body: form,
    });

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'JsonLimitExceeded',
      message: expect.stringContaining('user'),
    });
    const source = new TextEncoder().encode('x');
    const metadata = JSON.parse(`{"user":${deepText(1_000)}}`) as JsonObject;
    await expect(
      uploadItem(platform, actor, { datasetId: dataset.id, path: '/b.txt', source, mode: 'skip', metadata }),
    ).rejects.toMatchObject({ code: 'JsonLimitExceeded' });
    expect(await platform.store.count('Item', {})).toBe(0);
  });

  it('is refused by the catalog, which the command line calls', async () => {
    const input = JSON.parse(`{"a":${deepText(1_000)}}`) as JsonObject;
    const spec = { cron: '* * * * *', input, operation: { type: 'function', functionName: 'evaluate' } };
    const fields = { name: 'deep', type: 'Cron', projectId: api.project.id, spec };

    await expect(createTrigger(api.platform, api.actor, fields)).rejects.toMatchObject({
      code: 'JsonLimitExceeded',
    });
  });
});
