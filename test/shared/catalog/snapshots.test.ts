import { access } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDataset } from '../../../shared/catalog/datasets.ts';
import { addLabels } from '../../../shared/catalog/labels.ts';
import { logMetrics } from '../../../shared/catalog/metrics.ts';
import { createModel } from '../../../shared/catalog/models.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import {
  createSnapshot,
  deleteSnapshot,
  getSnapshot,
  querySnapshots,
  updateSnapshot,
} from '../../../shared/catalog/snapshots.ts';
import { ownBucketFolder } from '../../../shared/state-folder.ts';
import { openPath } from '../../support/test-platform.ts';
import { eventNames, STRANGER, takeEvents } from '../../support/workspace.ts';
import { type ModelWorkspace, openModelWorkspace, saveWeights, train } from './model-workspace.ts';

let workspace: ModelWorkspace;
beforeEach(async () => {
  workspace = await openModelWorkspace();
});
afterEach(() => workspace.platform.close());

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

describe('creating snapshots', () => {
  it('gives one without a bucket a folder of its own where the setting says, and leaves a given one alone', async () => {
    const { actor, model } = workspace;
    const bucket = { bucketName: 'weights', prefix: 'team', projectName: 'my-project' };
    const platform = { ...workspace.platform, config: { ...workspace.platform.config, bucket } };

    const created = await createSnapshot(platform, actor, { name: 'own', modelId: model.id });
    const given = await createSnapshot(platform, actor, {
      name: 'given',
      modelId: model.id,
      bucket: { type: 'local' },
    });

    expect(created.bucket).toEqual({
      type: 'gcs',
      gcsProjectName: 'my-project',
      gcsBucketName: 'weights',
      gcsPrefix: `team/snapshots/${created.id}`,
    });
    expect(given.bucket).toEqual({ type: 'local' });
  });

  it('what is not given gets its default, and nothing of the model is copied into the configuration', async () => {
    const { platform, actor, project, dataset } = workspace;
    await addLabels(platform, actor, dataset.id, ['cat', 'dog.small']);
    const model = await createModel(platform, actor, {
      name: 'm2',
      projectId: project.id,
      configuration: { C: 1 },
    });

    const snapshot = await createSnapshot(platform, actor, {
      name: 's',
      modelId: model.id,
      datasetId: dataset.id,
    });

    expect(snapshot).toMatchObject({
      projectId: project.id,
      revision: 0,
      weights: null,
      parentId: null,
      status: 'created',
      configuration: {},
      bucket: { type: 'local' },
      lineage: {},
      tags: [],
    });
    expect(snapshot.ontologySpec.labels).toEqual(['cat', 'dog', 'dog.small']);
    expect(await getSnapshot(platform, actor, snapshot.id)).toEqual(snapshot);
  });

  it('labels that come later do not change a snapshot', async () => {
    const { platform, actor, dataset, snapshot } = workspace;

    await addLabels(platform, actor, dataset.id, ['late']);

    expect((await getSnapshot(platform, actor, snapshot.id)).ontologySpec.labels).toEqual([]);
  });

  it('the whole JSON of another snapshot makes a new one: ids, times, weights and lineage in it are noise', async () => {
    const { platform, actor } = workspace;
    const source = await saveWeights(workspace, workspace.snapshot);
    platform.clock.advance(5000);

    const clone = await createSnapshot(platform, actor, {
      ...source,
      name: 'clone',
      status: 'created',
      is_global: true,
      global: undefined,
      description: null,
      tags: null,
    });

    expect(clone).toMatchObject({
      name: 'clone',
      revision: 0,
      weights: null,
      lineage: {},
      global: true,
      creator: actor.email,
    });
    expect(clone.id).not.toBe(source.id);
    expect(clone.createdAt > source.createdAt).toBe(true);
  });

  it('a name is taken once a model, in the words of the platform', async () => {
    const { platform, actor, project, model } = workspace;
    const other = await createModel(platform, actor, { name: 'm2', projectId: project.id });

    await expect(createSnapshot(platform, actor, { name: 's1', modelId: model.id })).rejects.toMatchObject({
      name: 'SnapshotNameTaken',
      statusCode: 409,
      message: expect.stringContaining('Failed creating  E11000 duplicate key error collection'),
    });
    expect((await createSnapshot(platform, actor, { name: 's1', modelId: other.id })).name).toBe('s1');
  });

  it('a rename to a taken name is refused alike', async () => {
    const { platform, actor, model } = workspace;
    const other = await createSnapshot(platform, actor, { name: 's2', modelId: model.id });

    await expect(updateSnapshot(platform, actor, other.id, { name: 's1' })).rejects.toMatchObject({
      name: 'SnapshotNameTaken',
    });
  });

  it('model, dataset and parent are of one project', async () => {
    const { platform, actor, dataset, snapshot } = workspace;
    const p2 = await createProject(platform, actor, { name: 'p2' });
    const model = await createModel(platform, actor, { name: 'm', projectId: p2.id });
    const base = { name: 's', modelId: model.id };

    for (const mixed of [
      { ...base, datasetId: dataset.id },
      { ...base, parentId: snapshot.id },
      { ...base, projectId: snapshot.projectId },
    ])
      await expect(createSnapshot(platform, actor, mixed)).rejects.toMatchObject({
        code: 'ProjectMismatch',
        statusCode: 400,
      });
    expect(await platform.store.count('Snapshot', {})).toBe(1);
  });

  it('a stranger finds neither the model nor the snapshot', async () => {
    const { platform, model, snapshot } = workspace;

    for (const attempt of [
      () => createSnapshot(platform, STRANGER, { name: 's', modelId: model.id }),
      () => getSnapshot(platform, STRANGER, snapshot.id),
      () => updateSnapshot(platform, STRANGER, snapshot.id, { name: 'x' }),
      () => deleteSnapshot(platform, STRANGER, snapshot.id, { force: true }),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'EntityNotFound' });
    expect((await querySnapshots(platform, STRANGER, {})).items).toEqual([]);
  });
});

describe('updating snapshots', () => {
  it('parent, revision, weights, lineage and model are not the caller’s to write', async () => {
    const { platform, actor } = workspace;
    const saved = await saveWeights(workspace, workspace.snapshot);

    const patched = await updateSnapshot(platform, actor, saved.id, {
      ...saved,
      description: 'mine',
      revision: 9,
      weights: null,
      lineage: { forged: true },
      parentId: saved.id,
      modelId: 'x',
      run: { executionId: 'x' },
    });

    expect(patched).toEqual({ ...saved, description: 'mine' });
  });

  it('is_global of the client sets global', async () => {
    const { platform, actor, snapshot } = workspace;

    expect(await updateSnapshot(platform, actor, snapshot.id, { is_global: true })).toMatchObject({
      global: true,
    });
  });

  it('while a run writes the weights its configuration is frozen, and its description is not', async () => {
    const { platform, actor, snapshot } = workspace;
    const training = await train(workspace, snapshot);

    await expect(
      updateSnapshot(platform, actor, snapshot.id, { ...training, configuration: { C: 2 } }),
    ).rejects.toMatchObject({
      code: 'SnapshotInUse',
      statusCode: 409,
      message: expect.stringContaining(`run-of-${snapshot.id}`),
    });
    const described = await updateSnapshot(platform, actor, snapshot.id, { ...training, description: 'ok' });
    expect(described).toMatchObject({ description: 'ok', configuration: {} });
  });

  it('a run whose container stopped renewing its lease freezes nothing', async () => {
    const { platform, actor, snapshot } = workspace;
    await train(workspace, snapshot);
    platform.clock.advance(10 * 60_000);

    const patched = await updateSnapshot(platform, actor, snapshot.id, { configuration: { C: 2 } });

    expect(patched.configuration).toEqual({ C: 2 });
  });

  it('a bucket without the saved manifest makes the weights pointer null', async () => {
    const { platform, actor } = workspace;
    const saved = await saveWeights(workspace, workspace.snapshot);
    const bucket = await platform.openBucket(saved, saved.bucket);
    await bucket.delete(saved.weights!.manifestKey);

    const patched = await updateSnapshot(platform, actor, saved.id, { ...saved, status: 'trained' });

    expect(patched).toMatchObject({ weights: null, revision: 1 });
  });

  it('a bucket that may not be opened is refused while there are weights to look for', async () => {
    const { platform, actor } = workspace;
    const saved = await saveWeights(workspace, workspace.snapshot);

    await expect(
      updateSnapshot(platform, actor, saved.id, { bucket: { type: 'local', localPath: '/etc' } }),
    ).rejects.toMatchObject({ code: 'BucketNotAllowed' });
    expect((await getSnapshot(platform, actor, saved.id)).weights).toEqual(saved.weights);
  });

  it('another dataset must be of the project', async () => {
    const { platform, actor, project, snapshot } = workspace;
    const p2 = await createProject(platform, actor, { name: 'p2' });
    const foreign = await createDataset(platform, actor, { name: 'd', projects: [p2.id] });
    const own = await createDataset(platform, actor, { name: 'd2', projects: [project.id] });

    await expect(
      updateSnapshot(platform, actor, snapshot.id, { datasetId: foreign.id }),
    ).rejects.toMatchObject({ code: 'ProjectMismatch' });
    const moved = await updateSnapshot(platform, actor, snapshot.id, { datasetId: own.id });
    expect(moved.datasetId).toBe(own.id);
  });
});

describe('deleting snapshots', () => {
  it('takes the metrics along, and then the folder of the bucket that was its own', async () => {
    const { platform, actor } = workspace;
    const saved = await saveWeights(workspace, workspace.snapshot);
    await logMetrics(platform, actor, saved.id, { figure: 'f', legend: 'l', x: 0, y: 0 });
    const folder = ownBucketFolder(platform.config.home, saved.id);
    expect(await exists(folder)).toBe(true);

    await deleteSnapshot(platform, actor, saved.id);

    expect(await exists(folder)).toBe(false);
    expect(await platform.store.count('MetricSample', {})).toBe(0);
  });

  it('a folder that was its own goes also when it has another bucket by now', async () => {
    const { platform, actor } = workspace;
    const saved = await saveWeights(workspace, workspace.snapshot);
    const localPath = openPath(platform, 'given');
    await updateSnapshot(platform, actor, saved.id, { bucket: { type: 'local', localPath } });

    await deleteSnapshot(platform, actor, saved.id);

    expect(await exists(ownBucketFolder(platform.config.home, saved.id))).toBe(false);
  });

  it("a snapshot's own folder stays while the record of another snapshot names it by its path", async () => {
    const { platform, actor, model } = workspace;
    const saved = await saveWeights(workspace, workspace.snapshot);
    const localPath = ownBucketFolder(platform.config.home, saved.id);
    const guest = await createSnapshot(platform, actor, { name: 'guest', modelId: model.id });
    // Such a spec is refused today; earlier releases stored it.
    const bucket = { type: 'local' as const, localPath };
    await platform.store.update('Snapshot', guest.id, (now) => ({ ...now, bucket }));

    await deleteSnapshot(platform, actor, saved.id);

    expect(await exists(`${localPath}/${saved.weights!.manifestKey}`)).toBe(true);
  });

  it.each(['', '/buckets', '/contents/ab', '/../state'])(
    "a bucket in modelfn's own files is refused when the snapshot is written: <state folder>%s",
    async (below) => {
      const { platform, actor, model, snapshot } = workspace;
      const bucket = { type: 'local' as const, localPath: `${platform.config.home}${below}` };

      const created = createSnapshot(platform, actor, { name: 's2', modelId: model.id, bucket });
      await expect(created).rejects.toMatchObject({ code: 'BucketNotAllowed', statusCode: 403 });
      const updated = updateSnapshot(platform, actor, snapshot.id, { bucket });
      await expect(updated).rejects.toMatchObject({ code: 'BucketNotAllowed' });
      const file = { type: 'git' as const, gitUrl: `file://${platform.config.home}/x.git`, gitTag: 'main' };
      const git = updateSnapshot(platform, actor, snapshot.id, { bucket: file });
      await expect(git).rejects.toMatchObject({ code: 'GitFolderNotAllowed' });
    },
  );

  it('leaves the files of a bucket that was given by path', async () => {
    const { platform, actor, model } = workspace;
    const localPath = openPath(platform, 'given');
    const created = await createSnapshot(platform, actor, {
      name: 's2',
      modelId: model.id,
      bucket: { type: 'local', localPath },
    });
    await saveWeights(workspace, created);

    await deleteSnapshot(platform, actor, created.id);

    expect(await exists(localPath)).toBe(true);
  });

  it('one with children, or in use, stays unless it is forced', async () => {
    const { platform, actor, model, snapshot } = workspace;
    const child = await createSnapshot(platform, actor, {
      name: 'child',
      modelId: model.id,
      parentId: snapshot.id,
    });
    await train(workspace, child);

    await expect(deleteSnapshot(platform, actor, snapshot.id)).rejects.toMatchObject({
      code: 'SnapshotHasChildren',
      statusCode: 409,
    });
    await expect(deleteSnapshot(platform, actor, child.id)).rejects.toMatchObject({ code: 'SnapshotInUse' });

    await deleteSnapshot(platform, actor, snapshot.id, { force: true });
    expect((await getSnapshot(platform, actor, child.id)).parentId).toBe(snapshot.id);
  });

  it('create, update and delete are each told as one event', async () => {
    const { platform, actor, snapshot } = workspace;
    await updateSnapshot(platform, actor, snapshot.id, { description: 'd' });
    await updateSnapshot(platform, actor, snapshot.id, { description: 'd' });
    await deleteSnapshot(platform, actor, snapshot.id);

    const events = await takeEvents(platform);

    expect(eventNames(events)).toEqual(['Snapshot Created', 'Snapshot Updated', 'Snapshot Deleted']);
    expect(events[2]).toMatchObject({ resourceId: snapshot.id, body: { name: 's1' } });
  });
});
