import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { saveWeights } from '../catalog/model-workspace.ts';
import { openTestApi, type TestApi } from './open-test-api.ts';

let api: TestApi;
let modelId: string;
beforeEach(async () => {
  api = await openTestApi();
  modelId = (await api.call('POST', '/models', { name: 'm1', projectId: api.project.id })).body.id;
});
afterEach(() => api.close());

const create = (fields: object = {}) =>
  api.call('POST', '/snapshots', {
    modelId,
    name: 's1',
    projectId: api.project.id,
    datasetId: api.dataset.id,
    ontologySpec: { ontologyId: 'null', labels: ['cat'] },
    bucket: { type: 'local' },
    ...fields,
  });

describe('/snapshots', () => {
  it('a created snapshot has the keys of the contract and ours, none of them null where the client breaks', async () => {
    const { status, body: snapshot } = await create();

    expect(status).toBe(200);
    expect(Object.keys(snapshot).sort()).toEqual(
      (
        'bucket configuration createdAt creator datasetId description global id lineage modelId name ontologySpec ' +
        'parentId projectId revision status tags updatedAt weights'
      ).split(' '),
    );
    expect(snapshot).toMatchObject({
      configuration: {},
      tags: [],
      bucket: { type: 'local' },
      ontologySpec: { ontologyId: 'null', labels: ['cat'] },
    });
    expect((await api.call('GET', `/snapshots/${snapshot.id}`)).body).toEqual(snapshot);
    const envelope = {
      filter: { $and: [{ projectId: api.project.id }, { modelId }] },
      resource: 'snapshots',
    };
    expect((await api.call('POST', '/snapshots/query', envelope)).body.items).toEqual([snapshot]);
  });

  it('a snapshot for inference has no dataset and no configuration of its own', async () => {
    const { body } = await create({ datasetId: null, configuration: null, ontologySpec: null });

    expect(body).toMatchObject({
      datasetId: null,
      configuration: {},
      ontologySpec: { ontologyId: null, labels: [] },
    });
  });

  it('the client’s own clone is a POST of the whole source', async () => {
    const { body: source } = await create();

    const { global, ...clientForm } = source;
    const { status, body: clone } = await api.call('POST', '/snapshots', {
      ...clientForm,
      is_global: global,
      name: 's2',
      status: 'created',
    });

    expect(status).toBe(200);
    expect(clone).toMatchObject({ name: 's2', global: false });
    expect(clone.id).not.toBe(source.id);
  });

  it('a taken name is a 409 in the platform’s words, two blanks included', async () => {
    await create();

    const { status, body } = await create();

    expect(status).toBe(409);
    expect(body.message).toContain('Failed creating  E11000 duplicate key error collection');
  });

  it('what save_to_snapshot sends is stored', async () => {
    const { body: snapshot } = await create();

    const { body } = await api.call('PATCH', `/snapshots/${snapshot.id}`, {
      ...snapshot,
      is_global: true,
      status: 'trained',
      configuration: { id_to_label_map: { 0: 'cat' } },
    });

    expect(body).toMatchObject({
      global: snapshot.global,
      status: 'trained',
      configuration: { id_to_label_map: { 0: 'cat' } },
    });
    expect(body).not.toHaveProperty('is_global');
  });

  it('which run holds it is not told', async () => {
    const { body: snapshot } = await create();
    const run = { executionId: 'e1' };
    await api.platform.store.update('Snapshot', snapshot.id, (current) => ({ ...current, run }));

    expect((await api.call('GET', `/snapshots/${snapshot.id}`)).body).toEqual(snapshot);
  });

  it('our own clone makes a child', async () => {
    const { body: source } = await create();

    const { body } = await api.call('POST', `/snapshots/${source.id}/clone`, { name: 'child' });

    expect(body).toMatchObject({ name: 'child', parentId: source.id, revision: 0, weights: null });
  });

  it('a parent is deleted only with force', async () => {
    const { body: source } = await create();
    await api.call('POST', `/snapshots/${source.id}/clone`, { name: 'child' });

    expect((await api.call('DELETE', `/snapshots/${source.id}`)).body).toMatchObject({
      code: 'SnapshotHasChildren',
    });
    expect((await api.call('DELETE', `/snapshots/${source.id}?force=true`)).status).toBe(200);
  });
});

describe('/snapshots/{id}/revisions and /restore', () => {
  it('list what was saved as a page, and make an earlier one the next', async () => {
    const { body } = await create();
    const snapshot = (await api.platform.store.get('Snapshot', body.id))!;
    await saveWeights(api, await saveWeights(api, snapshot, 'one'), 'two');
    const path = `/snapshots/${body.id}`;

    const page = await api.call('GET', `${path}/revisions?pageSize=1`);
    expect(page.body).toMatchObject({ totalItemsCount: 2, hasNextPage: true, items: [{ revision: 2 }] });
    expect(page.body.items[0]).not.toHaveProperty('manifest');

    const restored = await api.call('POST', `${path}/restore`, { revision: 1 });
    expect(restored).toMatchObject({
      status: 200,
      body: { revision: 3, lineage: { restored: { revision: 1 } } },
    });
    expect(restored.body).not.toHaveProperty('run');
    expect((await api.call('POST', `${path}/restore`, { revision: 9 })).body.code).toBe('RevisionNotFound');
    expect((await api.call('POST', `${path}/restore`, {})).status).toBe(400);

    api.as({ email: 'b@c', projectIds: ['other'] });
    expect((await api.call('GET', `${path}/revisions`)).status).toBe(404);
    expect((await api.call('POST', `${path}/restore`, { revision: 1 })).status).toBe(404);
  });
});

describe('/snapshots/{id}/metrics', () => {
  it('takes one sample or many, and answers curves narrowed by figure and legend', async () => {
    const { body: snapshot } = await create();
    const path = `/snapshots/${snapshot.id}/metrics`;
    await api.call('POST', path, { figure: 'loss', legend: 'train', x: 1, y: 0.5 });
    await api.call('POST', path, [
      { figure: 'loss', legend: 'train', x: 0, y: 1 },
      { figure: 'loss & gain', legend: 'test', x: 0, y: 2 },
    ]);

    const loss = await api.call<{ x: number; y: number }[]>('GET', `${path}?figure=loss&legend=train`);
    const gain = await api.call('GET', `${path}?figure=${encodeURIComponent('loss & gain')}`);

    expect(loss.body.map(({ x, y }) => [x, y])).toEqual([
      [0, 1],
      [1, 0.5],
    ]);
    expect(gain.body).toMatchObject([{ snapshotId: snapshot.id, figure: 'loss & gain', y: 2 }]);
    expect((await api.call('DELETE', `${path}?figure=loss`)).body).toEqual({ deleted: 2 });
    expect((await api.call('GET', path)).body).toHaveLength(1);
  });

  it('a number that is none is refused', async () => {
    const { body: snapshot } = await create();

    const { status } = await api.call('POST', `/snapshots/${snapshot.id}/metrics`, {
      figure: 'loss',
      legend: 'train',
      x: 0,
      y: Number.NaN,
    });

    expect(status).toBe(400);
  });
});
