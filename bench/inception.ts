import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { InceptionAdapter } from '../adapters/inception/inception-adapter.ts';
import type { LabelledSample } from '../adapters/model-adapter.ts';
import type { ImageSample } from '../adapters/onnx-engine/image-input.ts';
import { createItemInput } from '../shared/inputs/item-input.ts';
import { item } from '../test/shared/store/sample-entities.ts';
import { FASHION } from '../test/support/fashion.ts';
import { type Trainee, trainInSlices } from '../test/support/train-in-slices.ts';
import { markdownTable } from './statistics.ts';
import { ROOT } from './workspace.ts';

const BACKBONE = join(ROOT, 'test', 'fixtures', 'onnx', 'fashion-inception.onnx');
const SIDE = 28;
const TRAINED = [600, 5_000];
/** Questions after which each slice of the cut training is over. */
const CUT = 60;
const CONFIGURATION = { input: { width: SIDE, height: SIDE, channels: 1, mean: [0], std: [1] } };

/**
 * A head on a frozen backbone, trained on items of Fashion-MNIST: how good, how fast, and the same bytes again and in slices.
 * `folder` has the four files of github.com/zalandoresearch/fashion-mnist (MIT, Zalando SE 2017), `train-images-idx3-ubyte.gz`
 * and so on, or `test-...` in place of `t10k-...`; the project has the first 5,000 and 1,000 items.
 */
export async function headOnFashion(
  _space?: unknown,
  folder = join(ROOT, 'test', 'fixtures', 'fashion'),
): Promise<string> {
  const [all, test] = [await readItems(folder, 'train'), await readItems(folder, 'test')];
  const parent = await mkdtemp(join(tmpdir(), 'modelfn-bench-inception-'));
  try {
    await copyFile(BACKBONE, join(parent, 'model.onnx'));
    const rows: string[][] = [];
    for (const count of TRAINED) rows.push(await measure(all.slice(0, count), test, parent));
    return [
      '## Head on a frozen backbone',
      `The adapter \`inception\` trained from a parent snapshot of 67,170 parameters on the first items of Fashion-MNIST (github.com/zalandoresearch/fashion-mnist, MIT), pixels in memory; accuracy on ${test.length} test items. The backbone was trained on all 60,000 train items, these among them: what is shown is the mechanism, not a gain. Again and in slices: the saved files have the same sha256.`,
      markdownTable(
        ['items', 'CPU seconds', 'accuracy', 'again', `slices, a cut at every ${CUT}. question`, 'in slices'],
        rows,
      ),
    ].join('\n\n');
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

async function measure(
  samples: readonly LabelledSample<ImageSample>[],
  test: readonly LabelledSample<ImageSample>[],
  parent: string,
): Promise<string[]> {
  const setup = { labels: FASHION, configuration: CONFIGURATION };
  const trainee: Trainee<ImageSample> = { adapterClass: InceptionAdapter, setup, samples, parent };
  const before = process.cpuUsage();
  const whole = await trainInSlices(trainee, () => undefined);
  const { user, system } = process.cpuUsage(before);
  const again = await trainInSlices(trainee, () => undefined);
  const cut = await trainInSlices(trainee, () => CUT);
  const same = (weights: object) =>
    isDeepStrictEqual(weights, whole.weights) ? 'same bytes' : 'OTHER BYTES';
  const adapter = await trainedAdapter(trainee);
  const predicted = await adapter.predict(
    test.map(({ sample }) => sample),
    { signal: new AbortController().signal },
  );
  await adapter.unload();
  const right = test.filter(({ label }, index) => predicted[index]![0]!.label === label).length;
  return [
    String(samples.length),
    ((user + system) / 1e6).toFixed(1),
    (right / test.length).toFixed(4),
    same(again.weights),
    String(cut.slices),
    same(cut.weights),
  ];
}

/** Trained anew: what trains in slices keeps no adapter. */
async function trainedAdapter({ setup, samples, parent }: Trainee<ImageSample>): Promise<InceptionAdapter> {
  const adapter = new InceptionAdapter(setup);
  const part = (own: readonly LabelledSample<ImageSample>[]) => ({
    partition: 'train' as const,
    count: own.length,
    async *inputs() {
      yield* own;
    },
    samples: async () => [...own],
    async *stream() {
      yield* own;
    },
  });
  await adapter.train(
    { train: part(samples), validation: part([]) },
    {
      signal: new AbortController().signal,
      seed: 7,
      parent,
      log: () => undefined,
      progress: () => undefined,
      resumeFrom: undefined,
      shouldCheckpoint: () => false,
      shouldYield: () => false,
      checkpoint: async () => undefined,
    },
  );
  return adapter;
}

/** Pixels as `prepare` has them, without a PNG between. */
async function readItems(folder: string, part: 'train' | 'test'): Promise<LabelledSample<ImageSample>[]> {
  const read = async (what: string) => {
    const names = part === 'test' ? ['test', 't10k'] : ['train'];
    const found = await Promise.any(names.map((name) => readFile(join(folder, `${name}-${what}-ubyte.gz`))));
    return gunzipSync(found);
  };
  const [pixels, classes] = [
    (await read('images-idx3')).subarray(16),
    (await read('labels-idx1')).subarray(8),
  ];
  const size = SIDE * SIDE;
  return Array.from(classes, (each, index) => ({
    input: createItemInput({ ...item(`${part}-${index}`) }, () =>
      Promise.reject(new Error('pixels are at hand')),
    ),
    annotations: [],
    label: FASHION[each]!,
    sample: {
      pixels: {
        width: SIDE,
        height: SIDE,
        channels: 1 as const,
        data: Uint8Array.from(pixels.subarray(index * size, (index + 1) * size)),
        source: { width: SIDE, height: SIDE },
      },
      left: 0,
      top: 0,
    },
  }));
}

if (import.meta.main) process.stdout.write(`${await headOnFashion(undefined, process.argv[2])}\n`);
