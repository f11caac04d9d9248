import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ItemInput,
  ModelAdapter,
  type PredictContext,
  type Prediction,
  type TrainContext,
  type TrainingData,
} from '../../adapters/model-adapter.ts';

export type Point = number[];
export type Centres = Record<string, Point>;

/** Keeps every promise, on JSON objects of numbers: the broken adapters each break one of them. */
export class SoundAdapter extends ModelAdapter<Point> {
  static override readonly inputType: string | null = 'tabular';
  static override readonly outputType: string | null = 'class';
  centres: Centres = {};

  async prepare(input: ItemInput): Promise<Point> {
    return Object.values((await input.json()) as Record<string, number>);
  }

  async train(data: TrainingData<Point>, { signal }: TrainContext): Promise<void> {
    const samples = await data.train.samples();
    signal.throwIfAborted();
    for (const label of this.labels) {
      const points = samples.filter((each) => each.label === label).map(({ sample }) => sample);
      if (points.length > 0) this.centres[label] = meanOf(points);
    }
  }

  predict(samples: readonly Point[], _context?: PredictContext): Prediction[][] | Promise<Prediction[][]> {
    return samples.map((sample) => [this.nearest(sample)]);
  }

  nearest(sample: Point): Prediction {
    const [best] = Object.entries(this.centres)
      .map(([label, centre]) => ({ label, distance: distanceOf(sample, centre) }))
      .sort((a, b) => a.distance - b.distance);
    return { type: 'class', label: best!.label, confidence: 1 / (1 + best!.distance) };
  }

  async save(directory: string): Promise<void> {
    await writeFile(join(directory, 'centres.json'), JSON.stringify(this.centres));
  }

  async load(directory: string): Promise<void> {
    this.centres = JSON.parse(await readFile(join(directory, 'centres.json'), 'utf8')) as Centres;
  }
}

export function meanOf(points: readonly Point[]): Point {
  return points[0]!.map((_, axis) => points.reduce((sum, point) => sum + point[axis]!, 0) / points.length);
}

export function distanceOf(a: Point, b: Point): number {
  return Math.hypot(...a.map((value, axis) => value - b[axis]!));
}
