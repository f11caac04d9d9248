import { afterEach, beforeEach, expect, it } from 'vitest';
import { createModel } from '../../../shared/catalog/models.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { trainAndPredict } from '../pipelines/graphs.ts';
import { openTestApi, type TestApi } from './open-test-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await openTestApi();
});
afterEach(() => api.close());

const LONG = 'x'.repeat(100_000);
const MANY = Array.from({ length: 1_001 }, (_, index) => `t${index}`);

it.each<[string, JsonObject, string]>([
  ['/models', { description: LONG }, 'description'],
  ['/models', { tags: MANY }, 'tags'],
  ['/models', { tags: [LONG] }, 'tags.0'],
  ['/models', { inputType: LONG }, 'inputType'],
  ['/models', { className: LONG }, 'className'],
  ['/models', { codebase: { type: 'local', localPath: LONG } }, 'codebase.localPath'],
  ['/snapshots', { description: LONG }, 'description'],
  ['/snapshots', { tags: MANY }, 'tags'],
  ['/snapshots', { ontologySpec: { ontologyId: null, labels: [LONG] } }, 'ontologySpec.labels.0'],
  ['/datasets', { driver: LONG }, 'driver'],
  [
    '/packages',
    { modules: [{ functions: [{ name: 'f', description: LONG }] }] },
    'modules.0.functions.0.description',
  ],
  ['/packages', { requirements: MANY.map((name) => ({ name })) }, 'requirements'],
  ['/services', { moduleName: LONG }, 'moduleName'],
  ['/pipelines', { description: LONG }, 'description'],
  [
    '/triggers',
    {
      spec: {
        resource: 'Item',
        actions: ['Created'],
        filter: {},
        operation: { type: 'function', functionName: LONG },
      },
    },
    'spec.operation.functionName',
  ],
])('%s refuses a field without end: %j', async (path, fields, field) => {
  const { id: modelId } = await createModel(api.platform, api.actor, {
    name: 'm',
    projectId: api.project.id,
  });
  const common = { name: 'n', projectId: api.project.id, projects: [api.project.id], modelId };
  const graph = path === '/pipelines' ? trainAndPredict() : {};

  const { status, body } = await api.call<JsonObject>('POST', path, { ...common, ...graph, ...fields });

  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'InvalidInput' });
  const { problems } = body.details as { problems: { field: string }[] };
  expect(problems.map((problem) => problem.field)).toContain(field);
});

it('the source of an annotation has an end', async () => {
  const form = new FormData();
  form.append('type', 'file');
  form.append('path', '/a.txt');
  form.append('file', new Blob(['x']), 'a.txt');
  const uploaded = await fetch(`${api.baseUrl}/datasets/${api.dataset.id}/items`, {
    method: 'POST',
    body: form,
  });
  const { id } = (await uploaded.json()) as { id: string };

  const annotation = { type: 'class', label: 'cat', source: LONG };
  expect(await api.call('POST', `/items/${id}/annotations`, [annotation])).toMatchObject({ status: 400 });
});
