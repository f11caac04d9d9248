import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logMetrics } from '../../../shared/catalog/metrics.ts';
import {
  createModel,
  deleteModel,
  getModel,
  modelRevisions,
  queryModels,
  updateModel,
} from '../../../shared/catalog/models.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { STRANGER } from '../../support/workspace.ts';
import { type ModelWorkspace, openModelWorkspace, saveWeights, train } from './model-workspace.ts';

let workspace: ModelWorkspace;
beforeEach(async () => {
  workspace = await openModelWorkspace();
});
afterEach(() => workspace.platform.close());

describe('models', () => {
  it('a new model has version 1.0.0, empty tags, a local codebase, and reads back as it was answered', async () => {
    const { platform, actor, model } = workspace;

    expect(model).toMatchObject({
      version: '1.0.0',
      tags: [],
      codebase: { type: 'local' },
      configuration: {},
    });
    expect(await getModel(platform, actor, model.id)).toEqual(model);
  });

  it('a change of the environment makes the next version, and null removes it', async () => {
    const { platform, actor, project } = workspace;
    const fields = { name: 'py', projectId: project.id, entryPoint: 'model.py' };
    const { id } = await createModel(platform, actor, { ...fields, environment: { python: '3.8' } });

    const other = await updateModel(platform, actor, id, { environment: { python: '3.11' } });
    const untouched = await updateModel(platform, actor, id, { description: 'described' });
    const removed = await updateModel(platform, actor, id, { environment: null });

    expect(other).toMatchObject({ version: '1.0.1', environment: { python: '3.11' } });
    expect(untouched).toMatchObject({ version: '1.0.1', environment: { python: '3.11' } });
    expect(removed).toMatchObject({ version: '1.0.2' });
    expect(removed.environment).toBeUndefined();
    const revisions = await modelRevisions(platform, actor, id);
    expect(revisions.map(({ environment }) => environment?.python)).toEqual(['3.8', '3.11', undefined]);
  });

  it('an entry point that is not Python is refused for a model with an environment', async () => {
    const { platform, actor, project } = workspace;
    const fields = { name: 'py', projectId: project.id, entryPoint: 'model.py', environment: {} };
    const { id } = await createModel(platform, actor, fields);

    await expect(updateModel(platform, actor, id, { entryPoint: 'index.mjs' })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('adapters in Python'),
    });
  });

  it('nulls and foreign keys of a client count as not given', async () => {
    const { platform, actor, project } = workspace;

    const model = await createModel(platform, actor, {
      name: 'm2',
      projectId: project.id,
      id: 'mine',
      version: '9.9.9',
      tags: null,
      codebase: null,
      className: null,
      whatever: 1,
    });

    expect(model).toMatchObject({ version: '1.0.0', tags: [], className: 'ModelAdapter' });
    expect(model.id).not.toBe('mine');
    expect(model).not.toHaveProperty('whatever');
  });

  it('a name is taken once a project, on create and on rename', async () => {
    const { platform, actor, project, model } = workspace;
    const other = await createModel(platform, actor, { name: 'm2', projectId: project.id });
    const elsewhere = await createProject(platform, actor, { name: 'p2' });

    await expect(createModel(platform, actor, { name: 'm1', projectId: project.id })).rejects.toMatchObject({
      name: 'ModelNameTaken',
      statusCode: 409,
    });
    await expect(updateModel(platform, actor, other.id, { name: 'm1' })).rejects.toMatchObject({
      statusCode: 409,
    });
    const namesake = await createModel(platform, actor, { name: 'm1', projectId: elsewhere.id });
    expect(namesake.id).not.toBe(model.id);
  });

  it('of two that take a name at once one wins', async () => {
    const { platform, actor, project } = workspace;
    const fields = { name: 'm2', projectId: project.id };

    const both = await Promise.allSettled([
      createModel(platform, actor, fields),
      createModel(platform, actor, fields),
    ]);

    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'Conflict' } });
  });

  it('a name with a wildcard is a name like any other', async () => {
    const { platform, actor, project } = workspace;

    const starred = await createModel(platform, actor, { name: 'm*', projectId: project.id });

    expect(starred.name).toBe('m*');
  });

  it('nobody sees or changes the model of a foreign project', async () => {
    const { platform, project, model } = workspace;

    const attempts = [
      () => getModel(platform, STRANGER, model.id),
      () => updateModel(platform, STRANGER, model.id, { name: 'stolen' }),
      () => deleteModel(platform, STRANGER, model.id),
      () => modelRevisions(platform, STRANGER, model.id),
      () => createModel(platform, STRANGER, { name: 'x', projectId: project.id }),
    ];

    for (const attempt of attempts)
      await expect(attempt()).rejects.toMatchObject({ code: 'EntityNotFound', statusCode: 404 });
    expect((await queryModels(platform, STRANGER, {})).items).toEqual([]);
  });

  it('a whole model sent back changes nothing, neither its time of change nor its row', async () => {
    const { platform, actor, model } = workspace;
    const row = await platform.store.versions('Model', [model.id]);
    platform.clock.advance(1000);

    const same = await updateModel(platform, actor, model.id, { ...model, url: 'http://x', creator: 'me' });

    expect(same).toEqual(model);
    expect(await platform.store.versions('Model', [model.id])).toEqual(row);
  });

  it('a patch of one field leaves the others, and null takes a description away', async () => {
    const { platform, actor, model } = workspace;
    await updateModel(platform, actor, model.id, { description: 'd', entryPoint: 'a.ts', className: 'A' });

    const patched = await updateModel(platform, actor, model.id, { description: null, tags: null });

    expect(patched).toMatchObject({ description: null, entryPoint: 'a.ts', className: 'A', tags: [] });
  });

  it('new code or configuration makes the next version, and the earlier ones stay readable', async () => {
    const { platform, actor, model } = workspace;

    await updateModel(platform, actor, model.id, { description: 'no new code' });
    await updateModel(platform, actor, model.id, { codebase: { type: 'item', itemId: 'abc' } });
    await updateModel(platform, actor, model.id, { configuration: { C: 1 } });

    const revisions = await modelRevisions(platform, actor, model.id);
    expect(
      revisions.map(({ version, codebase, configuration }) => ({ version, codebase, configuration })),
    ).toEqual([
      { version: '1.0.0', codebase: { type: 'local' }, configuration: {} },
      { version: '1.0.1', codebase: { type: 'item', itemId: 'abc' }, configuration: {} },
      { version: '1.0.2', codebase: { type: 'item', itemId: 'abc' }, configuration: { C: 1 } },
    ]);
  });

  it('deleting a model takes its snapshots and their metrics, and leaves the files in their buckets', async () => {
    const { platform, actor, model } = workspace;
    const snapshot = await saveWeights(workspace, workspace.snapshot);
    await logMetrics(platform, actor, snapshot.id, { figure: 'loss', legend: 'train', x: 0, y: 1 });

    await deleteModel(platform, actor, model.id);

    for (const kind of ['Model', 'Snapshot', 'MetricSample'] as const)
      expect(await platform.store.count(kind, {})).toBe(0);
    const bucket = await platform.openBucket(snapshot, snapshot.bucket);
    expect(await bucket.stat(snapshot.weights!.manifestKey)).toBeDefined();
  });

  it('a model whose snapshot is being trained stays', async () => {
    const { platform, actor, model, snapshot } = workspace;
    await train(workspace, snapshot);

    await expect(deleteModel(platform, actor, model.id)).rejects.toMatchObject({ code: 'SnapshotInUse' });
    expect(await platform.store.count('Snapshot', {})).toBe(1);
  });

  it('a query answers one page, and refuses to delete or update over it', async () => {
    const { platform, actor, project, model } = workspace;
    const envelope = { filter: { $and: [{ name: 'm1' }, { projectId: project.id }] }, resource: 'models' };

    expect(await queryModels(platform, actor, envelope)).toEqual({
      items: [model],
      totalItemsCount: 1,
      totalPagesCount: 1,
      hasNextPage: false,
    });
    expect((await queryModels(platform, actor, { page: 1, pageSize: 100 })).items).toEqual([]);
    await expect(queryModels(platform, actor, { delete: true })).rejects.toMatchObject({
      code: 'InvalidInput',
    });
    expect(await platform.store.count('Model', {})).toBe(1);
  });
});
