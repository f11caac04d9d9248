import { expect, it } from 'vitest';
import { BUILT_IN } from '../../adapters/registry.ts';
import { findBuiltInSettings } from '../../adapters/settings-registry.ts';
import { InvalidInput } from '../../shared/errors.ts';

it('every built-in adapter has its settings in the registry, and only those have', async () => {
  for (const [entryPoint, { load }] of Object.entries(BUILT_IN)) {
    const { defaults, checkConfiguration } = await load();
    expect(await findBuiltInSettings(entryPoint)).toEqual({ defaults, checkConfiguration });
    expect(checkConfiguration!(defaults, ['a', 'b'])).toEqual([]);
  }
  expect(await findBuiltInSettings('index.js')).toBeUndefined();
  expect(await findBuiltInSettings('toString')).toBeUndefined();
});

it.each([
  [
    'modelfn/svm',
    { kernl: 'rbf', C: -1, image: { width: 8, height: 8, channels: 1, scale: 1, widht: 8 } },
    ['C', 'image.widht', 'kernl'],
  ],
  [
    'modelfn/onnx',
    { input: { width: 0, hieght: 8 }, outputs: [{ name: 7, kind: 'logit', clases: 2 }] },
    ['input.hieght', 'input.width', 'outputs.0.clases', 'outputs.0.kind', 'outputs.0.name'],
  ],
  ['modelfn/onnx', { input: { kind: 'tensor', feature: ['a'] }, top_k: 0 }, ['input.feature', 'top_k']],
  [
    'modelfn/yolov5',
    { conf_thres: 2, id_to_label_map: { one: 'a' }, imgsz: 640 },
    ['conf_thres', 'id_to_label_map.one', 'imgsz'],
  ],
  [
    'modelfn/inception',
    { input: { mean: ['0'] }, probabilities_kind: 'softmax' },
    ['input.mean.0', 'probabilities_kind'],
  ],
])(
  'lists all problems of a configuration of %s with the paths of their fields',
  async (entryPoint, configuration, fields) => {
    const { defaults, checkConfiguration } = (await findBuiltInSettings(entryPoint))!;

    const problems = checkConfiguration({ ...defaults, ...configuration });

    expect(problems.map(({ field }) => field).sort()).toEqual(fields);
    const adapterClass = await BUILT_IN[entryPoint]!.load();
    expect(() => new adapterClass({ labels: [], configuration: { ...defaults, ...configuration } })).toThrow(
      InvalidInput,
    );
  },
);

it('names the nearest setting and the nearest label', async () => {
  const svm = (await findBuiltInSettings('modelfn/svm'))!;
  const onnx = (await findBuiltInSettings('modelfn/onnx'))!;

  expect(svm.checkConfiguration({ ...svm.defaults, classWeights: { X: 5, z: 1 } }, ['x', 'z'])).toEqual([
    { field: 'classWeights.X', problem: 'the snapshot has no label "X"; the nearest is "x"' },
  ]);
  expect(
    onnx.checkConfiguration({ ...onnx.defaults, id_to_label_map: { 0: 'cat', 1: 'dgo' } }, ['cat', 'dog']),
  ).toEqual([
    { field: 'id_to_label_map.1', problem: 'the snapshot has no label "dgo"; the nearest is "dog"' },
  ]);
  expect(onnx.checkConfiguration({ ...onnx.defaults, input: { widht: 8 } })).toEqual([
    { field: 'input.widht', problem: 'there is no such setting; the nearest is width' },
  ]);
});
