import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ItemInput,
  ModelAdapter,
  type Prediction,
  type TrainContext,
  type TrainingData,
  type TrainResult,
} from '../../adapters/model-adapter.ts';
import type { JsonObject } from '../../shared/json.ts';

/** All that a training by gradients has to keep to go on as if it had never stopped. */
interface State {
  weights: number[][];
  velocity: number[][];
  order: number[];
  /** Of the generator that shuffles. */
  random: number;
  epoch: number;
  batch: number;
}

const EPOCHS = 4;
const BATCH = 4;
const RATE = 0.05;
const MOMENTUM = 0.9;

/** Softmax regression by stochastic gradients with momentum, shuffled anew each epoch; items are JSON lists of numbers. */
export class SoftmaxAdapter extends ModelAdapter<number[]> {
  static override readonly defaults: Readonly<JsonObject> = { epochs: EPOCHS };
  #weights: number[][] = [];

  async prepare(input: ItemInput): Promise<number[]> {
    return [1, ...((await input.json()) as number[])];
  }

  async train(data: TrainingData<number[]>, context: TrainContext): Promise<TrainResult> {
    const samples = await data.train.samples();
    const features = samples.map(({ sample }) => sample);
    const targets = samples.map(({ label }) => this.labels.indexOf(label));
    const state = await this.#begin(features, context);
    for (; state.epoch < EPOCHS; state.epoch += 1, state.batch = 0) {
      if (state.batch === 0) shuffle(state);
      for (; state.batch * BATCH < features.length; ) {
        context.signal.throwIfAborted();
        this.#step(state, features, targets, context);
        state.batch += 1;
        if (!context.shouldCheckpoint()) continue;
        await context.checkpoint((directory) =>
          writeFile(join(directory, 'state.json'), JSON.stringify(state)),
        );
        if (context.shouldYield()) return 'yielded';
      }
      context.progress((state.epoch + 1) / EPOCHS, `epoch ${state.epoch + 1}`);
    }
    this.#weights = state.weights;
    return undefined;
  }

  predict(samples: readonly number[][]): Prediction[][] {
    return samples.map((sample) => {
      const scores = softmax(this.#weights.map((row) => dot(row, sample)));
      const best = scores.indexOf(Math.max(...scores));
      return [{ type: 'class', label: this.labels[best]!, confidence: scores[best]! }];
    });
  }

  async save(directory: string): Promise<void> {
    await writeFile(join(directory, 'weights.json'), JSON.stringify(this.#weights));
  }

  async load(directory: string): Promise<void> {
    this.#weights = JSON.parse(await readFile(join(directory, 'weights.json'), 'utf8')) as number[][];
  }

  async #begin(features: number[][], { resumeFrom, seed }: TrainContext): Promise<State> {
    if (resumeFrom !== undefined)
      return JSON.parse(await readFile(join(resumeFrom, 'state.json'), 'utf8')) as State;
    const zeros = () => this.labels.map(() => new Array<number>(features[0]!.length).fill(0));
    const order = features.map((_, index) => index);
    return { weights: zeros(), velocity: zeros(), order, random: seed + 1, epoch: 0, batch: 0 };
  }

  #step(state: State, features: number[][], targets: number[], { log }: TrainContext): void {
    const rows = state.order.slice(state.batch * BATCH, (state.batch + 1) * BATCH);
    let loss = 0;
    for (const row of rows) {
      const sample = features[row]!;
      const scores = softmax(state.weights.map((weights) => dot(weights, sample)));
      loss -= Math.log(scores[targets[row]!]!);
      for (const [label, score] of scores.entries()) {
        const error = score - (label === targets[row] ? 1 : 0);
        const velocity = state.velocity[label]!;
        for (const [column, value] of sample.entries())
          velocity[column] = MOMENTUM * velocity[column]! - (RATE / rows.length) * error * value;
      }
    }
    for (const [label, weights] of state.weights.entries())
      for (const column of weights.keys())
        weights[column] = weights[column]! + state.velocity[label]![column]!;
    const step = state.epoch * Math.ceil(features.length / BATCH) + state.batch;
    log({ figure: 'loss', legend: 'train', x: step, y: loss / rows.length });
  }
}

/** Fisher and Yates, by a generator whose state is kept: Marsaglia's xorshift of 32 bits. */
function shuffle(state: State): void {
  for (let last = state.order.length - 1; last > 0; last -= 1) {
    let x = state.random | 0;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    state.random = x >>> 0;
    const other = state.random % (last + 1);
    [state.order[last], state.order[other]] = [state.order[other]!, state.order[last]!];
  }
}

function softmax(scores: number[]): number[] {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * b[index]!, 0);
}
