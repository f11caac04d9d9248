import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { convertFunction } from '../../functions/convert/convert.ts';
import { evaluateFunction } from '../../functions/evaluate/evaluate.ts';
import { predictFunction } from '../../functions/predict/predict.ts';
import { trainFunction } from '../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createDataset } from '../../shared/catalog/datasets.ts';
import { readMetrics } from '../../shared/catalog/metrics.ts';
import type { JsonObject } from '../../shared/json.ts';
import { runInPlace } from '../support/run-function.ts';
import { openTinyWorkspace, type TinyWorkspace } from '../support/tiny-workspace.ts';

it('the convert function says which adapters cannot tell their weights in ONNX', async () => {
  const space = await openTinyWorkspace();
  const input = { snapshot: space.snapshot.id };
  await runInPlace(space.container, trainFunction, input);

  await expect(
    runInPlace(space.container, convertFunction, { ...input, format: 'onnx' }),
  ).rejects.toMatchObject({
    code: 'ModelNotExportable',
    details: { adapter: 'TinyAdapter', format: 'onnx' },
  });
  await space.platform.close();
});

describe('the evaluate function', () => {
  let space: TinyWorkspace;
  beforeEach(async () => {
    space = await openTinyWorkspace();
    await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });
  });
  afterEach(() => space.platform.close());
  const evaluate = (input: JsonObject = {}) =>
    runInPlace(space.container, evaluateFunction, { snapshot: space.snapshot.id, ...input });
  const predict = () =>
    runInPlace(space.container, predictFunction, {
      snapshot: space.snapshot.id,
      items: { dataset: space.dataset.id },
    });

  it('compares the predictions on the items with what people said', async () => {
    await predict();

    expect(await evaluate()).toMatchObject({
      partition: 'test',
      items: 4,
      evaluated: 4,
      metrics: { accuracy: 1, f1: 1, items: 4 },
      perLabel: { low: { support: 2, f1: 1 }, high: { support: 2, f1: 1 } },
    });
  });

  it('keeps the numbers as metrics of the snapshot, by partition and revision', async () => {
    await predict();

    await evaluate();

    const samples = await readMetrics(space.platform, LOCAL_ACTOR, space.snapshot.id, { figure: 'test' });
    expect(samples).toContainEqual(
      expect.objectContaining({ figure: 'test', legend: 'accuracy', x: 1, y: 1 }),
    );
  });

  it('predicts by itself when asked to, and writes nothing', async () => {
    const before = await space.platform.store.count('Annotation', {});

    expect(await evaluate({ predict: true, partition: 'all' })).toMatchObject({
      items: 10,
      metrics: { accuracy: 1 },
    });
    expect(await space.platform.store.count('Annotation', {})).toBe(before);
  });

  it('says what to do when nothing was predicted, also after a newer training', async () => {
    await expect(evaluate()).rejects.toMatchObject({ code: 'PredictionsMissing', statusCode: 422 });
    await predict();
    await runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id });

    await expect(evaluate()).rejects.toMatchObject({ code: 'PredictionsMissing', details: { revision: 2 } });
  });

  it('keeps how each item fared in pages of the run, and shows the worst', async () => {
    await predict();

    const { perItem } = await evaluate({ partition: 'all', predict: true });

    const { bucket: spec, firstPage } = perItem as {
      bucket: { type: 'item'; itemId: string };
      firstPage: string;
    };
    expect(perItem).toMatchObject({ count: 10, worst: [], pages: 1, pageSize: 200 });
    const bucket = await space.platform.openBucket({ id: 'x', projectId: space.project.id }, spec);
    const page = JSON.parse(
      Buffer.concat(await Array.fromAsync(bucket.read(firstPage))).toString(),
    ) as JsonObject;
    expect(page).toMatchObject({ start: 0, count: 10 });
    expect((page.items as JsonObject[]).find(({ filename }) => filename === '/test/0.json')).toMatchObject({
      itemId: space.items.get('/test/0.json')!.id,
      errors: 0,
      class: { label: 'low', predicted: 'low' },
    });
  });

  it('refuses an overlap that is none', async () => {
    await expect(evaluate({ iou: 1.5 })).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  it('refuses a partition without items', async () => {
    await expect(evaluate({ partition: 'validation' })).rejects.toMatchObject({ code: 'PartitionEmpty' });
  });
});

describe('the convert function', () => {
  let space: TinyWorkspace;
  beforeEach(async () => {
    space = await openTinyWorkspace();
  });
  afterEach(() => space.platform.close());
  const convert = (input: JsonObject) =>
    runInPlace(space.container, convertFunction, { snapshot: space.snapshot.id, ...input });

  it('writes the layout into an artifact folder of the project, and reads it back into items', async () => {
    const output = await convert({ partition: 'train' });
    const { id } = await createDataset(space.platform, LOCAL_ACTOR, {
      name: 'copy',
      projects: [space.project.id],
    });

    const back = await convert({ from: output.bucket!, dataset: id, folder: '/back' });

    expect(output).toMatchObject({ items: { train: 6 }, bucket: { type: 'item' } });
    expect((output.files as JsonObject[]).map(({ path }) => path)).toContain('low/train/1.json');
    expect(back).toMatchObject({ created: 6, failed: [] });
    const { items } = await space.platform.store.query('Item', {
      filter: { type: 'file' },
      scope: { datasetId: id },
    });
    const original = space.items.get('/train/1.json')!;
    expect(items.find(({ filename }) => filename === '/back/train/1.json')).toMatchObject({
      content: original.content,
      annotationsCount: 1,
    });
  });

  it('refuses a bucket outside of what it may write to', async () => {
    await expect(convert({ bucket: { type: 'local', localPath: '/etc/modelfn' } })).rejects.toMatchObject({
      code: 'BucketNotAllowed',
    });
  });

  it('refuses partitions without items', async () => {
    await expect(convert({ partition: 'validation' })).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});
