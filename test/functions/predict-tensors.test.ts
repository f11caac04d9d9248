import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readNumpy } from '../../adapters/onnx-engine/numpy-file.ts';
import { node, onnxFile, port } from '../../adapters/onnx-engine/onnx-writer.ts';
import { predictFunction } from '../../functions/predict/predict.ts';
import { listAnnotations, updateAnnotation } from '../../shared/catalog/annotations.ts';
import { cloneItem } from '../../shared/catalog/item-clone.ts';
import { uploadItem } from '../../shared/catalog/item-upload.ts';
import type { Item } from '../../shared/entities/item.ts';
import type { JsonObject } from '../../shared/json.ts';
import { temporaryFolder } from '../shared/content/temporary-folder.ts';
import { openSnapshotOf, type SnapshotWorkspace } from '../support/onnx-snapshot.ts';
import { runInPlace } from '../support/run-function.ts';
import { startTestApi } from '../support/test-api.ts';

/** More numbers than an annotation holds. */
const MANY = 5_000;

describe('a model whose output is a tensor', () => {
  let space: SnapshotWorkspace;
  beforeEach(async () => {
    const weights = temporaryFolder();
    const model = { inputs: [port('x', ['n', 'm'])], outputs: [port('y', ['n', 'm'])] };
    writeFileSync(join(weights, 'model.onnx'), onnxFile({ ...model, nodes: [node('Neg', ['x'], 'y')] }));
    const configuration = { input: { kind: 'tensor' }, outputs: [{ name: null, kind: 'tensor' }] };
    space = await openSnapshotOf('modelfn/onnx', { weights, labels: ['features'], configuration });
  });

  const put = async (numbers: number[]): Promise<Item> => {
    const { platform, actor, dataset } = space;
    const source = new TextEncoder().encode(JSON.stringify(numbers));
    const to = { datasetId: dataset.id, path: '/a.json', source, mode: 'overwrite' } as const;
    return (await uploadItem(platform, actor, to)).item;
  };
  const predict = (item: Item, input: JsonObject = {}) =>
    runInPlace(space.container, predictFunction, { snapshot: space.snapshot.id, item: item.id, ...input });
  const predicted = (item: Item) => listAnnotations(space.platform, space.actor, item.id);
  const counting = (from: number) => Array.from({ length: MANY }, (_, index) => from + index);

  it('keeps a small one in the annotation', async () => {
    const item = await put([1, 2]);

    await predict(item);

    const [annotation] = await predicted(item);
    expect(annotation).toMatchObject({ type: 'tensor', coordinates: { dims: [2], data: [-1, -2] } });
    expect(annotation).not.toHaveProperty('content');
  });

  it('keeps a large one as a file, which the API sends', async () => {
    const item = await put(counting(0));
    const api = await startTestApi(space.platform);

    const output = await predict(item);

    const [{ annotations }] = output.predictions as [{ annotations: [JsonObject] }];
    const id = annotations[0].annotation_id as string;
    const told = { dims: [MANY], dtype: 'float32', sizeBytes: MANY * 4 + 128 };
    expect(annotations).toEqual([
      { type: 'tensor', label: 'features', confidence: 1, coordinates: told, annotation_id: id },
    ]);
    const { body } = await api.json<JsonObject>('GET', `/annotations/${id}`);
    const artifact = `${api.url}/annotations/${id}/stream`;
    expect(body).toMatchObject({ type: 'tensor', coordinates: { ...told, artifact } });
    expect(body).not.toHaveProperty('content');
    const sent = await fetch(artifact);
    const { shape, values } = readNumpy(new Uint8Array(await sent.arrayBuffer()), MANY);
    expect(sent.headers.get('content-disposition')).toContain(`${id}.npy`);
    expect([shape, [...values]]).toEqual([[MANY], counting(0).map((value) => -value)]);
    await api.close();
  });

  it('changes nothing when it predicts the same again, and puts other numbers in their place', async () => {
    const item = await put(counting(0));
    const first = await predict(item);
    const [annotation] = await predicted(item);

    const second = await predict(item);
    expect(second.digest).toBe(first.digest);
    expect(await predicted(item)).toEqual([annotation]);

    const third = await predict(await put(counting(7)));
    const left = await predicted(item);
    expect(third.digest).not.toBe(first.digest);
    expect(left).toHaveLength(1);
    expect(left[0]!.content!.sha256).not.toBe(annotation!.content!.sha256);
    // Neither an item nor an event comes of a file: nothing is trained on, counted or triggered by it.
    expect(await space.platform.store.ids('Item', { filter: { type: 'file' } })).toEqual([item.id]);
  });

  it('describes a large one when it is to write nothing', async () => {
    const item = await put(counting(0));

    const { predictions } = await predict(item, { write: false });

    const coordinates = { dims: [MANY], dtype: 'float32', sizeBytes: MANY * 4 + 128 };
    const annotation = { type: 'tensor', label: 'features', confidence: 1, coordinates };
    expect(predictions).toEqual([{ item_id: item.id, filename: '/a.json', annotations: [annotation] }]);
    expect(await predicted(item)).toEqual([]);
  });

  it('fails the item alone whose tensor is larger than a file may be', async () => {
    const item = await put(counting(0));
    const other = await uploadItem(space.platform, space.actor, {
      datasetId: space.dataset.id,
      path: '/b.json',
      source: new TextEncoder().encode('[1]'),
      mode: 'skip',
    });
    const { config } = space.platform;
    const platform = { ...space.platform, config: { ...config, maxItemBytes: 1_000 } };
    const container = { ...space.container, platform };

    const output = await runInPlace(container, predictFunction, {
      snapshot: space.snapshot.id,
      items: [item.id, other.item.id],
    });

    expect(output).toMatchObject({ items: 1, failed: [{ item_id: item.id, code: 'ContentTooLarge' }] });
  });

  it('keeps the file when a client sends the annotation back, and when the item is copied', async () => {
    const { platform, actor } = space;
    const item = await put(counting(0));
    await predict(item);
    const { id, content, coordinates } = (await predicted(item))[0]!;
    const api = await startTestApi(platform);

    const { body } = await api.json<JsonObject>('GET', `/annotations/${id}`);
    await api.json('PUT', `/annotations/${id}`, { ...body, label: 'other' });
    await cloneItem(platform, actor, item.id, { remoteFileName: '/copy.json' });

    const { items } = await platform.store.query('Annotation', {});
    expect(items).toMatchObject([
      { id, label: 'other', content, coordinates },
      { label: 'other', content, coordinates },
    ]);
    const copy = await api.send('GET', `/annotations/${items[1]!.id}/stream`);
    expect((await copy.arrayBuffer()).byteLength).toBe(MANY * 4 + 128);
    await api.close();
  });

  it('says of the file what is in it, whatever a client sends as its coordinates', async () => {
    const { platform, actor } = space;
    const item = await put(counting(0));
    await predict(item);
    const [before] = await predicted(item);

    await updateAnnotation(platform, actor, before!.id, {
      coordinates: { dims: [1], artifact: 'elsewhere' },
    });

    const [after] = await predicted(item);
    expect(after!.coordinates).toEqual(before!.coordinates);
    expect(after!.content).toEqual(before!.content);
  });

  it('has no file to send of an annotation without one', async () => {
    const item = await put([1]);
    await predict(item);
    const [annotation] = await predicted(item);
    const api = await startTestApi(space.platform);

    const { status, body } = await api.json('GET', `/annotations/${annotation!.id}/stream`);

    expect([status, body]).toMatchObject([400, { code: 'InvalidInput' }]);
    await api.close();
  });
});
