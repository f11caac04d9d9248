import { copyFileSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LabelledInput, PartitionData, TrainContext } from '../../../adapters/model-adapter.ts';
import { hostPython } from '../../../adapters/python/python-adapter.ts';
import { predictFunction } from '../../../functions/predict/predict.ts';
import type { NewMetricSample } from '../../../shared/entities/metric-sample.ts';
import { hasCode } from '../../../shared/errors.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { annotation, item } from '../../shared/store/sample-entities.ts';
import { ONNX_FIXTURES } from '../../support/onnx-fixtures.ts';
import { openSnapshotOf, putFiles } from '../../support/onnx-snapshot.ts';
import { runInPlace } from '../../support/run-function.ts';
import { exampleFolder, pythonCode, pythonProblem } from './hosted-python.ts';

if (pythonProblem !== undefined)
  it(`is not tested here: ${pythonProblem}`, () => expect(pythonProblem).toContain('Python'));

const LABELS = ['trouser', 'bag', 'ankle-boot'];
const EPOCHS = 4;
const EXAMPLE = exampleFolder('yolov5-training');

/** Names that lead YOLOv5 to other labels, were they kept. */
const FILENAMES = ['/images/a.jpg', '/images/a.png', '/in/images/b.png', '/b'];

/** Scenes with a box of each of two classes, at a place of their own. */
async function scenes(): Promise<PartitionData<unknown>> {
  const names = (await readdir(join(ONNX_FIXTURES, 'scenes'))).sort().slice(0, FILENAMES.length);
  const inputs = await Promise.all(
    names.map(async (name, index): Promise<LabelledInput> => {
      const bytes = await readFile(join(ONNX_FIXTURES, 'scenes', name));
      const metadata = { system: { width: 128, height: 128 } };
      const scene = item(`item-${index}`, { filename: FILENAMES[index]!, metadata });
      const box = (label: string, at: number) =>
        annotation(`${scene.id}-${label}`, scene.id, {
          ...{ type: 'box', label },
          coordinates: [
            { x: at, y: at, z: 0 },
            { x: at + 30, y: at + 40, z: 0 },
          ],
        });
      return {
        input: createItemInput(scene, async () => bytes),
        annotations: [box('bag', 10 * index), box('trouser', 5 + index)],
        label: undefined,
      };
    }),
  );
  return partition('train', inputs);
}

function partition(name: 'train' | 'validation', list: readonly LabelledInput[]): PartitionData<unknown> {
  return {
    partition: name,
    count: list.length,
    async *inputs() {
      yield* list;
    },
    samples: async () => [],
    async *stream() {},
  };
}

/** The example with the small trainer in the place of YOLOv5's. */
async function openExample(dieAt: readonly number[] = []) {
  const { code } = pythonCode({});
  copyFileSync(join(EXAMPLE, 'model.py'), join(code.directory, 'model.py'));
  copyFileSync(join(import.meta.dirname, 'stand_in_trainer.py'), join(code.directory, 'yolov5_trainer.py'));
  const fixture = join(temporaryFolder(), 'model.onnx');
  copyFileSync(join(ONNX_FIXTURES, 'tiny-yolo.onnx'), fixture);
  const adapterClass = await hostPython(code);
  const configuration = { ...adapterClass.defaults, epochs: EPOCHS, fixture, dieAt: [...dieAt] };
  return { adapterClass, configuration };
}

/** Of the small trainer: a mean box a class, as shares of the image. */
interface Weights {
  epoch: number;
  means: number[][];
}

/** Trains to the end, however many slices and processes that takes; a checkpoint is all that is handed on. */
async function train({ dieAt = [], yields = false }: { dieAt?: readonly number[]; yields?: boolean } = {}) {
  const { adapterClass, configuration } = await openExample(dieAt);
  const data = { train: await scenes(), validation: partition('validation', []) };
  const home = temporaryFolder();
  const points: NewMetricSample[] = [];
  let kept: string | undefined;
  for (let slices = 1; ; slices += 1) {
    const adapter = new adapterClass({ configuration, labels: LABELS });
    onTestFinished(async () => adapter.unload?.());
    const context: TrainContext = {
      ...{ signal: new AbortController().signal, seed: 7, parent: undefined, resumeFrom: kept },
      log: (...logged) => void points.push(...logged),
      progress: () => undefined,
      shouldCheckpoint: () => true,
      shouldYield: () => yields,
      checkpoint: async (write) => {
        const folder = mkdtempSync(join(home, 'checkpoint-'));
        await write(folder);
        kept = folder;
      },
    };
    const answer = await adapter.train(data, context).catch((error: unknown) => {
      if (!hasCode(error, 'PythonDied')) throw error;
      return 'yielded';
    });
    if (answer === 'yielded') continue;
    const saved = temporaryFolder();
    await adapter.save(saved);
    const { epoch, means } = JSON.parse(readFileSync(join(saved, 'weights.pt'), 'utf8')) as Weights;
    return { slices, points, saved, weights: { epoch, means } };
  }
}

describe.skipIf(pythonProblem !== undefined)(
  'a training of YOLOv5 in Python, with a small trainer in its place',
  () => {
    it('comes to the same weights in one piece, in slices, and killed in the middle of epochs', async () => {
      const whole = await train();
      const sliced = await train({ yields: true });
      const killed = await train({ dieAt: [1, 3] });

      expect([whole.slices, sliced.slices, killed.slices]).toEqual([1, EPOCHS, 3]);
      expect(sliced.weights).toEqual(whole.weights);
      expect(killed.weights).toEqual(whole.weights);
      expect(sliced.points).toEqual(whole.points);
      expect(whole.points.map(({ figure, x }) => [figure, x])).toEqual(
        [0, 1, 2, 3].map((x) => ['loss_box', x]),
      );
      // A mean box is near the boxes it was learned from: 30 of 128 wide.
      const { means } = whole.weights;
      expect(means[1]![2]).toBeCloseTo(30 / 128, 1);
      expect(means[2]).toEqual([0.5, 0.5, 0.5, 0.5]);
    }, 60_000);

    it('leaves a model that the adapter yolov5 serves', async () => {
      const { saved } = await train();

      const space = await openSnapshotOf('modelfn/yolov5', {
        ...{ weights: saved, labels: LABELS },
        configuration: { img_size: 128 },
      });
      const [first] = (await readdir(join(ONNX_FIXTURES, 'scenes'))).sort();
      const items = await putFiles(space, [join(ONNX_FIXTURES, 'scenes', first!)]);
      const predicted = await runInPlace(space.container, predictFunction, {
        snapshot: space.snapshot.id,
        items: items.map(({ id }) => id),
      });

      expect(existsSync(join(saved, 'labels.json'))).toBe(true);
      expect(predicted.annotations).toBeGreaterThan(0);
    }, 60_000);
  },
);
