import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../shared/json.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { openWorkspace, put, STRANGER, type Workspace } from '../../support/workspace.ts';

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

const keys = (text: string): string[] => text.split(' ').sort();

describe('projects', () => {
  it('are made by a form, and answered with the keys of the contract', async () => {
    const made = await api.json('POST', '/projects', new URLSearchParams({ name: 'p 2' }));

    expect(Object.keys(made.body).sort()).toEqual(
      keys('id name org creator role account contributors featureConstraints createdAt updatedAt isBlocked'),
    );
    expect((await api.json('GET', `/projects/${made.body.id}`)).body).toEqual(made.body);
    expect((await api.json('GET', '/projects/p%202/name')).body).toEqual([made.body]);
    expect((await api.json<unknown[]>('GET', '/projects')).body).toHaveLength(2);
  });

  it('by a taken name are a 500 that says so, by name in vain a 404', async () => {
    const taken = await api.json('POST', '/projects', { name: 'p1' });

    expect(taken).toMatchObject({ status: 500, body: { code: 'Conflict' } });
    expect(taken.body.message).toContain('Failed to create project');
    expect((await api.json('GET', '/projects/nobody/name')).status).toBe(404);
    expect((await api.json('GET', '/projects/nobody')).status).toBe(404);
  });

  it('are renamed by a whole project, and deleted with a body on the DELETE', async () => {
    const { project } = workspace;

    const renamed = await api.json('PATCH', `/projects/${project.id}`, {
      ...project,
      name: 'new',
      org: null,
    });
    const deleted = await api.json('DELETE', `/projects/${project.id}`, { username: 'x' });

    expect(renamed.body.name).toBe('new');
    expect(deleted.status).toBe(200);
    expect((await api.json('GET', `/datasets/${workspace.dataset.id}`)).status).toBe(404);
  });
});

describe('datasets', () => {
  it('answer the keys of the contract, the same on create, get and list', async () => {
    const body = { name: 'd2', projects: [workspace.project.id], createDefaultRecipe: true };

    const made = await api.json('POST', '/datasets', body);

    expect(Object.keys(made.body).sort()).toEqual(
      keys(
        'id url name annotated creator projects metadata directoryTree export driver items readableType createdAt accessLevel readonly itemsCount',
      ),
    );
    expect((await api.json('GET', `/datasets/${made.body.id}`)).body).toEqual(made.body);
    const listed = await api.json('GET', `/datasets?name=d2&projects=${workspace.project.id}`);
    expect(listed.body).toEqual([made.body]);
    expect((await api.json('GET', '/datasets?name=d')).body).toEqual([]);
  });

  it('a duplicate is a 400, any unknown id a 404', async () => {
    const body = { name: 'd1', projects: [workspace.project.id] };

    expect((await api.json('POST', '/datasets', body)).status).toBe(400);
    for (const id of ['nonsense', '0'.repeat(24), '%2e%2e'])
      expect((await api.json('GET', `/datasets/${id}`)).status).toBe(404);
  });

  it('are locked by a body of one key, and not unlocked by a whole dataset', async () => {
    const path = `/datasets/${workspace.dataset.id}`;

    expect((await api.json('PATCH', path, { readonly: true })).body.readonly).toBe(true);
    const whole = await api.json('PATCH', path, { ...workspace.dataset, readonly: false });
    expect(whole).toMatchObject({ status: 403, body: { code: 'DatasetReadonly' } });
    expect((await api.json('PATCH', path, { readonly: false })).body.readonly).toBe(false);
  });

  it('the client makes Binaries itself and marks it by a system update', async () => {
    const made = await api.json('POST', '/datasets', {
      name: 'Binaries',
      projects: [workspace.project.id],
      createDefaultRecipe: false,
    });
    const patch = { ...made.body, metadata: { system: { scope: 'system' } } };

    const marked = await api.json('PATCH', `/datasets/${made.body.id}?system=true`, patch);

    expect(made.body.metadata).toEqual({ system: {} });
    expect(marked.body.metadata).toEqual({ system: { scope: 'system' } });
  });

  it('are asked for items and annotations in pages, bytes not told of', async () => {
    const { id } = await put(workspace, '/a.txt');
    await api.json('POST', `/items/${id}/annotations`, [{ type: 'class', label: 'cat' }]);
    const path = `/datasets/${workspace.dataset.id}/query`;

    const items = await api.json<{ items: JsonObject[] }>('POST', path, {
      filter: { $and: [{ hidden: false }, { type: 'file' }] },
      page: 0,
      pageSize: 1000,
      resource: 'items',
    });
    const annotations = await api.json('POST', path, { filter: {}, resource: 'annotations' });

    expect(items.body).toMatchObject({ totalItemsCount: 1, totalPagesCount: 1, hasNextPage: false });
    expect(items.body.items[0]).not.toHaveProperty('content');
    expect(items.body.items[0]).toMatchObject({ annotated: true, annotationsCount: 1 });
    expect(annotations.body).toMatchObject({ items: [{ label: 'cat', itemId: id }] });
    expect((await api.json('POST', path, { resource: 'items', page: 5 })).body).toMatchObject({ items: [] });
  });

  it('a bulk update and a bulk delete answer JSON', async () => {
    await put(workspace, '/a.txt');
    const path = `/datasets/${workspace.dataset.id}/query`;
    const update = { metadata: { system: { snapshotPartition: 'train' } } };

    const updated = await api.json('POST', path, {
      filter: { type: 'file' },
      resource: 'items',
      systemSpace: true,
      update,
    });
    const deleted = await api.json('POST', path, { filter: {}, resource: 'items', delete: true });

    expect(updated).toEqual({ status: 200, body: { updated: 1 } });
    expect(deleted.body).toEqual({ deleted: 1 });
  });

  it('a clone is a finished command, and by a taken name a 424', async () => {
    await put(workspace, '/f/a.txt');
    const path = `/datasets/${workspace.dataset.id}/clone`;
    const body = { name: 'copy', filter: { filter: {}, resource: 'items' }, cloneDatasetParams: {} };

    const command = await api.json<{ status: string; spec: { returnedModelId: string } }>('POST', path, body);
    const again = await api.json('POST', path, body);

    expect(command.body.status).toBe('success');
    const clone = await api.json('GET', `/datasets/${command.body.spec.returnedModelId}`);
    expect(clone.body).toMatchObject({ name: 'copy', itemsCount: 1 });
    expect(again.status).toBe(424);
  });

  it('have a tree of folders with a value at every level', async () => {
    await put(workspace, '/f/g/a.txt');

    const tree = await api.json('GET', `/datasets/${workspace.dataset.id}/directoryTree`);

    expect(tree.body).toMatchObject({
      value: { filename: '/' },
      children: [{ value: { filename: '/f' }, children: [{ value: { name: 'g' }, children: [] }] }],
    });
  });

  it('show a stranger nothing', async () => {
    api.actor = STRANGER;
    const path = `/datasets/${workspace.dataset.id}`;

    expect((await api.json('GET', '/datasets?name=d1')).body).toEqual([]);
    for (const [method, tail] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/directoryTree'],
      ['POST', '/query'],
    ] as const)
      expect((await api.json(method, path + tail, method === 'POST' ? {} : undefined)).status).toBe(404);
  });
});
