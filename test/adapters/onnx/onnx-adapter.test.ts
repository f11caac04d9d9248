import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import type { Prediction } from '../../../adapters/model-adapter.ts';
import { OnnxAdapter } from '../../../adapters/onnx/onnx-adapter.ts';
import { type Message, node, onnxFile, port, tensor } from '../../../adapters/onnx-engine/onnx-writer.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { item } from '../../shared/store/sample-entities.ts';
import { FASHION, fashionImages } from '../../support/fashion.ts';
import { fixtureFolder, ONNX_FIXTURES } from '../../support/onnx-fixtures.ts';

const CONTEXT = { signal: new AbortController().signal };
const expected: { probs: number[][]; embedding_first4: number[][] } = JSON.parse(
  readFileSync(join(ONNX_FIXTURES, 'fashion-inception.expected.json'), 'utf8'),
);
const CLASSIFIER = {
  input: { width: 28, height: 28, channels: 1 },
  outputs: [
    { name: 'probs', kind: 'probabilities' },
    { name: 'embedding', kind: 'embedding' },
  ],
  top_k: 10,
};

it("gives PyTorch's probabilities and embeddings of the first 20 items", async () => {
  const adapter = await opened(CLASSIFIER, FASHION, await fixtureFolder('fashion-inception.onnx'));

  const answers = await predict(adapter, await fashionImages('test', 20));

  for (const [index, answer] of answers.entries()) {
    for (const { label, confidence } of answer.filter(({ type }) => type === 'class'))
      expect(Math.abs(confidence - expected.probs[index]![FASHION.indexOf(label)]!)).toBeLessThan(1e-5);
    const [{ label, coordinates }] = answer.filter(({ type }) => type === 'embedding') as [Prediction];
    expect(label).toBe(answer[0]!.label);
    for (const [place, value] of (expected.embedding_first4[index] ?? []).entries())
      expect(Math.abs((coordinates as number[])[place]! - value)).toBeLessThan(1e-5);
    expect(coordinates).toHaveLength(128);
  }
  expect(answers.map((answer) => answer.filter(({ type }) => type === 'class').length)).toEqual(
    Array(20).fill(10),
  );
});

/** An image of one pixel: what a model says of it is what its constant says. */
const PIXEL = { width: 1, height: 1, channels: 3 };
const BOX_INPUT = { width: 32, height: 32, channels: 3, fit: 'fill' };

it.each<[string, JsonObject, Message, Prediction[]]>([
  [
    'logits as probabilities, the surest first',
    { input: PIXEL, outputs: [{ name: null, kind: 'logits' }], top_k: 2 },
    numbers([1, 3], [0, Math.log(6), Math.log(3)]),
    [
      { type: 'class', label: 'b', confidence: 0.6 },
      { type: 'class', label: 'c', confidence: 0.3 },
    ],
  ],
  [
    'a tensor with its dimensions',
    { input: PIXEL, outputs: [{ name: null, kind: 'tensor' }] },
    numbers([1, 2, 2], [1, 2, 3, 4]),
    [
      {
        type: 'tensor',
        label: 'a',
        confidence: 1,
        tensor: { dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      },
    ],
  ],
  [
    'YOLOv8: a column an object, no objectness',
    { input: BOX_INPUT, outputs: [{ name: null, kind: 'yolov8' }] },
    // Two columns: the second is the object.
    numbers([1, 7, 2], [0, 16, 0, 16, 0, 8, 0, 4, 0, 0.1, 0, 0.8, 0, 0.3]),
    [box('b', 0.8, 12, 14, 20, 18)],
  ],
  [
    'YOLOX: boxes in cells of three strides',
    { input: BOX_INPUT, outputs: [{ name: null, kind: 'yolox' }] },
    // 4 x 4 cells of 8 pixels, 2 x 2 of 16, one of 32: the object is in row 17, the second cell of 16.
    numbers(
      [1, 21, 8],
      Array.from({ length: 21 }, (_, row) =>
        row === 17 ? [0.5, 0.5, 0, Math.log(0.5), 0.9, 0, 0, 1] : [0, 0, 0, 0, 0, 0, 0, 0],
      ).flat(),
    ),
    [box('c', 0.9, 16, 4, 32, 12)],
  ],
  [
    'boxes that the graph has suppressed, as they are',
    { input: BOX_INPUT, outputs: [{ name: null, kind: 'boxes' }], max_det: 2 },
    numbers([1, 3, 6], [0, 0, 8, 8, 0.5, 0, 0, 0, 8, 8, 0.75, 2, 1, 1, 2, 2, 0.1, 1]),
    [box('a', 0.5, 0, 0, 8, 8), box('c', 0.75, 0, 0, 8, 8)],
  ],
  [
    'one of two boxes of a class that overlap, the first of equal ones',
    { input: BOX_INPUT, outputs: [{ name: null, kind: 'yolov5' }] },
    numbers(
      [1, 3, 8],
      [
        [8, 8, 8, 8, 1, 0, 0.5, 0],
        [9, 8, 8, 8, 1, 0, 0.5, 0],
        [9, 8, 8, 8, 1, 0.5, 0, 0],
      ].flat(),
    ),
    [box('b', 0.5, 4, 4, 12, 12), box('a', 0.5, 5, 4, 13, 12)],
  ],
])('reads %s', async (_what, configuration, constant, answer) => {
  const folder = temporaryFolder();
  const { width, height } = configuration.input as { width: number; height: number };
  writeFileSync(join(folder, 'model.onnx'), constantModel([1, 3, height, width], constant));
  const adapter = await opened(configuration, ['a', 'b', 'c'], folder);

  const [found] = await predict(adapter, [await pngOf([9, 9, 9], width, height)]);

  expect(found).toEqual(answer.map((each) => nearly(each)));
});

it.each([
  ['NCHW', 'RGB', [1, 3, 1, 2], [0, 3, 1, 4, 2, 5]],
  ['NHWC', 'BGR', [1, 1, 2, 3], [2, 1, 0, 5, 4, 3]],
])('hands levels in as %s and %s, scaled and shifted', async (layout, order, dims, places) => {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'model.onnx'),
    onnxFile({
      inputs: [port('x', dims)],
      outputs: [port('y', dims)],
      nodes: [node('Identity', ['x'], 'y')],
    }),
  );
  const input = { width: 2, height: 1, layout, order, scale: 100, mean: [1], std: [0.5, 0.5, 0.5] };
  const adapter = await opened({ input, outputs: [{ name: null, kind: 'tensor' }] }, ['a'], folder);
  const pixels = Uint8Array.from([150, 200, 100, 0, 50, 255]);
  const png = await sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } })
    .png()
    .toBuffer();

  const [[found]] = (await predict(adapter, [png])) as [[Prediction]];

  const { data } = found.tensor!;
  expect(data).toHaveLength(6);
  const levels = [150, 200, 100, 0, 50, 255].map((level) => (level / 100 - 1) / 0.5);
  for (const [at, place] of places.entries()) expect(data[at]).toBeCloseTo(levels[place]!, 6);
});

it.each<[string, JsonObject, RegExp]>([
  ['an output that is not there', { outputs: [{ name: 'gone', kind: 'probabilities' }] }, /probs, embedding/],
  ['two outputs and no name', { outputs: [{ name: null, kind: 'probabilities' }] }, /2 outputs/],
  ['another size', { ...CLASSIFIER, input: { width: 32, height: 32, channels: 1 } }, /\[n, 1, 32, 32\]/],
  [
    'an input that is not there',
    { ...CLASSIFIER, input: { ...CLASSIFIER.input, name: 'x' } },
    /no input "x"/,
  ],
  [
    'a head the output cannot be',
    { outputs: [{ name: 'probs', kind: 'yolov5' }] },
    /\[images, rows, columns\]/,
  ],
])('says what does not fit: %s', async (_what, configuration, message) => {
  const folder = await fixtureFolder('fashion-inception.onnx');

  await expect(opened({ ...CLASSIFIER, ...configuration }, FASHION, folder)).rejects.toMatchObject({
    code: 'OnnxSignatureDiffers',
    message: expect.stringMatching(message),
  });
});

it('asks which model is meant when there are two', async () => {
  const folder = await fixtureFolder('fashion-inception.onnx');
  writeFileSync(join(folder, 'other.onnx'), 'x');

  await expect(opened(CLASSIFIER, FASHION, folder)).rejects.toMatchObject({
    code: 'OnnxFileUnclear',
    details: { found: ['fashion-inception.onnx', 'other.onnx'] },
  });
  await opened({ ...CLASSIFIER, weights_filename: 'fashion-inception.onnx' }, FASHION, folder);
});

async function opened(configuration: JsonObject, labels: string[], folder: string): Promise<OnnxAdapter> {
  const adapter = new OnnxAdapter({ labels, configuration });
  await adapter.load(folder);
  return adapter;
}

async function predict(adapter: OnnxAdapter, images: readonly Uint8Array[]): Promise<Prediction[][]> {
  const samples = [];
  for (const image of images)
    samples.push(await adapter.prepare(createItemInput(item('x'), async () => image)));
  return adapter.predict(samples, CONTEXT);
}

/** A model that says the same of every image. */
function constantModel(dims: readonly number[], constant: Message): Uint8Array {
  const sizes = constant.filter(([field]) => field === 1).map(([, size]) => size as number);
  return onnxFile({
    inputs: [port('x', dims)],
    outputs: [port('y', sizes)],
    nodes: [
      node('ReduceMin', ['x'], 'least'),
      node('Mul', ['least', 'zero'], 'nothing'),
      node('Reshape', ['nothing', 'one'], 'scalar'),
      node('Add', ['scalar', 'constant'], 'y'),
    ],
    initializers: [
      constant,
      numbers([1], [0], 'zero'),
      [
        [1, 1],
        [2, 7],
        [8, 'one'],
        [9, new Uint8Array(BigInt64Array.of(1n).buffer)],
      ],
    ],
  });
}

function numbers(dims: readonly number[], values: readonly number[], name = 'constant'): Message {
  return tensor(name, dims, [[9, new Uint8Array(Float32Array.from(values).buffer)]]);
}

function box(label: string, confidence: number, x1: number, y1: number, x2: number, y2: number): Prediction {
  return {
    type: 'box',
    label,
    confidence,
    coordinates: [
      { x: x1, y: y1, z: 0 },
      { x: x2, y: y2, z: 0 },
    ],
  };
}

/** Numbers as 32-bit floats have them. */
function nearly(value: unknown): unknown {
  if (typeof value === 'number') return expect.closeTo(value, 5);
  if (Array.isArray(value)) return value.map(nearly);
  if (ArrayBuffer.isView(value)) return value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, nearly(each)]));
}

function pngOf(rgb: [number, number, number], width: number, height: number): Promise<Buffer> {
  const [r, g, b] = rgb;
  return sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();
}
