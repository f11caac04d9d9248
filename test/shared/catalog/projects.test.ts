import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAnnotations } from '../../../shared/catalog/annotations.ts';
import { createDataset, getDataset } from '../../../shared/catalog/datasets.ts';
import { logMetrics } from '../../../shared/catalog/metrics.ts';
import { createOntology } from '../../../shared/catalog/ontologies.ts';
import {
  createProject,
  deleteProject,
  findProjectsByName,
  getProject,
  listProjects,
  updateProject,
} from '../../../shared/catalog/projects.ts';
import { openWorkspace, put, STRANGER, type Workspace } from '../../support/workspace.ts';
import { openModelWorkspace, train } from './model-workspace.ts';

let workspace: Workspace;
beforeEach(async () => {
  workspace = await openWorkspace();
});
afterEach(() => workspace.platform.close());

describe('projects', () => {
  it('what a create answers is what a later read answers', async () => {
    const { platform, actor } = workspace;

    const made = await createProject(platform, actor, { name: 'p2' });

    expect(await getProject(platform, actor, made.id)).toEqual(made);
    expect(await findProjectsByName(platform, actor, 'p2')).toEqual([made]);
  });

  it('a taken name is refused with the words of the platform, and nothing is made', async () => {
    const { platform, actor } = workspace;

    await expect(createProject(platform, actor, { name: 'p1' })).rejects.toMatchObject({
      code: 'Conflict',
      statusCode: 500,
      message: expect.stringContaining('Failed to create project'),
    });
    expect(await listProjects(platform, actor)).toHaveLength(1);
  });

  it('of two that create the same name at once, one is refused', async () => {
    const { platform, actor } = workspace;

    const both = await Promise.allSettled([
      createProject(platform, actor, { name: 'same' }),
      createProject(platform, actor, { name: 'same' }),
    ]);

    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await findProjectsByName(platform, actor, 'same')).toHaveLength(1);
  });

  it('a name with a wildcard is looked for as it is', async () => {
    const { platform, actor } = workspace;

    expect(await findProjectsByName(platform, actor, 'p*')).toEqual([]);
  });

  it('a rename takes the name alone from a whole project', async () => {
    const { platform, actor, project } = workspace;
    platform.clock.advance(1000);

    const renamed = await updateProject(platform, actor, project.id, {
      ...project,
      id: 'other',
      creator: 'someone else',
      name: 'p1 renamed',
      featureConstraints: null,
    });

    expect(renamed).toEqual({ ...project, name: 'p1 renamed', updatedAt: '2026-01-31T12:00:01.000Z' });
  });

  it('deleting a project deletes all in it and nothing of another', async () => {
    const { platform, actor, project, dataset } = workspace;
    const item = await put(workspace, '/a/b.txt');
    await createAnnotations(platform, actor, item.id, [{ type: 'class', label: 'cat' }]);
    const other = await createProject(platform, actor, { name: 'p2' });
    const kept = await createDataset(platform, actor, { name: 'd1', projects: [other.id] });

    await deleteProject(platform, actor, project.id);

    await expect(getDataset(platform, actor, dataset.id)).rejects.toMatchObject({ code: 'EntityNotFound' });
    for (const kind of ['Item', 'Annotation'] as const) expect(await platform.store.count(kind, {})).toBe(0);
    for (const kind of ['Project', 'Dataset', 'Recipe', 'Ontology'] as const)
      expect(await platform.store.count(kind, {})).toBe(1);
    expect((await getDataset(platform, actor, kept.id)).name).toBe('d1');
  });

  it('models, snapshots, metrics and runs go with their project', async () => {
    const own = await openModelWorkspace();
    const { platform, actor, project, snapshot } = own;
    await logMetrics(platform, actor, snapshot.id, { figure: 'loss', legend: 'train', x: 0, y: 1 });
    await train(own, snapshot);
    platform.clock.advance(365 * 24 * 3_600_000);

    await deleteProject(platform, actor, project.id);

    for (const kind of ['Model', 'Snapshot', 'MetricSample', 'Execution', 'Trigger'] as const)
      expect(await platform.store.count(kind, {})).toBe(0);
    await platform.close();
  });

  it('a project in which a snapshot is being trained stays', async () => {
    const own = await openModelWorkspace();
    const { platform, actor, project, snapshot } = own;
    await train(own, snapshot);

    await expect(deleteProject(platform, actor, project.id)).rejects.toMatchObject({
      code: 'SnapshotInUse',
    });
    expect((await getProject(platform, actor, project.id)).name).toBe(project.name);
    await platform.close();
  });

  it('an ontology that another project shares stays with that project', async () => {
    const { platform, actor, project } = workspace;
    const other = await createProject(platform, actor, { name: 'p2' });
    const shared = await createOntology(platform, actor, { projectIds: [project.id, other.id] });

    await deleteProject(platform, actor, project.id);

    expect((await platform.store.get('Ontology', shared.id))?.metadata).toEqual({
      system: { projectIds: [other.id] },
    });
  });

  it('a stranger finds, lists, reads, renames and deletes nothing', async () => {
    const { platform, project } = workspace;

    expect(await listProjects(platform, STRANGER)).toEqual([]);
    expect(await findProjectsByName(platform, STRANGER, 'p1')).toEqual([]);
    for (const attempt of [
      () => getProject(platform, STRANGER, project.id),
      () => updateProject(platform, STRANGER, project.id, { name: 'mine' }),
      () => deleteProject(platform, STRANGER, project.id),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'EntityNotFound', statusCode: 404 });
  });

  it.each([
    [{}],
    [{ name: '' }],
    [{ name: 'a/b' }],
    [{ name: 7 }],
    [null],
    ['p'],
    [{ name: 'x'.repeat(256) }],
  ])('refuses %j', async (input) => {
    const { platform, actor } = workspace;

    await expect(createProject(platform, actor, input)).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});
