import { expect, it } from 'vitest';
import { hostPython } from '../../adapters/python/python-adapter.ts';
import { BUILT_IN } from '../../adapters/registry.ts';
import { madeData } from '../../conformance/data/made-data.ts';
import type { ConformanceOptions } from '../../conformance/index.ts';
import { NearestCentroid } from '../../examples/nearest-centroid/adapter.ts';
import { adapterContract } from '../contracts/adapter.contract.ts';
import { fixtureFolder } from '../support/onnx-fixtures.ts';
import { exampleCode, pythonProblem } from './python/hosted-python.ts';

type Openers = Readonly<Record<string, () => Promise<ConformanceOptions>>>;

const made: Openers = { 'made items': async () => ({}) };

/** Ways to check a built-in adapter, by entry point and what is special about them. */
const WAYS: Readonly<Record<string, Openers>> = {
  'modelfn/svm': {
    ...made,
    'a table': async () => ({ data: await madeData('tabular', 1) }),
    'a linear kernel, standardised': async () => ({ configuration: { kernel: 'linear', standardise: true } }),
    'a polynomial kernel with probabilities': async () => ({
      data: await madeData('tabular', 2),
      configuration: { kernel: 'poly', coef0: 1, probability: true, classWeights: 'balanced' },
    }),
    'another seed': async () => ({ seed: 20_260_801 }),
  },
  'modelfn/inception': {
    'trained from a parent': async () => ({
      parent: await fixtureFolder('fashion-inception.onnx'),
      configuration: { input: { width: 28, height: 28, channels: 1, mean: [0], std: [1] }, embeddings: true },
    }),
  },
  'modelfn/onnx': {
    'a detector': async () => ({
      weights: await fixtureFolder('tiny-yolo.onnx'),
      configuration: {
        input: { width: 128, height: 128, fit: 'letterbox' },
        outputs: [{ name: 'output', kind: 'yolov5' }],
        conf_thres: 0.01,
      },
    }),
    'a classifier with its embedding': async () => ({
      weights: await fixtureFolder('fashion-inception.onnx'),
      configuration: {
        input: { width: 28, height: 28, channels: 1 },
        outputs: [
          { name: 'embedding', kind: 'embedding' },
          { name: 'probs', kind: 'probabilities' },
        ],
        id_to_label_map: { 0: 'first', 1: 'second', 8: 'third' },
        top_k: 3,
      },
    }),
  },
  'modelfn/yolov5': {
    'a small detector': async () => ({
      weights: await fixtureFolder('tiny-yolo.onnx'),
      configuration: { img_size: 128, conf_thres: 0.01, batch_size: 4 },
    }),
  },
};

for (const [entryPoint, { load }] of Object.entries(BUILT_IN))
  for (const [way, open] of Object.entries(WAYS[entryPoint] ?? made))
    adapterContract(`${entryPoint}, ${way}`, load, open);

for (const inputType of ['image', 'tabular'])
  adapterContract(
    `the example nearest-centroid, ${inputType}`,
    async () => NearestCentroid,
    async () => ({ data: await madeData(inputType, 1) }),
  );

if (pythonProblem === undefined)
  for (const inputType of ['image', 'tabular'])
    adapterContract(
      `the example python-adapter, ${inputType}`,
      () => hostPython(exampleCode('python-adapter')),
      async () => ({ data: await madeData(inputType, 1) }),
    );
else
  it(`does not check adapters in Python: ${pythonProblem}`, () => expect(pythonProblem).toContain('Python'));

it('has ways to check for adapters that there are', () => {
  expect(Object.keys(BUILT_IN)).toEqual(expect.arrayContaining(Object.keys(WAYS)));
});
