import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { LabelledSample, PartitionData, TrainContext } from '../../../adapters/model-adapter.ts';
import { OnnxAdapter } from '../../../adapters/onnx/onnx-adapter.ts';
import { trainSvm } from '../../../adapters/svm/engine/one-vs-one.ts';
import { type Predictions, Predictor } from '../../../adapters/svm/engine/predict.ts';
import type { Kernel } from '../../../adapters/svm/engine/svm-model.ts';
import type { SvmSample } from '../../../adapters/svm/features.ts';
import { svmAsOnnx } from '../../../adapters/svm/onnx-export.ts';
import { SvmAdapter } from '../../../adapters/svm/svm-adapter.ts';
import { digitEntries, readDigits } from '../../../cli/demo/digits.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { item } from '../../shared/store/sample-entities.ts';
import { type ReferenceName, referenceCase, referenceData } from './reference.ts';

const IMAGE = { width: null, height: null, channels: 1, scale: 255 } as const;
const SIGNAL = new AbortController().signal;

describe.each<[ReferenceName, Kernel, number | undefined]>([
  ['digits', { kind: 'rbf', gamma: 0.001 }, undefined],
  ['digits', { kind: 'poly', gamma: 0.001, coef0: 1, degree: 3 }, 1],
  ['wine', { kind: 'sigmoid', gamma: 0.02, coef0: -0.5 }, 2],
  ['breast_cancer', { kind: 'rbf', gamma: 0.01 }, 3],
  ['iris', { kind: 'linear' }, undefined],
])('an SVM on %s with %j, in ONNX', (name, kernel, probabilitySeed) => {
  it('says what the engine says', async () => {
    const { train, test } = referenceData(name);
    const model = trainSvm(train, { kernel, cost: 1, probabilitySeed });
    const own = new Predictor(model).predict(test);

    const found = await run(model, referenceCase(name).classes.map(String), test);

    expect(found.label!).toEqual([...own.classIndex]);
    expect(furthest(own.decisions, found.decisions!)).toBeLessThan(1e-5);
    for (let row = 0; row < test.rows; row++) {
      const [mine, theirs] = [
        rowOf(own, row),
        found.confidences!.slice(row * model.classCount, (row + 1) * model.classCount),
      ];
      expect(furthest(mine, theirs)).toBeLessThan(1e-6);
      expect(theirs.indexOf(Math.max(...theirs))).toBe(own.classIndex[row]);
    }
    if (own.probabilities) expect(furthest(own.probabilities, found.probabilities!)).toBeLessThan(1e-5);
    else expect(found).not.toHaveProperty('probabilities');
  });
});

it.each([{ standardise: true }, { probability: true, kernel: 'linear' }])(
  'a model of images, %j, exported and loaded by the adapter onnx, predicts the digits as before',
  { timeout: 60_000 },
  async (configuration) => {
    const { labels, train, test } = await digitImages(configuration.probability ? 200 : 600);
    const svm = new SvmAdapter({ labels, configuration });
    const samples = await Promise.all(
      train.map(async (each) => ({ ...each, sample: await svm.prepare(each.input) })),
    );
    await svm.train({ train: partition(samples), validation: partition([]) }, CONTEXT);
    const bytes = svm.exportOnnx();
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'model.onnx'), bytes);

    const onnx = new OnnxAdapter({ labels, configuration: settingsIn(bytes) });
    await onnx.load(folder);

    try {
      const inputs = test.map(({ input }) => input);
      const own = svm.predict(await Promise.all(inputs.map((each) => svm.prepare(each))));
      const prepared = await Promise.all(inputs.map((each) => onnx.prepare(each)));
      const found = await onnx.predict(prepared, { signal: SIGNAL });
      // Where the pairs' votes and the coupled probabilities disagree, the SVM goes by the votes.
      const differing = found.filter(([first], index) => first!.label !== own[index]![0]!.label).length;
      expect(differing).toBeLessThanOrEqual(configuration.probability ? 8 : 0);
      for (const [index, [first]] of found.entries())
        if (first!.label === own[index]![0]!.label)
          expect(Math.abs(first!.confidence - own[index]![0]!.confidence)).toBeLessThan(1e-5);
      expect(svm.exportOnnx()).toEqual(bytes);
    } finally {
      await onnx.unload();
    }
  },
);

const CONTEXT: TrainContext = {
  signal: SIGNAL,
  seed: 7,
  parent: undefined,
  log: () => undefined,
  progress: () => undefined,
  resumeFrom: undefined,
  shouldCheckpoint: () => false,
  shouldYield: () => false,
  checkpoint: () => Promise.reject(new Error('no checkpoint was planned for')),
};

async function digitImages(trained: number) {
  const digits = await readDigits();
  const inputs: {
    input: LabelledSample<SvmSample>['input'];
    annotations: [];
    label: string;
    split: string;
  }[] = [];
  const wanted = [
    ...digits.filter(({ split }) => split === 'train').slice(0, trained),
    ...digits.filter(({ split }) => split === 'test'),
  ];
  for await (const { path, bytes, label, partition: split } of digitEntries(wanted)) {
    const plain = item(path);
    const metadata = { ...plain.metadata, system: { mimetype: 'image/png' } };
    const input = createItemInput({ ...plain, metadata }, () => Promise.resolve(bytes as Uint8Array));
    inputs.push({ input, annotations: [], label: label!, split: split! });
  }
  return {
    labels: [...new Set(inputs.map(({ label }) => label))].sort(),
    train: inputs.filter(({ split }) => split === 'train'),
    test: inputs.filter(({ split }) => split === 'test'),
  };
}

function partition(samples: LabelledSample<SvmSample>[]): PartitionData<SvmSample> {
  const never = () => {
    throw new Error('only samples were planned for');
  };
  return {
    partition: 'train',
    count: samples.length,
    inputs: never,
    stream: never,
    samples: async () => samples,
  };
}

/** What the file says of itself, found as text: the metadata is the last thing in it. */
function settingsIn(bytes: Uint8Array): JsonObject {
  const text = Buffer.from(bytes).toString('latin1');
  return JSON.parse(text.slice(text.indexOf('{', text.lastIndexOf('modelfn.configuration')))) as JsonObject;
}

async function run(
  model: ReturnType<typeof trainSvm>,
  classes: string[],
  { rows, dims, values }: { rows: number; dims: number; values: ArrayLike<number> },
): Promise<Record<string, number[]>> {
  const space = { kind: 'vector' as const, dims };
  const facts = { formatVersion: 1 as const, space, classes, standardisation: null };
  const session = await ort.InferenceSession.create(svmAsOnnx({ model, facts }, IMAGE));
  const found = await session.run({
    features: new ort.Tensor('float32', Float32Array.from(values), [rows, dims]),
  });
  await session.release();
  return Object.fromEntries(
    Object.entries(found).map(([name, { data }]) => [name, Array.from(data as ArrayLike<number>, Number)]),
  );
}

/** Confidences of a row, those of classes that share the most votes cut to the label's own. */
function rowOf({ confidences, classIndex }: Predictions, row: number): number[] {
  const k = confidences.length / classIndex.length;
  const own = [...confidences.subarray(row * k, (row + 1) * k)];
  return own.map((value) => Math.min(value, own[classIndex[row]!]!));
}

function furthest(expected: ArrayLike<number>, found: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  let most = 0;
  for (let at = 0; at < found.length; at++) most = Math.max(most, Math.abs(expected[at]! - found[at]!));
  return most;
}
