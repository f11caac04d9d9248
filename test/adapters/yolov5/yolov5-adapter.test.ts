import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { Yolov5Adapter } from '../../../adapters/yolov5/yolov5-adapter.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { item } from '../../shared/store/sample-entities.ts';
import { fixtureFolder, ONNX_FIXTURES } from '../../support/onnx-fixtures.ts';
import { openSnapshotOf, putFiles } from '../../support/onnx-snapshot.ts';
import { runInPlace } from '../../support/run-function.ts';

const LABELS = ['trouser', 'bag', 'ankle-boot'];
/** Pixels: the reference has three places, so that every corner rounds to it. */
const PIXELS = 5e-4;
const SETTINGS = { img_size: 128, conf_thres: 0.05, iou_thres: 0.5 };
const CONTEXT = { signal: new AbortController().signal };

type Row = [left: number, top: number, right: number, bottom: number, score: number, classIndex: number];
const expected: { detections: Record<string, Row[]> } = JSON.parse(
  await readFile(join(ONNX_FIXTURES, 'scenes.expected.json'), 'utf8'),
);

it("finds PyTorch's 88 objects through the predict function, and writes them as boxes", async () => {
  const weights = await fixtureFolder('tiny-yolo.onnx');
  const space = await openSnapshotOf('modelfn/yolov5', { weights, labels: LABELS, configuration: SETTINGS });
  const scenes = (await readdir(join(ONNX_FIXTURES, 'scenes'))).sort();
  const items = await putFiles(
    space,
    scenes.map((name) => join(ONNX_FIXTURES, 'scenes', name)),
  );

  await runInPlace(space.container, predictFunction, {
    snapshot: space.snapshot.id,
    items: items.map(({ id }) => id),
  });

  let found = 0;
  for (const { id, filename } of items) {
    const rows = expected.detections[filename.slice(1, -4)]!;
    const page = await space.platform.store.query('Annotation', { filter: { itemId: id } });
    const boxes = page.items.map(({ type, label, coordinates, metadata }) => {
      const [from, to] = coordinates as [JsonObject, JsonObject];
      const { confidence } = (metadata.user as { model: { confidence: number } }).model;
      expect([type, from.z, to.z]).toEqual(['box', 0, 0]);
      return [from.x, from.y, to.x, to.y, confidence, LABELS.indexOf(label)] as Row;
    });
    boxes.sort((a, b) => b[4] - a[4]);
    expect(boxes.length).toBe(rows.length);
    for (const [index, row] of rows.entries()) {
      const box = boxes[index]!;
      expect(box[5]).toBe(row[5]);
      expect(Math.abs(box[4] - row[4])).toBeLessThan(2e-5);
      for (const side of [0, 1, 2, 3]) expect(Math.abs(box[side]! - row[side]!)).toBeLessThanOrEqual(PIXELS);
    }
    found += boxes.length;
  }
  expect(found).toBe(88);
});

it('finds an object of a wide photo where it lies in the photo, whatever the letterbox did to it', async () => {
  const adapter = await loaded({ ...SETTINGS, conf_thres: 0.5 });
  const scene = await readFile(join(ONNX_FIXTURES, 'scenes', '003.png'));
  // Three times as large, with a grey border of 384 pixels at the right: the letterbox has to halve it twice.
  const wide = await sharp(scene)
    .resize(384, 384)
    .extend({ right: 384, background: { r: 114, g: 114, b: 114 } })
    .png()
    .toBuffer();

  const sample = await adapter.prepare(createItemInput(item('wide'), async () => wide));
  const [objects] = await adapter.predict([sample], CONTEXT);

  expect([sample.pixels.width, sample.pixels.height, sample.top, sample.left]).toEqual([128, 64, 32, 0]);
  const [reference] = expected.detections['003']!;
  const { label, coordinates } = objects![0]!;
  expect(label).toBe('ankle-boot');
  const corners = (coordinates as { x: number; y: number }[]).flatMap(({ x, y }) => [x / 3, y / 3]);
  for (const [side, corner] of corners.entries())
    expect(Math.abs(corner - reference![side]!)).toBeLessThan(6);
});

it.each([
  ['max_det', { ...SETTINGS, max_det: 1 }, 1],
  ['conf_thres', { ...SETTINGS, conf_thres: 0.5 }, 2],
  ['iou_thres', { ...SETTINGS, iou_thres: 0.3 }, 2],
])('keeps to %s', async (_name, configuration, count) => {
  const adapter = await loaded(configuration);

  const [objects] = await adapter.predict([await sampleOf(adapter, '001.png')], CONTEXT);

  expect(objects).toHaveLength(count);
});

it('predicts only the classes that id_to_label_map names', async () => {
  const adapter = await loaded({ ...SETTINGS, id_to_label_map: { 2: 'bag' } });

  const [objects] = await adapter.predict([await sampleOf(adapter, '000.png')], CONTEXT);

  expect(objects!.map(({ label }) => label)).toEqual(['bag']);
});

it('says where YOLOv5 is trained', async () => {
  const adapter = new Yolov5Adapter({ labels: LABELS, configuration: SETTINGS });

  await expect(adapter.train()).rejects.toMatchObject({
    code: 'AdapterMethodMissing',
    message: expect.stringContaining('Python adapter'),
  });
});

it.each([
  ['another size than the model has', { img_size: 640 }, LABELS, /Set size/],
  ['fewer labels than the model has classes', SETTINGS, ['bag'], /3 classes/],
  ['a label that is not there', { ...SETTINGS, id_to_label_map: { 0: 'cat' } }, LABELS, /"cat"/],
  ['a class that is not there', { ...SETTINGS, id_to_label_map: { 9: 'bag' } }, LABELS, /class 9/],
  ['a model with suppression that has none', { ...SETTINGS, nms_in_graph: true }, LABELS, /boxes has 6/],
])('refuses %s', async (_what, configuration, labels, message) => {
  const adapter = new Yolov5Adapter({ labels, configuration });

  await expect(adapter.load(await fixtureFolder('tiny-yolo.onnx'))).rejects.toMatchObject({
    code: 'OnnxSignatureDiffers',
    message: expect.stringMatching(message),
  });
});

it('refuses a setting that it does not have and names the nearest', () => {
  const open = () => new Yolov5Adapter({ labels: LABELS, configuration: { conf_thresh: 0.1 } });

  expect(open).toThrow(
    expect.objectContaining({ code: 'InvalidInput', message: expect.stringContaining('conf_thres') }),
  );
});

it('has no weights any more when it was unloaded', async () => {
  const adapter = await loaded(SETTINGS);

  await adapter.unload();

  await expect(adapter.predict([], CONTEXT)).rejects.toMatchObject({ code: 'WeightsNotLoaded' });
});

async function loaded(configuration: JsonObject): Promise<Yolov5Adapter> {
  const adapter = new Yolov5Adapter({ labels: LABELS, configuration });
  await adapter.load(await fixtureFolder('tiny-yolo.onnx'));
  return adapter;
}

function sampleOf(adapter: Yolov5Adapter, scene: string) {
  const input = createItemInput(item(scene), () => readFile(join(ONNX_FIXTURES, 'scenes', scene)));
  return adapter.prepare(input);
}
