import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../shared/json.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { openWorkspace, put, STRANGER, type Workspace } from '../../support/workspace.ts';

let workspace: Workspace;
let api: TestApi;
let itemId: string;
beforeEach(async () => {
  workspace = await openWorkspace();
  api = await startTestApi(workspace.platform);
  itemId = (await put(workspace, '/a.png')).id;
});
afterEach(async () => {
  await api.close();
  await workspace.platform.close();
});

const keys = (text: string): string[] => text.split(' ').sort();

describe('annotations', () => {
  it('answer the keys of the contract, and a class no coordinates', async () => {
    const { body } = await api.json<JsonObject[]>('POST', `/items/${itemId}/annotations`, [
      {
        type: 'box',
        label: 'car',
        coordinates: [
          { x: 1, y: 2 },
          { x: 3, y: 4 },
        ],
      },
      { type: 'class', label: 'cat', coordinates: {} },
    ]);
    const common =
      'id url metadata creator hash itemId item label dataset createdAt updatedBy updatedAt source datasetId type attributes';

    expect(Object.keys(body[0]!).sort()).toEqual(keys(`${common} coordinates`));
    expect(Object.keys(body[1]!).sort()).toEqual(keys(common));
    expect(body[0]).toMatchObject({
      coordinates: [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ],
      item: `${api.url}/items/${itemId}`,
      url: `${api.url}/annotations/${body[0]!.id}`,
    });
    expect((await api.json('GET', `/annotations/${body[0]!.id}`)).body).toEqual(body[0]);
    const nested = `/datasets/${workspace.dataset.id}/items/${itemId}/annotations/${body[0]!.id}`;
    expect((await api.json('GET', nested)).body).toEqual(body[0]);
    const { body: item } = await api.json<{ annotations: string }>('GET', `/items/${itemId}`);
    expect(await (await fetch(item.annotations)).json()).toEqual(body);
  });

  it('are found below their own dataset and item alone', async () => {
    const other = await put(workspace, '/b.png');
    const { body } = await api.json<JsonObject[]>('POST', `/items/${itemId}/annotations`, [
      { type: 'class', label: 'cat', coordinates: {} },
    ]);
    const id = String(body[0]!.id);
    const { id: datasetId } = workspace.dataset;
    const elsewhere = datasetId.replace(/./, (digit) => (digit === '0' ? '1' : '0'));

    for (const path of [
      `/datasets/${elsewhere}/items/${itemId}/annotations/${id}`,
      `/datasets/${datasetId}/items/${other.id}/annotations/${id}`,
      `/datasets/${elsewhere}/items/${itemId}/annotations`,
    ])
      expect(await api.json('GET', path)).toMatchObject({ status: 404, body: { code: 'EntityNotFound' } });
    expect((await api.json('GET', `/datasets/${datasetId}/items/${itemId}/annotations/${id}`)).status).toBe(
      200,
    );
  });

  it('an empty batch is 200 and an empty list, at whose item annotated stays false', async () => {
    expect(await api.json('POST', `/items/${itemId}/annotations`, [])).toEqual({ status: 200, body: [] });
    expect((await api.json('GET', `/items/${itemId}`)).body).toMatchObject({ annotated: false });
  });

  it("take two hundred masks of a megabyte's size at once", async () => {
    const mask = `data:image/png;base64,${'A'.repeat(100_000)}`;
    const batch = Array.from({ length: 200 }, () => ({ type: 'binary', label: 'x', coordinates: mask }));

    const { status, body } = await api.json<JsonObject[]>('POST', `/items/${itemId}/annotations`, batch);

    expect(status).toBe(200);
    expect(body).toHaveLength(200);
    expect(body[199]!.coordinates).toBe(mask);
  });

  it('are changed by a diff and deleted with a body on the DELETE', async () => {
    const made = await api.json<JsonObject[]>('POST', `/items/${itemId}/annotations`, {
      type: 'class',
      label: 'cat',
    });
    const path = `/annotations/${made.body[0]!.id}`;

    const updated = await api.json('PUT', `${path}?system=true`, {
      label: 'dog',
      metadata: { system: { status: 'issue' } },
      hash: null,
    });
    const deleted = await api.json('DELETE', path, { username: 'me@example.org' });

    expect(updated.body).toMatchObject({ label: 'dog', metadata: { system: { status: 'issue' } } });
    expect(deleted.status).toBe(200);
    expect((await api.json('GET', path)).status).toBe(404);
  });

  it('malformed ids and bodies are 400, foreign ones 404', async () => {
    expect((await api.json('GET', '/annotations/x')).status).toBe(400);
    expect((await api.json('POST', `/items/x/annotations`, [])).status).toBe(400);
    for (const body of [[{ type: 'box' }], [null], ['x'], 'null', [{ type: '', label: 'x' }]])
      expect((await api.json('POST', `/items/${itemId}/annotations`, body)).status).toBe(400);
    api.actor = STRANGER;
    expect((await api.json('POST', `/items/${itemId}/annotations`, [])).status).toBe(404);
  });

  it('a body nested without end is a 400, not a full stack', async () => {
    const deep = `[{"type":"box","label":"x","coordinates":${'['.repeat(50_000)}${']'.repeat(50_000)}}]`;

    const response = await api.send('POST', `/items/${itemId}/annotations`, deep, {
      'content-type': 'application/json',
    });

    expect(response.status).toBe(400);
  });
});

describe('recipes and ontologies', () => {
  it('answer the keys of the contract', async () => {
    const projectIds = [workspace.project.id];
    const ontology = await api.json('POST', '/ontologies', { roots: [], projectIds, attributes: [] });
    const recipe = await api.json('POST', '/recipes', {
      title: 'r',
      projectIds,
      ontologyIds: [ontology.body.id],
      uiSettings: { allowObjectIdAutoAssign: true, studioV2App: true },
    });

    expect(Object.keys(ontology.body).sort()).toEqual(keys('id title creator url attributes metadata roots'));
    expect(Object.keys(recipe.body).sort()).toEqual(
      keys(
        'id creator url title description instructions examples metadata uiSettings projectIds customActions ontologyIds',
      ),
    );
    expect((await api.json('GET', `/recipes/${recipe.body.id}`)).body).toEqual(recipe.body);
    expect((await api.json('GET', `/ontologies/${ontology.body.id}`)).body).toEqual(ontology.body);
  });

  it('lists take the double ampersand of the client', async () => {
    const { id } = workspace.project;

    const recipes = await api.json('GET', `/recipes?projects=${id},x&&pageOffset=0&pageSize=1000`);
    const ontologies = await api.json('GET', `/ontologies?pageOffset=0&pageSize=1000&projects=${id}`);

    expect(recipes.body).toMatchObject({ totalItemsCount: 1, items: [{ title: 'd1 Default Recipe' }] });
    expect(ontologies.body).toMatchObject({ totalItemsCount: 1, items: [{ title: 'd1 Ontology' }] });
    expect((await api.json('GET', '/recipes?pageSize=none')).status).toBe(400);
  });

  it('labels are added by dots, and a whole ontology is put back', async () => {
    const made = await api.json('POST', '/ontologies', { projectIds: [workspace.project.id] });
    const path = `/ontologies/${made.body.id}`;

    const labelled = await api.json<{ roots: JsonObject[] }>('PATCH', `${path}/labels`, {
      labelsNode: [{ tag: 'a.b' }],
      upsert: true,
    });
    const put = await api.json('PUT', `${path}?system=true`, {
      ...labelled.body,
      labels: [{ tag: 'noise' }],
    });

    expect(labelled.body.roots).toMatchObject([{ value: { tag: 'a' }, children: [{ value: { tag: 'b' } }] }]);
    expect(put.body).toEqual(labelled.body);
    expect((await api.json('DELETE', path)).status).toBe(200);
    expect((await api.json('GET', path)).status).toBe(404);
    expect((await api.json('GET', '/ontologies/x')).status).toBe(400);
  });

  it('a foreign project is a 403', async () => {
    api.actor = STRANGER;

    const answer = await api.json('POST', '/ontologies', { projectIds: [workspace.project.id] });

    expect(answer.status).toBe(403);
  });

  it('a clone of a recipe is a recipe', async () => {
    const [id] = (workspace.dataset.metadata.system as { recipes: string[] }).recipes;

    const clone = await api.json('POST', `/recipes/${id}/clone`, { shallow: false });
    const renamed = await api.json('PATCH', `/recipes/${clone.body.id}`, { ...clone.body, title: 'mine' });

    expect(renamed.body).toMatchObject({ id: clone.body.id, title: 'mine' });
    expect((await api.json('DELETE', `/recipes/${clone.body.id}?force=true`)).status).toBe(200);
  });
});
