import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDataset } from '../../../shared/catalog/datasets.ts';
import { addLabels } from '../../../shared/catalog/labels.ts';
import { cloneSnapshot } from '../../../shared/catalog/snapshot-clone.ts';
import { deleteSnapshot, updateSnapshot } from '../../../shared/catalog/snapshots.ts';
import { ownBucketFolder } from '../../../shared/state-folder.ts';
import { STRANGER } from '../../support/workspace.ts';
import { type ModelWorkspace, openModelWorkspace, saveWeights } from './model-workspace.ts';

let workspace: ModelWorkspace;
beforeEach(async () => {
  workspace = await openModelWorkspace();
});
afterEach(() => workspace.platform.close());

async function text(snapshot: { id: string; projectId: string }, key: string): Promise<string> {
  const bucket = await workspace.platform.openBucket(snapshot, { type: 'local' });
  const chunks: Uint8Array[] = [];
  for await (const chunk of bucket.read(key)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('cloneSnapshot', () => {
  it('without weights: a child at revision 0, its configuration key by key over the source’s', async () => {
    const { platform, actor, snapshot } = workspace;
    await updateSnapshot(platform, actor, snapshot.id, { configuration: { C: 1, gamma: 2 } });
    await saveWeights(workspace, snapshot);

    const clone = await cloneSnapshot(platform, actor, snapshot.id, {
      name: 'c',
      configuration: { C: 5, degree: null },
    });

    expect(clone).toMatchObject({
      parentId: snapshot.id,
      revision: 0,
      weights: null,
      status: 'created',
      lineage: {},
      datasetId: snapshot.datasetId,
      configuration: { C: 5, gamma: 2, degree: null },
    });
  });

  it('a clone for another dataset has its labels and no label map of the source', async () => {
    const { platform, actor, snapshot, project } = workspace;
    await updateSnapshot(platform, actor, snapshot.id, {
      ontologySpec: { ontologyId: null, labels: ['tench', 'shark'] },
      configuration: {
        C: 1,
        id_to_label_map: { 0: 'tench', 1: 'shark' },
        label_to_id_map: { tench: 0, shark: 1 },
      },
    });
    const pets = await createDataset(platform, actor, { name: 'pets', projects: [project.id] });
    await addLabels(platform, actor, pets.id, ['cat']);

    const clone = await cloneSnapshot(platform, actor, snapshot.id, { name: 'c', datasetId: pets.id });
    const named = await cloneSnapshot(platform, actor, snapshot.id, {
      name: 'd',
      datasetId: pets.id,
      labels: ['shark', 'tench'],
      configuration: { id_to_label_map: { 0: 'shark', 1: 'tench' } },
    });
    const same = await cloneSnapshot(platform, actor, snapshot.id, {
      name: 'e',
      datasetId: snapshot.datasetId,
    });

    expect(clone).toMatchObject({ datasetId: pets.id, ontologySpec: { labels: ['cat'] } });
    expect(clone.configuration).toEqual({ C: 1 });
    expect(named.ontologySpec.labels).toEqual(['shark', 'tench']);
    expect(named.configuration).toEqual({ C: 1, id_to_label_map: { 0: 'shark', 1: 'tench' } });
    expect(same.ontologySpec.labels).toEqual(['tench', 'shark']);
    expect(same.configuration).toHaveProperty('id_to_label_map');
  });

  it('with weights: they are copied, and outlive the source', async () => {
    const { platform, actor } = workspace;
    const source = await saveWeights(workspace, workspace.snapshot, 'precious');

    const clone = await cloneSnapshot(platform, actor, source.id, { name: 'c', withWeights: true });
    await deleteSnapshot(platform, actor, source.id, { force: true });

    expect(clone).toMatchObject({
      revision: 1,
      weights: source.weights,
      status: 'trained',
      lineage: { seed: 7 },
    });
    const manifest = JSON.parse(await text(clone, clone.weights!.manifestKey)) as {
      files: { sha256: string }[];
    };
    expect(await text(clone, `objects/${manifest.files[0]!.sha256}`)).toBe('precious');
  });

  it('files that lie bare in the bucket are copied bare', async () => {
    const { platform, actor, snapshot } = workspace;
    const bucket = await platform.openBucket(snapshot, snapshot.bucket);
    await bucket.write('sub/model.bin', Buffer.from('bare'));

    const clone = await cloneSnapshot(platform, actor, snapshot.id, { name: 'c', withWeights: true });

    expect(clone).toMatchObject({ revision: 0, weights: null, status: 'trained' });
    expect(await text(clone, 'sub/model.bin')).toBe('bare');
  });

  it('the weights of a snapshot without any cannot be cloned, and nothing is left of the attempt', async () => {
    const { platform, actor, snapshot } = workspace;

    await expect(
      cloneSnapshot(platform, actor, snapshot.id, { name: 'c', withWeights: true }),
    ).rejects.toMatchObject({ code: 'WeightsMissing' });
    expect(await platform.store.count('Snapshot', {})).toBe(1);
  });

  it('a taken name is a 409, and the copied files go again', async () => {
    const { platform, actor } = workspace;
    const source = await saveWeights(workspace, workspace.snapshot);

    await expect(
      cloneSnapshot(platform, actor, source.id, { name: 's1', withWeights: true }),
    ).rejects.toMatchObject({ name: 'SnapshotNameTaken' });
    const folders = await readdir(dirname(ownBucketFolder(platform.config.home, source.id)));
    expect(folders).toEqual([source.id]);
  });

  it('a stranger finds nothing to clone', async () => {
    const { platform, snapshot } = workspace;

    await expect(cloneSnapshot(platform, STRANGER, snapshot.id, { name: 'c' })).rejects.toMatchObject({
      code: 'EntityNotFound',
    });
  });
});
