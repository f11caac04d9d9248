import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ItemInput,
  ModelAdapter,
  type PredictContext,
  type Prediction,
  type TrainContext,
  type TrainingData,
  type TrainResult,
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

  async train(data: TrainingData<Point>, context: TrainContext): Promise<TrainResult> {
    const samples = await data.train.samples();
    context.signal.throwIfAborted();
    const { resumeFrom } = context;
    const done = resumeFrom === undefined ? 0 : await this.resume(resumeFrom);
    for (const [index, label] of this.labels.entries()) {
      if (index < done) continue;
      const points = samples.filter((each) => each.label === label).map(({ sample }) => sample);
      if (points.length > 0) this.centres[label] = meanOf(points);
      if (!context.shouldCheckpoint()) continue;
      await context.checkpoint((directory) => this.pause(directory, index + 1));
      if (context.shouldYield()) return 'yielded';
    }
    return undefined;
  }

  async pause(directory: string, done: number): Promise<void> {
    await writeFile(join(directory, 'state.json'), JSON.stringify({ done, centres: this.centres }));
  }

  /** Labels that are done. */
  async resume(directory: string): Promise<number> {
    const state = JSON.parse(await readFile(join(directory, 'state.json'), 'utf8')) as {
      done: number;
      centres: Centres;
    };
    this.centres = state.centres;
    return state.done;
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
