import { readFileSync, writeFileSync } from 'node:fs';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { InceptionAdapter } from '../../../adapters/inception/inception-adapter.ts';
import { node, onnxFile, port, tensor } from '../../../adapters/onnx-engine/onnx-writer.ts';
import { evaluateFunction } from '../../../functions/evaluate/evaluate.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { uploadItems } from '../../../shared/catalog/item-import.ts';
import { createSnapshot } from '../../../shared/catalog/snapshots.ts';
import type { Partition } from '../../../shared/entities/item.ts';
import type { Snapshot } from '../../../shared/entities/snapshot.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { item } from '../../shared/store/sample-entities.ts';
import { FASHION, fashionImages, fashionLabels } from '../../support/fashion.ts';
import { fixtureFolder, ONNX_FIXTURES } from '../../support/onnx-fixtures.ts';
import { openSnapshotOf, putFiles, type SnapshotWorkspace } from '../../support/onnx-snapshot.ts';
import { runInPlace } from '../../support/run-function.ts';

const CONFIGURATION = { input: { width: 28, height: 28, channels: 1, mean: [0], std: [1] } };
const expected: { probs: number[][]; embedding_first4: number[][] } = JSON.parse(
  readFileSync(join(ONNX_FIXTURES, 'fashion-inception.expected.json'), 'utf8'),
);

it("predicts with a pre-trained snapshot what PyTorch's model says, embeddings beside the classes", async () => {
  const space = await openPretrained({ ...CONFIGURATION, top_k: 10, embeddings: true });
  const folder = temporaryFolder();
  const images = await fashionImages('test', 20);
  const paths = images.map((image, index) => {
    const path = join(folder, `${String(index).padStart(2, '0')}.png`);
    writeFileSync(path, image);
    return path;
  });
  const items = await putFiles(space, paths);

  await runInPlace(space.container, predictFunction, {
    snapshot: space.snapshot.id,
    items: items.map(({ id }) => id),
  });

  for (const [index, { id }] of items.entries()) {
    const { items: found } = await space.platform.store.query('Annotation', { filter: { itemId: id } });
    const classes = found.filter(({ type }) => type === 'class');
    expect(classes).toHaveLength(10);
    for (const { label, metadata } of classes) {
      const { confidence } = (metadata.user as { model: { confidence: number } }).model;
      expect(Math.abs(confidence - expected.probs[index]![FASHION.indexOf(label)]!)).toBeLessThan(1e-5);
    }
    const [embedding] = found.filter(({ type }) => type === 'embedding');
    expect(embedding!.coordinates).toHaveLength(128);
    for (const [place, value] of (expected.embedding_first4[index] ?? []).entries())
      expect(Math.abs((embedding!.coordinates as number[])[place]! - value)).toBeLessThan(1e-5);
  }
});

it('trains a head from its parent, to the same bytes again, and says which parent it was', async () => {
  const space = await openPretrained(CONFIGURATION);
  await putFashion(space, { train: 600, validation: 100, test: 300 });
  await uploadItems(
    space.platform,
    space.actor,
    space.dataset.id,
    [{ path: '/train/broken.png', bytes: Buffer.from('no image'), label: 'bag', partition: 'train' }],
    { mode: 'skip' },
  );
  const child = await childOf(space, 'first');
  const twin = await childOf(space, 'second');

  const output = await runInPlace(space.container, trainFunction, { snapshot: child.id });
  const again = await runInPlace(space.container, trainFunction, { snapshot: twin.id });
  const evaluated = await runInPlace(space.container, evaluateFunction, {
    snapshot: child.id,
    partition: 'test',
    predict: true,
  });

  const { accuracy } = evaluated.metrics as { accuracy: number };
  console.log(`head of 600 items on a frozen backbone: ${accuracy} of 300 test items right`);
  expect(accuracy).toBeGreaterThan(0.85);
  const filesOf = ({ weights }: JsonObject) =>
    (weights as { files: { path: string; sha256: string }[] }).files;
  expect(filesOf(output).map(({ path }) => path)).toEqual(['fashion-inception.onnx', 'head.softmax']);
  expect(filesOf(again)).toEqual(filesOf(output));
  expect(output.leftOut).toMatchObject({ failedCount: 1, failed: [{ filename: '/train/broken.png' }] });
  const trained = (await space.platform.store.get('Snapshot', child.id))!;
  expect(trained.lineage).toMatchObject({ parent: { id: space.snapshot.id, revision: 1 } });
});

it('says what to do when there is no parent with weights', async () => {
  const space = await openPretrained(CONFIGURATION);
  await putFashion(space, { train: 40, validation: 0, test: 0 });
  const orphan = await childOf(space, 'orphan', null);
  const untrained = await childOf(space, 'of an untrained parent', orphan.id);

  for (const { id } of [orphan, untrained])
    await expect(runInPlace(space.container, trainFunction, { snapshot: id })).rejects.toMatchObject({
      code: 'BackboneMissing',
    });
});

it('does not train on a parent whose files were changed', async () => {
  const space = await openPretrained(CONFIGURATION);
  await putFashion(space, { train: 40, validation: 0, test: 0 });
  const child = await childOf(space, 'child');
  const bucket = await space.platform.openBucket(space.snapshot, space.snapshot.bucket);
  for await (const { key } of bucket.list('objects/')) await bucket.write(key, Buffer.from('changed'));
  // Another process, whose cache does not have the file yet.
  await rm(join(space.platform.config.home, 'cache'), { recursive: true, force: true });

  await expect(runInPlace(space.container, trainFunction, { snapshot: child.id })).rejects.toMatchObject({
    code: 'WeightsCorrupt',
  });
});

it('refuses a head that is cut, and one of another backbone', async () => {
  const folder = await fixtureFolder('fashion-inception.onnx');
  const head = join(folder, 'head.softmax');
  const adapter = () => new InceptionAdapter({ labels: FASHION, configuration: CONFIGURATION });
  const trained = await trainedFolder();

  await copyFile(join(trained, 'head.softmax'), head);
  await adapter().load(folder);
  writeFileSync(head, (await readFile(head)).subarray(0, -1));

  await expect(adapter().load(folder)).rejects.toMatchObject({ code: 'WeightsCorrupt' });
  const narrow = new InceptionAdapter({ labels: ['bag'], configuration: CONFIGURATION });
  await copyFile(join(trained, 'head.softmax'), head);
  await expect(narrow.load(folder)).rejects.toMatchObject({ code: 'LabelOutsideOntology' });
});

it('refuses classes that are logits, and names the setting', async () => {
  const folder = temporaryFolder();
  const numbers = (name: string, dims: readonly number[], list: readonly number[]) =>
    tensor(name, dims, [[9, new Uint8Array(Float32Array.from(list).buffer)]]);
  writeFileSync(
    join(folder, 'model.onnx'),
    onnxFile({
      inputs: [port('x', ['n', 3, 1, 1])],
      outputs: [port('embedding', ['n', 3]), port('probs', ['n', 3])],
      nodes: [
        node('Flatten', ['x'], 'embedding'),
        node('Mul', ['embedding', 'zero'], 'nothing'),
        node('Add', ['nothing', 'constant'], 'probs'),
      ],
      initializers: [numbers('constant', [3], [0, Math.log(6), Math.log(3)]), numbers('zero', [], [0])],
    }),
  );
  const input = { width: 1, height: 1 };
  const png = await sharp(Uint8Array.of(1, 2, 3), { raw: { width: 1, height: 1, channels: 3 } })
    .png()
    .toBuffer();
  const predict = async (configuration: JsonObject) => {
    const adapter = new InceptionAdapter({ labels: ['a', 'b', 'c'], configuration });
    await adapter.load(folder);
    const sample = await adapter.prepare(createItemInput(item('x'), async () => png));
    return adapter.predict([sample], { signal: new AbortController().signal });
  };

  await expect(predict({ input })).rejects.toMatchObject({
    code: 'OnnxSignatureDiffers',
    message: expect.stringMatching(/number 1\.79.*"probabilities_kind": "logits"/),
  });
  expect(await predict({ input, probabilities_kind: 'logits' })).toEqual([
    [{ type: 'class', label: 'b', confidence: expect.closeTo(0.6, 5) }],
  ]);
});

it('does not train on an embedding with NaN, and names the item', async () => {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'model.onnx'),
    onnxFile({
      inputs: [port('x', ['n', 1, 1, 1])],
      outputs: [port('embedding', ['n', 1]), port('probs', ['n', 1])],
      nodes: [
        node('Flatten', ['x'], 'flat'),
        node('Div', ['flat', 'flat'], 'embedding'),
        node('Identity', ['embedding'], 'probs'),
      ],
    }),
  );
  const space = await openSnapshotOf('modelfn/inception', {
    weights: folder,
    labels: FASHION.slice(0, 2),
    configuration: {
      input: { width: 1, height: 1, channels: 1, mean: [0], std: [1] },
      probabilities_kind: 'binary',
    },
  });
  const grey = (level: number) =>
    sharp(Uint8Array.of(level), { raw: { width: 1, height: 1, channels: 1 } })
      .png()
      .toBuffer();
  const entries = [
    { path: '/black.png', bytes: await grey(0), label: FASHION[0]!, partition: 'train' as const },
    { path: '/white.png', bytes: await grey(255), label: FASHION[1]!, partition: 'train' as const },
  ];
  await uploadItems(space.platform, space.actor, space.dataset.id, entries, { mode: 'skip' });
  const child = await childOf(space, 'child');

  await expect(runInPlace(space.container, trainFunction, { snapshot: child.id })).rejects.toMatchObject({
    code: 'EmbeddingNotFinite',
    message: expect.stringContaining('/black.png'),
  });
});

/** Files of a snapshot that was trained on a few items. */
async function trainedFolder(): Promise<string> {
  const space = await openPretrained(CONFIGURATION);
  await putFashion(space, { train: 60, validation: 0, test: 0 });
  const child = await childOf(space, 'child');
  await runInPlace(space.container, trainFunction, { snapshot: child.id });
  const { bucket, weights, ...owner } = (await space.platform.store.get('Snapshot', child.id))!;
  return (await space.container.loaded.fetch({ bucket, owner, weights })).directory;
}

async function openPretrained(configuration: JsonObject): Promise<SnapshotWorkspace> {
  const weights = await fixtureFolder('fashion-inception.onnx');
  return openSnapshotOf('modelfn/inception', { weights, labels: FASHION, configuration });
}

/** Labelled items: the first of the train part are trained on and validate, the first of the test part test. */
async function putFashion(
  { platform, actor, dataset }: SnapshotWorkspace,
  counts: { train: number; validation: number; test: number },
): Promise<void> {
  const { train, validation, test } = counts;
  const [images, labels] = await Promise.all([
    fashionImages('train', train + validation),
    fashionLabels('train', train + validation),
  ]);
  const [testImages, testLabels] = await Promise.all([
    fashionImages('test', test),
    fashionLabels('test', test),
  ]);
  const entry = (partition: Partition, bytes: Uint8Array, label: string, index: number) => ({
    path: `/${partition}/${String(index).padStart(4, '0')}.png`,
    bytes,
    label,
    partition,
  });
  const entries = [
    ...images.map((bytes, index) =>
      entry(index < train ? 'train' : 'validation', bytes, labels[index]!, index),
    ),
    ...testImages.map((bytes, index) => entry('test', bytes, testLabels[index]!, index)),
  ];
  const { failures } = await uploadItems(platform, actor, dataset.id, entries, { mode: 'skip' });
  expect(failures).toEqual([]);
}

function childOf(
  { platform, actor, project, dataset, snapshot }: SnapshotWorkspace,
  name: string,
  parentId: string | null = snapshot.id,
): Promise<Snapshot> {
  return createSnapshot(platform, actor, {
    name,
    projectId: project.id,
    modelId: snapshot.modelId,
    datasetId: dataset.id,
    ontologySpec: { ontologyId: null, labels: FASHION },
    ...(parentId !== null && { parentId }),
  });
}
