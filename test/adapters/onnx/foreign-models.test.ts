import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Prediction } from '../../../adapters/model-adapter.ts';
import { OnnxAdapter } from '../../../adapters/onnx/onnx-adapter.ts';
import { type Message, node, onnxFile, port, tensor } from '../../../adapters/onnx-engine/onnx-writer.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import type { Json, JsonObject } from '../../../shared/json.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { item } from '../../shared/store/sample-entities.ts';
import { fixtureFolder, ONNX_FIXTURES } from '../../support/onnx-fixtures.ts';
import { openSnapshotOf, putFiles } from '../../support/onnx-snapshot.ts';
import { runInPlace } from '../../support/run-function.ts';

const CONTEXT = { signal: new AbortController().signal };
const RGB = ['r', 'g', 'b'];
const SMALL = { input: { width: 8, height: 8 }, top_k: 3 };
const DETECTOR = {
  input: { width: 640, height: 640, fit: 'letterbox' },
  outputs: [{ name: null, kind: 'yolov8' }],
};
const IRIS = { input: { kind: 'tensor' }, outputs: [{ name: 'probabilities', kind: 'probabilities' }] };

describe('numbers that are no probabilities', () => {
  it('logits read as probabilities are refused, and the error names the setting', async () => {
    const adapter = await opened('logits-as-probabilities.onnx', SMALL, RGB);

    await expect(predict(adapter, await square(8, [255, 51, 0]))).rejects.toMatchObject({
      code: 'OnnxSignatureDiffers',
      message: expect.stringMatching(/number 9.*"kind": "logits"/),
    });
  });

  it('logits declared as logits become probabilities', async () => {
    const outputs = [{ name: null, kind: 'logits' }];
    const adapter = await opened('logits-as-probabilities.onnx', { ...SMALL, outputs }, RGB);

    const found = await predict(adapter, await square(8, [255, 51, 0]));

    expect(rounded(found)).toEqual([
      ['r', 0.99962],
      ['g', 0.00034],
      ['b', 0.00005],
    ]);
  });

  it.each<[string, string, number[], RegExp]>([
    ['probabilities', 'scores that do not have the sum 1', [0.9, 0.8, 0.1], /sum 1\.8.*"kind": "scores"/],
    ['logits', 'a softmax applied twice', [0.7, 0.2, 0.1], /"kind": "probabilities"/],
    ['scores', 'a number above 1', [0.2, 1.5, 0.1], /number 1\.5.*"kind": "logits"/],
    ['probabilities', 'a single score', [0.3], /one number per item.*"kind": "binary"/],
    ['logits', 'a single logit', [0.3], /one number per item.*"kind": "binary_logits"/],
    ['binary', 'a single logit', [-3], /number -3.*"kind": "binary_logits"/],
    ['binary', 'a number per class', [0.2, 0.8], /2 numbers per item.*"kind": "probabilities"/],
  ])('the kind %s is refused for %s', async (kind, _what, values, message) => {
    const labels = values.length === 1 ? ['no', 'yes'] : RGB.slice(0, values.length);

    await expect(predictConstant(kind, values, labels)).rejects.toMatchObject({
      code: 'OnnxSignatureDiffers',
      message: expect.stringMatching(message),
    });
  });

  it.each<[string, number[], [string, number][]]>([
    [
      'scores',
      [0.9, 0.8, 0.1],
      [
        ['r', 0.9],
        ['g', 0.8],
        ['b', 0.1],
      ],
    ],
    [
      'binary',
      [0.3],
      [
        ['no', 0.7],
        ['yes', 0.3],
      ],
    ],
    [
      'binary_logits',
      [Math.log(3)],
      [
        ['yes', 0.75],
        ['no', 0.25],
      ],
    ],
  ])('numbers of the kind %s are read as they are', async (kind, values, expected) => {
    const labels = values.length === 1 ? ['no', 'yes'] : RGB;

    expect(rounded(await predictConstant(kind, values, labels))).toEqual(expected);
  });

  it('a graph that ends in a softmax is refused as logits when it is loaded', async () => {
    const softmax = (input: string) => [
      node('Softmax', [input], 's', { attributes: { axis: 1 } }),
      node('Identity', ['s'], 'y'),
    ];
    const folder = folderWith(constantModel([1, 3], [5, 1, 1], softmax));

    await expect(openFolder(folder, constant('logits'), RGB)).rejects.toMatchObject({
      code: 'OnnxSignatureDiffers',
      message: expect.stringMatching(/ends in a softmax.*"kind": "probabilities"/),
    });
  });

  it('the output of a detector is not read as classes', async () => {
    const outputs = [{ name: null, kind: 'probabilities' }];
    const configuration = { ...DETECTOR, outputs, id_to_label_map: { 0: 'person' } };

    await expect(opened('detector-named-classes.onnx', configuration, ['person'])).rejects.toMatchObject({
      message: expect.stringMatching(/\[1, 6, 8\], and probabilities are \[items, classes\].*yolov8/),
    });
  });
});

describe('whole numbers as outputs', () => {
  it('a quantised output is scaled by the last QuantizeLinear of the graph', async () => {
    const outputs = [{ name: null, kind: 'scores' }];
    const input = { width: 8, height: 8, scale: 1 };
    const adapter = await opened('quantised-output.onnx', { ...SMALL, input, outputs }, RGB);

    expect(rounded(await predict(adapter, await square(8, [255, 51, 0])))).toEqual([
      ['r', 1],
      ['g', 0.2],
      ['b', 0],
    ]);
  });

  it.each([
    ['uint8', 2, /"scale" and "zero_point"/],
    ['int8', 3, /"scale" and "zero_point"/],
    ['bool', 9, /Name an output of real numbers/],
  ])('%s without a known scale is refused when it is loaded', async (type, code, message) => {
    const cast = (input: string) => [node('Cast', [input], 'y', { attributes: { to: code } })];
    const folder = folderWith(constantModel([1, 3], [1, 0, 0], cast, code));

    await expect(openFolder(folder, constant('probabilities'), RGB)).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`output y is ${type}.*${message.source}`)),
    });
  });

  it('an embedding of whole numbers is scaled when the configuration contains its quantisation', async () => {
    const outputs = [{ name: null, kind: 'embedding', scale: 1 / 255 }];
    const input = { width: 8, height: 8, scale: 1 };
    const adapter = await opened('quantised-output.onnx', { input, outputs }, RGB);

    const [{ coordinates }] = (await predict(adapter, await square(8, [255, 51, 0]))) as [Prediction];

    expect(coordinates).toEqual([1, 0.2, 0].map((value) => expect.closeTo(value, 5)));
  });

  it('whole numbers are scaled by the configuration', async () => {
    const cast = (input: string) => [node('Cast', [input], 'y', { attributes: { to: 3 } })];
    const folder = folderWith(constantModel([1, 3], [72, -78, -128], cast, 3));
    const outputs = [{ name: null, kind: 'probabilities', scale: 1 / 250, zero_point: -128 }];
    const adapter = await openFolder(folder, { ...constant('probabilities'), outputs }, RGB);

    expect(rounded(await predict(adapter, await square(1, [0, 0, 0])))).toEqual([
      ['r', 0.8],
      ['g', 0.2],
      ['b', 0],
    ]);
  });
});

describe('class names in the file', () => {
  it('labels in another order get the class of their name, by the metadata of Ultralytics', async () => {
    const adapter = await opened('detector-named-classes.onnx', DETECTOR, ['bicycle', 'person']);

    expect(rounded(await predict(adapter, await square(640, [9, 9, 9])))).toEqual([['person', 0.9]]);
  });

  it('labels in another order get the class of their name, by the classifier of skl2onnx', async () => {
    const adapter = await opened('iris-named-classes.onnx', IRIS, ['virginica', 'setosa', 'versicolor']);

    expect(rounded(await predict(adapter, '[5.1, 3.5, 1.4, 0.2]', 'a.json'))).toEqual([['setosa', 0.9847]]);
  });

  it.each<[string, JsonObject, string[], RegExp]>([
    [
      'other labels',
      {},
      ['car', 'persons'],
      /names the classes person, bicycle.*"person"; the nearest is "persons".*id_to_label_map/,
    ],
    ['fewer labels', {}, ['person'], /do not contain "bicycle".*id_to_label_map/],
    [
      'a map that swaps the names',
      { id_to_label_map: { 0: 'bicycle', 1: 'person' } },
      ['bicycle', 'person'],
      /id_to_label_map calls class 0 "bicycle", and the file calls it "person"/,
    ],
  ])(
    '%s: refused when they do not agree with the class names',
    async (_what, configuration, labels, message) => {
      const whole = { ...DETECTOR, ...configuration };

      await expect(opened('detector-named-classes.onnx', whole, labels)).rejects.toMatchObject({
        code: 'OnnxSignatureDiffers',
        message: expect.stringMatching(message),
      });
    },
  );

  it('a map may rename classes and merge them', async () => {
    const map = { 0: 'human', 1: 'human' };
    const adapter = await opened('detector-named-classes.onnx', { ...DETECTOR, id_to_label_map: map }, [
      'human',
    ]);

    expect(rounded(await predict(adapter, await square(640, [9, 9, 9])))).toEqual([['human', 0.9]]);
  });

  it('numbers in their order are no names', async () => {
    const folder = folderWith(
      constantModel([1, 2], [0.2, 0.8], undefined, 1, { id2label: '{"0": "LABEL_0", "1": "LABEL_1"}' }),
    );
    const adapter = await openFolder(folder, constant('probabilities'), ['cat', 'dog']);

    expect(rounded(await predict(adapter, await square(1, [0, 0, 0])))[0]).toEqual(['dog', 0.8]);
  });
});

describe('detectors whose output has more than boxes and scores', () => {
  it.each<[string, JsonObject]>([
    ['with a map of its classes', { id_to_label_map: { 0: 'a', 1: 'b' } }],
    ['without a map', {}],
  ])('a segmentation model is refused as such %s', async (_what, configuration) => {
    await expect(
      opened('yolo-seg.onnx', { ...DETECTOR, ...configuration }, ['a', 'b']),
    ).rejects.toMatchObject({
      code: 'OnnxSignatureDiffers',
      message: expect.stringMatching(/segmentation model.*"classes"/),
    });
  });

  it('a segmentation model gives its boxes when the number of its classes is configured', async () => {
    const outputs = [{ name: null, kind: 'yolov8', classes: 2 }];
    const adapter = await opened('yolo-seg.onnx', { ...DETECTOR, outputs }, ['a', 'b']);

    expect(await predict(adapter, await square(640, [9, 9, 9]))).toEqual([
      {
        type: 'box',
        label: 'a',
        confidence: expect.closeTo(0.9, 5),
        coordinates: [
          { x: 270, y: 295, z: 0 },
          { x: 370, y: 345, z: 0 },
        ],
      },
    ]);
  });

  it.each<[string, number[], JsonObject, RegExp]>([
    ['scores before the sigmoid', [16, 16, 8, 8, 3, -2], {}, /score -2, and scores are 0 to 1.*sigmoid/],
    ['boxes relative to the input', [0.5, 0.5, 0.1, 0.1, 0.9, 0.1], {}, /"relative": true/],
  ])('numbers that are %s are refused', async (_what, column, output, message) => {
    const folder = folderWith(constantModel([1, 6, 1], column, undefined, 1, {}, 32));
    const outputs = [{ name: null, kind: 'yolov8', ...output }];
    const adapter = await openFolder(folder, { input: { width: 32, height: 32 }, outputs }, ['a', 'b']);

    await expect(predict(adapter, await square(32, [0, 0, 0]))).rejects.toMatchObject({
      code: 'OnnxSignatureDiffers',
      message: expect.stringMatching(message),
    });
  });

  it('relative boxes become pixels where they are declared', async () => {
    const folder = folderWith(
      constantModel([1, 6, 1], [0.5, 0.5, 0.5, 0.25, 0.9, 0.1], undefined, 1, {}, 32),
    );
    const outputs = [{ name: null, kind: 'yolov8', relative: true }];
    const adapter = await openFolder(folder, { input: { width: 32, height: 32 }, outputs }, ['a', 'b']);

    const [{ coordinates }] = (await predict(adapter, await square(32, [0, 0, 0]))) as [Prediction];
    expect(coordinates).toEqual([
      { x: 8, y: 12, z: 0 },
      { x: 24, y: 20, z: 0 },
    ]);
  });

  it.each<[string, number, RegExp]>([
    ['fewer classes than the snapshot has labels', 1, /\[1, 5, 1\], which fits 1 classes/],
    ['mask coefficients', 34, /\[1, 38, 1\], which fits 34 classes.*segmentation model/],
  ])('an output whose shape is open is refused for %s when it is read', async (_what, scores, message) => {
    const numbers = [16, 16, 8, 8, ...Array.from({ length: scores }, () => 0.9)];
    // A shape that depends on the numbers: the runtime cannot tell it in advance.
    const reshaped = (input: string) => [
      node('Shape', [input], 'shape'),
      node('Cast', ['shape'], 'sizes', { attributes: { to: 1 } }),
      node('Add', ['sizes', 'nothing'], 'moved'),
      node('Cast', ['moved'], 'dims', { attributes: { to: 7 } }),
      node('Reshape', [input, 'dims'], 'y'),
    ];
    const folder = folderWith(
      constantModel([1, scores + 4, 1], numbers, reshaped, 1, {}, 32, ['n', 'columns', 'rows']),
    );
    const adapter = await openFolder(
      folder,
      { input: { width: 32, height: 32 }, outputs: [{ name: null, kind: 'yolov8' }] },
      ['a', 'b'],
    );

    await expect(predict(adapter, await square(32, [0, 0, 0]))).rejects.toMatchObject({
      code: 'OnnxSignatureDiffers',
      message: expect.stringMatching(message),
    });
  });

  it.each(['pose', 'obb', 'classify'])(
    'a model whose metadata says %s is refused by that word',
    async (task) => {
      const folder = folderWith(constantModel([1, 6, 1], [0, 0, 0, 0, 0, 0], undefined, 1, { task }, 32));
      const outputs = [{ name: null, kind: 'yolov8' }];
      const names = { pose: /pose model/, obb: /oriented boxes/, classify: /classifier/ };

      await expect(
        openFolder(folder, { input: { width: 32, height: 32 }, outputs }, ['a', 'b']),
      ).rejects.toMatchObject({ message: expect.stringMatching(names[task as 'pose']) });
    },
  );
});

describe('a model of several inputs', () => {
  const labels = ['setosa', 'versicolor', 'virginica'];

  it('takes them from one JSON object by name', async () => {
    const adapter = await opened('iris-four-inputs.onnx', IRIS, labels);

    const found = await predict(adapter, '{"f3": 0.2, "f0": 5.1, "f1": [3.5], "f2": 1.4}', 'a.json');

    expect(rounded(found)).toEqual([['setosa', 0.9847]]);
  });

  it.each<[string, Json, RegExp]>([
    ['a list', [5.1, 3.5, 1.4, 0.2], /not a JSON object with a value for each input: f0, f1, f2, f3/],
    ['a missing name', { f0: 1, f1: 1, f2: 1, f4: 1 }, /no value for the inputs f3; it has f0, f1, f2, f4/],
    ['a text', { f0: 1, f1: 1, f2: 1, f3: 'wide' }, /at f3 "wide", and the model takes float32/],
    ['too many numbers', { f0: 1, f1: 1, f2: 1, f3: [1, 2] }, /at f3 the shape \[2\]/],
  ])('fails alone for an item with %s', async (_what, document, message) => {
    const adapter = await opened('iris-four-inputs.onnx', IRIS, labels);

    await expect(predict(adapter, JSON.stringify(document), 'a.json')).rejects.toMatchObject({
      code: 'ItemUnreadable',
      message: expect.stringMatching(message),
    });
  });

  it('feeds text and bool beside numbers', async () => {
    const folder = folderWith(
      onnxFile({
        inputs: [port('word', ['n'], 8), port('flag', ['n', 1], 9), port('x', ['n', 2])],
        outputs: [port('y', ['n', 2])],
        nodes: [
          node('Cast', ['flag'], 'f', { attributes: { to: 1 } }),
          node('Mul', ['x', 'f'], 'y'),
          node('Identity', ['word'], 'unused'),
        ],
      }),
    );
    const adapter = await openFolder(
      folder,
      { input: { kind: 'tensor' }, outputs: [{ name: null, kind: 'embedding' }] },
      ['a'],
    );

    const [[one], [two]] = (await predictAll(adapter, [
      ['a.json', '{"word": "on", "flag": true, "x": [1, 2]}'],
      ['b.json', '{"word": "off", "flag": false, "x": [1, 2]}'],
    ])) as [[Prediction], [Prediction]];

    expect([one.coordinates, two.coordinates]).toEqual([
      [1, 2],
      [0, 0],
    ]);
  });

  it('that is declared as an image model is refused at once, and the error does not ask for the name of one input', async () => {
    const error = await opened('image-and-shape.onnx', SMALL, RGB).catch((caught: Error) => caught);

    expect(error).toMatchObject({ code: 'OnnxSignatureDiffers' });
    expect((error as Error).message).toMatch(/2 inputs \(x, image_shape\)\. Models of images have one input/);
  });

  it('refuses a number that the type of an input cannot have', async () => {
    const folder = folderWith(
      onnxFile({
        inputs: [port('x', ['n', 1], 2)],
        outputs: [port('y', ['n', 1], 2)],
        nodes: [node('Identity', ['x'], 'y')],
      }),
    );
    const adapter = await openFolder(
      folder,
      { input: { kind: 'tensor' }, outputs: [{ name: null, kind: 'tensor' }] },
      ['a'],
    );

    await expect(predict(adapter, '[300]', 'a.json')).rejects.toMatchObject({
      code: 'ItemUnreadable',
      message: expect.stringMatching(/300, and the model takes uint8/),
    });
  });
});

it('an item for which a model gives NaN fails alone, and the others are written', async () => {
  const weights = await fixtureFolder('nan-one-item.onnx');
  const space = await openSnapshotOf('modelfn/onnx', { weights, labels: RGB, configuration: SMALL });
  const folder = temporaryFolder();
  // More black ones than may fail in a row before an adapter counts as broken.
  const names = [...Array.from({ length: 12 }, (_, index) => `black-${index}.png`), 'red.png'];
  for (const name of names)
    writeFileSync(join(folder, name), await square(8, name === 'red.png' ? [255, 51, 0] : [0, 0, 0]));
  const items = await putFiles(
    space,
    names.map((name) => join(folder, name)),
  );

  const output = await runInPlace(space.container, predictFunction, {
    snapshot: space.snapshot.id,
    items: items.map(({ id }) => id),
  });

  expect(output.failed).toHaveLength(12);
  expect(output.failed).toContainEqual({
    item_id: items[0]!.id,
    filename: '/black-0.png',
    code: 'PredictionNotFinite',
    message: expect.stringMatching(/black-0\.png has the confidence NaN/),
  });
  const { items: written } = await space.platform.store.query('Annotation', { filter: {} });
  const confidences = written.map(({ label, metadata }) => [
    label,
    (metadata.user as { model: { confidence: number } }).model.confidence.toFixed(4),
  ]);
  expect(new Map(confidences as [string, string][])).toEqual(
    new Map([
      ['r', '0.8333'],
      ['g', '0.1667'],
      ['b', '0.0000'],
    ]),
  );
});

it('a detector that gives NaN for an image does not report an empty image', async () => {
  const folder = folderWith(
    constantModel([1, 6, 2], [16, 16, 16, 16, 8, 8, 8, 8, 0.9, Number.NaN, 0.1, 0.1], undefined, 1, {}, 32),
  );
  const outputs = [{ name: null, kind: 'yolov8' }];
  const adapter = await openFolder(folder, { input: { width: 32, height: 32 }, outputs }, ['a', 'b']);

  const [found] = await predict(adapter, await square(32, [0, 0, 0]));

  expect(found!.confidence).toBeNaN();
});

function constant(kind: string): JsonObject {
  return { input: { width: 1, height: 1 }, outputs: [{ name: null, kind }], top_k: 3 };
}

async function predictConstant(kind: string, values: number[], labels: string[]): Promise<Prediction[]> {
  const folder = folderWith(constantModel([1, values.length], values));
  return predict(await openFolder(folder, constant(kind), labels), await square(1, [0, 0, 0]));
}

/** A model that gives the same numbers for every image; `end` makes `y` of them. */
function constantModel(
  dims: readonly number[],
  values: readonly number[],
  end: (input: string) => Message[] = (input) => [node('Identity', [input], 'y')],
  type = 1,
  metadata: Readonly<Record<string, string>> = {},
  side = 1,
  shape: readonly (number | string)[] = dims,
): Uint8Array {
  const numbers = (name: string, shape: readonly number[], list: readonly number[]) =>
    tensor(name, shape, [[9, new Uint8Array(Float32Array.from(list).buffer)]]);
  return onnxFile({
    inputs: [port('x', [1, 3, side, side])],
    outputs: [port('y', shape, type)],
    nodes: [
      node('ReduceMin', ['x'], 'least', { attributes: { keepdims: 0 } }),
      node('Mul', ['least', 'zero'], 'nothing'),
      node('Add', ['nothing', 'constant'], 'sum'),
      ...end('sum'),
    ],
    initializers: [numbers('constant', dims, values), numbers('zero', [], [0])],
    metadata,
  });
}

function folderWith(model: Uint8Array): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'model.onnx'), model);
  return folder;
}

function opened(fixture: string, configuration: JsonObject, labels: string[]): Promise<OnnxAdapter> {
  return openFolder(folderWith(readFileSync(join(ONNX_FIXTURES, fixture))), configuration, labels);
}

async function openFolder(folder: string, configuration: JsonObject, labels: string[]): Promise<OnnxAdapter> {
  const adapter = new OnnxAdapter({ labels, configuration });
  await adapter.load(folder);
  return adapter;
}

async function predict(
  adapter: OnnxAdapter,
  content: Uint8Array | string,
  name = 'a.png',
): Promise<Prediction[]> {
  const [found] = await predictAll(adapter, [[name, content]]);
  return found!;
}

async function predictAll(
  adapter: OnnxAdapter,
  files: readonly (readonly [name: string, content: Uint8Array | string])[],
): Promise<Prediction[][]> {
  const samples = [];
  for (const [name, content] of files) {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    samples.push(
      await adapter.prepare(createItemInput({ ...item('x'), filename: `/${name}` }, async () => bytes)),
    );
  }
  return adapter.predict(samples, CONTEXT);
}

function rounded(predictions: readonly Prediction[]): [string, number][] {
  return predictions.map(({ label, confidence }) => [label, Number(confidence.toFixed(5))]);
}

function square(side: number, [r, g, b]: [number, number, number]): Promise<Buffer> {
  return sharp({ create: { width: side, height: side, channels: 3, background: { r, g, b } } })
    .png()
    .toBuffer();
}
