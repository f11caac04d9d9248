import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { predictFunction } from '../../functions/predict/predict.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { setReadonly } from '../../shared/catalog/datasets.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createProject } from '../../shared/catalog/projects.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import type { JsonObject } from '../../shared/json.ts';
import { runInPlace } from '../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

describe('the predict function', () => {
  let space: TinyWorkspace;
  beforeEach(async () => {
    space = await openTinyWorkspace();
    await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
  });
  afterEach(() => space.platform.close());

  const testItems = (): JsonObject => ({
    dataset: space.dataset.id,
    filter: { 'metadata.system.snapshotPartition': 'test' },
  });
  const predict = (input: JsonObject = {}) =>
    runInPlace(space.container, predictFunction, {
      snapshot: space.snapshot.id,
      items: testItems(),
      ...input,
    });
  const predictions = async () =>
    (
      await space.platform.store.query('Annotation', {
        filter: { 'metadata.user.model.snapshot_id': space.snapshot.id },
      })
    ).items;

  it('writes each prediction as an annotation of its item, as the platform writes them', async () => {
    await predict();

    const [annotation] = await predictions();
    expect(await predictions()).toHaveLength(4);
    expect(annotation).toMatchObject({
      type: 'class',
      metadata: {
        system: { automated: true },
        user: {
          annotation_type: 'prediction',
          model: {
            name: 'tiny-first',
            confidence: 0.5,
            model_id: space.model.id,
            snapshot_id: space.snapshot.id,
            revision: 1,
            code_digest: expect.stringMatching(/./),
          },
        },
      },
    });
    const { items } = await space.platform.store.query('Item', { filter: { filename: '/test/*' } });
    expect(items.map(({ annotationsCount }) => annotationsCount)).toEqual([2, 2, 2, 2]);
  });

  it('again changes nothing and tells nobody', async () => {
    await predict();
    const before = await predictions();
    const { store } = space.platform;
    await store.removeEvents((await store.readEvents(1000)).map(({ sequence }) => sequence));
    space.platform.clock.advance(60_000);

    await predict();

    expect(await predictions()).toEqual(before);
    expect(await store.readEvents(10)).toEqual([]);
  });

  it('after a new training replaces the predictions of the earlier revision', async () => {
    await predict();
    await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });

    await predict();

    const revisions = (await predictions()).map(
      ({ metadata }) => (metadata.user as JsonObject).model as JsonObject,
    );
    expect(revisions).toHaveLength(4);
    expect(new Set(revisions.map(({ revision }) => revision))).toEqual(new Set([2]));
  });

  it('leaves what people said alone', async () => {
    const before = await space.platform.store.count('Annotation', {});

    await predict();
    await predict();

    expect(await space.platform.store.count('Annotation', {})).toBe(before + 4);
  });

  it('predicts the good items and reports the unreadable one', async () => {
    const broken = await space.platform.content.put(new TextEncoder().encode('\xff'), 100);
    await space.platform.store.update('Item', space.items.get('/test/4.json')!.id, (item) => ({
      ...item,
      content: broken,
    }));

    const output = await predict();

    expect(output).toMatchObject({
      items: 3,
      annotations: 3,
      failed: [{ filename: '/test/4.json', code: 'ItemUnreadable' }],
    });
    expect(await predictions()).toHaveLength(3);
  });

  it('lands the others when one item makes the adapter throw, and leaves the earlier prediction of that one', async () => {
    await predict();
    const before = await predictions();
    await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
    space.probe.onPredict = (samples) => {
      if (samples.includes(14)) throw new Error('fourteen is poison');
    };

    const output = await predict();

    const poisoned = space.items.get('/test/14.json')!.id;
    expect(output).toMatchObject({ items: 3, failed: [{ item_id: poisoned, filename: '/test/14.json' }] });
    const after = await predictions();
    expect(after).toHaveLength(4);
    expect(after.find(({ itemId }) => itemId === poisoned)).toEqual(
      before.find(({ itemId }) => itemId === poisoned),
    );
  });

  it('gives an item whose content was replaced predictions of their own', async () => {
    await predict();
    const before = (await predictions()).map(({ id }) => id);
    const content = await space.platform.content.put(new TextEncoder().encode('{"x": 10.5}'), 100);
    await space.platform.store.update('Item', space.items.get('/test/10.json')!.id, (item) => ({
      ...item,
      content,
    }));

    await predict();

    const after = (await predictions()).map(({ id }) => id);
    expect(after).toHaveLength(4);
    expect(after.filter((id) => !before.includes(id))).toHaveLength(1);
  });

  it('of nothing but unreadable items fails and writes nothing', async () => {
    const broken = await space.platform.content.put(new TextEncoder().encode('no'), 100);
    const id = space.items.get('/test/4.json')!.id;
    await space.platform.store.update('Item', id, (item) => ({ ...item, content: broken }));

    await expect(predict({ items: [id] })).rejects.toMatchObject({
      code: 'NothingPredicted',
      statusCode: 422,
    });
    expect(await predictions()).toEqual([]);
  });

  it('refuses a label that the ontology does not have, and writes nothing', async () => {
    await space.platform.store.update('Snapshot', space.snapshot.id, (snapshot) => ({
      ...snapshot,
      ontologySpec: { ...snapshot.ontologySpec, labels: ['low'] },
    }));

    await expect(predict()).rejects.toMatchObject({
      code: 'PredictionInvalid',
      message: expect.stringContaining('high'),
    });
    expect(await predictions()).toEqual([]);
  });

  it('refuses a snapshot of another project', async () => {
    const { platform } = space;
    const project = await createProject(platform, LOCAL_ACTOR, { name: 'other' });
    const model = await createModel(platform, LOCAL_ACTOR, {
      name: 'm',
      projectId: project.id,
      entryPoint: 'modelfn/tiny',
    });
    const foreign = await createSnapshot(platform, LOCAL_ACTOR, {
      name: 's',
      projectId: project.id,
      modelId: model.id,
    });

    await expect(predict({ snapshot: foreign.id })).rejects.toMatchObject({
      code: 'EntityOutsideProject',
      statusCode: 403,
    });
  });

  it('does not write to a locked dataset', async () => {
    await setReadonly(space.platform, LOCAL_ACTOR, space.dataset.id, true);

    await expect(predict()).rejects.toMatchObject({ code: 'DatasetReadonly' });
    expect(await predictions()).toEqual([]);
    expect(await predict({ write: false })).toMatchObject({ items: 4, written: false, digest: null });
  });

  it('drops what is below the confidence asked for', async () => {
    expect(await predict({ minConfidence: 0.6 })).toMatchObject({ items: 4, annotations: 0 });
  });

  it('loads a snapshot once for many calls, and again after its configuration changed', async () => {
    await predict();
    await predict();
    expect(space.probe.loads).toBe(1);

    await space.platform.store.update('Snapshot', space.snapshot.id, (snapshot) => ({
      ...snapshot,
      configuration: { bias: 100 },
    }));

    const output = await predict();
    expect(space.probe.loads).toBe(2);
    expect(output.cold).toBe(true);
  });

  it('refuses a folder and says how to name its files', async () => {
    const [folder] = await space.platform.store.ids('Item', { filter: { filename: '/test', type: 'dir' } });

    await expect(predict({ items: [folder!] })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('"dir": "/test"'),
    });
  });
});
