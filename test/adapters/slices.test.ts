import { expect, it } from 'vitest';
import type { LabelledSample } from '../../adapters/model-adapter.ts';
import type { SvmSample } from '../../adapters/svm/features.ts';
import { SvmAdapter } from '../../adapters/svm/svm-adapter.ts';
import { readDigits } from '../../cli/demo/digits.ts';
import { createItemInput } from '../../shared/inputs/item-input.ts';
import { item } from '../shared/store/sample-entities.ts';
import { freshSeed, seededRandom } from '../support/seeded-random.ts';
import { SoftmaxAdapter } from '../support/softmax-adapter.ts';
import { type Trainee, trainInSlices } from '../support/train-in-slices.ts';

const PLANS = 100;
const LABELS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** The digits' train rows as samples, what a row becomes being up to the adapter. */
async function digits<Sample>(
  count: number,
  toSample: (pixels: number[]) => Sample,
): Promise<LabelledSample<Sample>[]> {
  const rows = (await readDigits()).filter(({ split }) => split === 'train').slice(0, count);
  const input = createItemInput(item('digit'), () => Promise.reject(new Error('no bytes were planned for')));
  return rows.map(({ label, pixels }) => ({ input, annotations: [], label, sample: toSample(pixels) }));
}

async function svmOnDigits(): Promise<Trainee<SvmSample>> {
  const space = { kind: 'vector', dims: 64 } as const;
  const samples = await digits(500, (pixels) => ({ values: Float64Array.from(pixels), space }));
  return {
    adapterClass: SvmAdapter,
    setup: { labels: LABELS, configuration: { kernel: 'rbf', C: 10, gamma: 0.001 } },
    samples,
  };
}

/** A tenth of the samples: calibration makes six trainings of one. */
async function calibratedSvm(): Promise<Trainee<SvmSample>> {
  const { setup, samples, ...rest } = await svmOnDigits();
  const configuration = { kernel: 'poly', C: 1, gamma: 0.001, coef0: 1, probability: true };
  return { ...rest, samples: samples.slice(0, 100), setup: { ...setup, configuration } };
}

async function softmaxOnDigits(): Promise<Trainee<number[]>> {
  const samples = await digits(40, (pixels) => [1, ...pixels.map((value) => value / 16)]);
  return { adapterClass: SoftmaxAdapter, setup: { labels: LABELS, configuration: {} }, samples };
}

it.each<[string, number, () => Promise<Trainee<never>>]>([
  ['the SVM', PLANS, svmOnDigits as () => Promise<Trainee<never>>],
  ['the SVM with probabilities', PLANS / 5, calibratedSvm as () => Promise<Trainee<never>>],
  ['a training by gradients', PLANS, softmaxOnDigits as () => Promise<Trainee<never>>],
])(
  '%s comes to the same weights and the same curve by %i plans of cuts',
  { timeout: 120_000 },
  async (name, plans, open) => {
    const seed = freshSeed();
    console.log(`slices of ${name}: seed ${seed}`);
    const random = seededRandom(seed);
    const trainee = await open();
    const uncut = await trainInSlices(trainee, () => undefined);
    let slices = 0;

    for (let plan = 0; plan < plans; plan += 1) {
      const most = 1 + random() * 40;
      const cut = await trainInSlices(trainee, () => Math.floor(random() * most));
      expect(cut.weights).toEqual(uncut.weights);
      expect(cut.points).toEqual(uncut.points);
      slices += cut.slices;
    }

    expect(uncut.slices).toBe(1);
    expect(slices).toBeGreaterThan(2 * plans);
  },
);
