import { strFromU8, unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../shared/json.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { openWorkspace, put, STRANGER, type Workspace } from '../../support/workspace.ts';

/** As `dtlpy` 1.61.17 says what it is. */
const LATER = { 'user-agent': 'dtlpy/1.61.17 CPython/3.11.7 Linux/6.1' };
const EARLIER = { 'user-agent': 'dtlpy/1.49.20 CPython/3.9.1 Linux/6.1' };

let workspace: Workspace;
let api: TestApi;
beforeEach(async () => {
  workspace = await openWorkspace();
  api = await startTestApi(workspace.platform);
});
afterEach(async () => {
  await api.close();
  await workspace.platform.close();
});

async function as(headers: Record<string, string>, method: string, path: string, body?: object) {
  const response = await api.send(method, path, body && JSON.stringify(body), {
    'content-type': 'application/json',
    ...headers,
  });
  return { status: response.status, body: (await response.json()) as JsonObject };
}

const newModel = () => ({
  projectId: workspace.project.id,
  name: 'net',
  codebase: { type: 'local', localPath: '/code' },
  entryPoint: 'model_adapter.py',
  className: 'ModelAdapter',
  scope: 'project',
  defaultConfiguration: { lr: 0.1 },
});

describe('a later version of the SDK', () => {
  it('makes a model with its defaults, reads its project below context, and sends it back whole', async () => {
    const made = await as(LATER, 'POST', '/models', newModel());
    const { body: model } = made;
    const changed = await as(LATER, 'PATCH', `/models/${model.id}`, {
      ...model,
      configuration: null,
      defaultConfiguration: { lr: 0.2 },
    });

    expect(model).toMatchObject({
      defaultConfiguration: { lr: 0.1 },
      context: { project: workspace.project.id, creator: workspace.actor.email },
      scope: 'project',
    });
    expect((await as(LATER, 'GET', `/models/${model.id}`)).body).toEqual(changed.body);
    expect(changed.body).toMatchObject({ defaultConfiguration: { lr: 0.2 }, configuration: { lr: 0.2 } });
  });

  it('reads a snapshot as it does a model, and an earlier one gets the keys it compares', async () => {
    const { body: model } = await as(LATER, 'POST', '/models', newModel());
    const { body: snapshot } = await as(LATER, 'POST', '/snapshots', {
      modelId: model.id,
      name: 'one',
      projectId: workspace.project.id,
      datasetId: workspace.dataset.id,
      ontologySpec: { ontologyId: 'null', labels: ['cat'] },
      bucket: { type: 'local' },
    });
    const page = await as(LATER, 'POST', '/snapshots/query', { resource: 'snapshots' });

    expect(snapshot.context).toEqual({
      project: workspace.project.id,
      org: null,
      creator: workspace.actor.email,
    });
    expect(page.body.items).toEqual([snapshot]);
    for (const path of [`/snapshots/${snapshot.id}`, `/models/${model.id}`])
      expect(Object.keys((await as(EARLIER, 'GET', path)).body)).not.toContain('context');
  });

  it('puts points on the curves of a snapshot, all or none', async () => {
    const { body: model } = await as(LATER, 'POST', '/models', newModel());
    const { body: snapshot } = await as(LATER, 'POST', '/snapshots', { modelId: model.id, name: 'one' });
    const point = (snapshotId: unknown, x: number) => ({
      ...{ action: 'snapshotMetric', snapshotId, figure: 'loss', legend: 'train' },
      ...{ measure0: x, measure1: x / 2 },
    });

    const logged = await as(LATER, 'POST', '/snapshots/metric', [
      point(snapshot.id, 1),
      point(snapshot.id, 2),
    ]);
    const unknown = await as(LATER, 'POST', '/snapshots/metric', [point(snapshot.id, 3), point('none', 3)]);
    const curve = await api.json<JsonObject[]>('GET', `/snapshots/${snapshot.id}/metrics`);

    expect(logged.status).toBe(200);
    expect(unknown.status).toBe(404);
    expect(curve.body.map(({ x, y }) => [x, y])).toEqual([
      [1, 0.5],
      [2, 1],
    ]);
  });

  it('asks for settings and tells of itself, and goes on', async () => {
    expect((await as(LATER, 'POST', '/settings/resolve', { userId: 'a@b.c' })).body).toEqual([]);
    expect((await as(LATER, 'POST', '/settings/query', {})).body).toMatchObject({ items: [] });
    expect((await as(LATER, 'POST', '/analytics/metric/pendo', {})).status).toBe(200);
  });

  it('on Python 3.11 writes operators by the names of its constants', async () => {
    const [a] = [await put(workspace, '/a.txt'), await put(workspace, '/b.txt')];
    const query = (condition: JsonObject) =>
      as(LATER, 'POST', `/datasets/${workspace.dataset.id}/query`, {
        resource: 'items',
        filter: { $and: [{ type: 'file' }, condition] },
      });

    const some = await query({ id: { '$FiltersOperations.IN': [a!.id] } });
    const others = await query({ id: { '$FiltersOperations.NOT_EQUAL': a!.id } });
    const wrong = await query({ id: { '$FiltersOperations.LIKE': 'x' } });

    expect(some.body).toMatchObject({ totalItemsCount: 1, items: [{ filename: '/a.txt' }] });
    expect(others.body).toMatchObject({ totalItemsCount: 1, items: [{ filename: '/b.txt' }] });
    expect(wrong).toMatchObject({ status: 400, body: { code: 'InvalidFilter' } });
  });
});

describe('POST /datasets/{id}/export', () => {
  const unzip = async (itemId: unknown) => {
    const bytes = new Uint8Array(await (await api.send('GET', `/items/${itemId}/stream`)).arrayBuffer());
    return Object.fromEntries(
      Object.entries(unzipSync(bytes)).map(([path, file]) => [
        path,
        JSON.parse(strFromU8(file)) as JsonObject,
      ]),
    );
  };
  const outputOf = ({ body }: { body: JsonObject }) => (body.spec as JsonObject).outputItemId;

  it('answers a zip with a JSON for each item, its annotations in it, also of a locked dataset', async () => {
    const item = await put(workspace, '/in/a.txt');
    await put(workspace, '/b.tar.gz');
    await api.json('POST', `/items/${item.id}/annotations`, [{ type: 'class', label: 'cat' }]);
    const path = `/datasets/${workspace.dataset.id}`;
    await api.json('PATCH', path, { readonly: true });

    const first = await as(LATER, 'POST', `${path}/export`, { exportVersion: 'V1' });
    const second = await as(LATER, 'POST', `${path}/export`, { exportVersion: 'V2' });
    const files = await unzip(outputOf(first));

    expect(first.body).toMatchObject({ status: 'success' });
    expect(Object.keys(files).sort()).toEqual(['b.tar.json', 'in/a.json']);
    expect(files['in/a.json']).toMatchObject({
      ...{ id: item.id, filename: '/in/a.txt' },
      annotations: [{ type: 'class', label: 'cat', itemId: item.id }],
    });
    expect(Object.keys(await unzip(outputOf(second))).sort()).toEqual(['b.tar.gz.json', 'in/a.txt.json']);
  });

  it('takes a query, leaves annotations out where they are not wanted, and keeps strangers out', async () => {
    const item = await put(workspace, '/in/a.txt');
    await put(workspace, '/b.txt');
    await api.json('POST', `/items/${item.id}/annotations`, [
      { type: 'class', label: 'cat' },
      { type: 'class', label: 'dog' },
    ]);
    const path = `/datasets/${workspace.dataset.id}/export`;
    const itemsQuery = { resource: 'items', filter: { $and: [{ filename: '/in/**' }] } };
    const annotationsQuery = { resource: 'annotations', filter: { $and: [{ label: 'dog' }] } };

    const none = await as(LATER, 'POST', path, { itemsQuery, annotations: { include: false } });
    const dogs = await as(LATER, 'POST', path, {
      ...{ itemsQuery, annotationsQuery },
      annotations: { include: true, filter: true },
    });
    api.actor = STRANGER;
    const stranger = await as(LATER, 'POST', path, {});
    api.actor = workspace.actor;

    expect(Object.values(await unzip(outputOf(none)))).toMatchObject([{ annotations: [] }]);
    expect(Object.values(await unzip(outputOf(dogs)))).toMatchObject([{ annotations: [{ label: 'dog' }] }]);
    expect(stranger.status).toBe(404);
  });

  it('keeps an archive for an hour, and removes it with the next one', async () => {
    await put(workspace, '/a.txt');
    const path = `/datasets/${workspace.dataset.id}/export`;
    const first = outputOf(await as(LATER, 'POST', path, {}));
    const second = outputOf(await as(LATER, 'POST', path, {}));
    const there = async (id: unknown) => (await api.send('GET', `/items/${id}`)).status;
    const before = [await there(first), await there(second)];

    workspace.platform.clock.advance(3601_000);
    const third = outputOf(await as(LATER, 'POST', path, {}));

    expect(before).toEqual([200, 200]);
    expect([await there(first), await there(second), await there(third)]).toEqual([404, 404, 200]);
  });
});
