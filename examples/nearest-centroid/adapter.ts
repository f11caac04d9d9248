import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ItemInput,
  type Json,
  type LabelledSample,
  ModelAdapter,
  type Prediction,
  type TrainContext,
  type TrainingData,
} from 'modelfn';

/** What an item is to the model: pixels from 0 to 1, or the numbers of a JSON item. */
type Features = number[];

/** All that is learned. It is what `save` writes and `load` reads. */
interface Weights {
  /** Mean of a label's items. Labels without items are not in it. */
  centroids: Record<string, Features>;
  /** Mean squared distance of an item from its own centroid: how far is far. */
  spread: number;
}

/** Labels an item as the label whose items have the nearest mean. Takes images, and JSON items of numbers. */
export class NearestCentroid extends ModelAdapter<Features> {
  static override readonly inputType = 'image';
  static override readonly outputType = 'class';
  static override readonly defaults = Object.freeze({
    /** Images are brought to this size, in pixels. */
    width: 8,
    height: 8,
  });

  #weights: Weights = { centroids: {}, spread: 1 };

  async load(directory: string): Promise<void> {
    this.#weights = JSON.parse(await readFile(join(directory, 'centroids.json'), 'utf8')) as Weights;
  }

  async prepare(input: ItemInput): Promise<Features> {
    if (input.item.filename.endsWith('.json')) return numbersOf(await input.json());
    const { width, height } = this.configuration as { width: number; height: number };
    const { data } = await input.image({ width, height, channels: 1 });
    return Array.from(data, (level) => level / 255);
  }

  async train(data: TrainingData<Features>, context: TrainContext): Promise<void> {
    const samples = await data.train.samples();
    if (samples.length === 0)
      throw new Error('No item of the train partition has a label. Label some first.');
    const centroids: Record<string, Features> = {};
    for (const [index, label] of this.labels.entries()) {
      context.signal.throwIfAborted();
      const own = samples.filter((each) => each.label === label).map(({ sample }) => sample);
      if (own.length > 0) centroids[label] = mean(own);
      context.progress((index + 1) / this.labels.length, label);
    }
    const distances = samples.map(({ sample, label }) => squaredDistance(sample, centroids[label]!));
    const spread = distances.reduce((sum, each) => sum + each, 0) / distances.length;
    this.#weights = { centroids, spread: spread || 1 };
    this.#logAccuracy('train', samples, context);
    this.#logAccuracy('validation', await data.validation.samples(), context);
  }

  predict(samples: readonly Features[]): Prediction[][] {
    return samples.map((sample) => [this.#nearest(sample)]);
  }

  async save(directory: string): Promise<void> {
    await writeFile(join(directory, 'centroids.json'), JSON.stringify(this.#weights));
  }

  #logAccuracy(legend: string, samples: readonly LabelledSample<Features>[], context: TrainContext): void {
    if (samples.length === 0) return;
    const right = samples.filter(({ sample, label }) => this.#nearest(sample).label === label).length;
    context.log({ figure: 'accuracy', legend, x: 1, y: right / samples.length });
  }

  /** The nearest label; its confidence is its share of exp(-distance / spread) over all labels. */
  #nearest(sample: Features): Prediction {
    const { centroids, spread } = this.#weights;
    const ranked = Object.entries(centroids)
      .map(([label, centroid]) => ({ label, distance: squaredDistance(sample, centroid) / spread }))
      .sort((a, b) => a.distance - b.distance);
    const [first] = ranked;
    if (!first) throw new Error('There is nothing to predict with: train or load first.');
    // Relative to the nearest one: exp() of a large distance alone would be 0, and 0 / 0 is no confidence.
    const sum = ranked.reduce((total, { distance }) => total + Math.exp(first.distance - distance), 0);
    return { type: 'class', label: first.label, confidence: 1 / sum };
  }
}

/** The numbers of a JSON object, by name. What it throws fails this item alone. */
function numbersOf(document: Json): Features {
  if (typeof document !== 'object' || document === null) throw new Error('It is no JSON object of numbers.');
  return Object.entries(document)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      if (typeof value !== 'number') throw new Error(`${name} is no number.`);
      return value;
    });
}

function mean(points: readonly Features[]): Features {
  return points[0]!.map((_, axis) => points.reduce((sum, point) => sum + point[axis]!, 0) / points.length);
}

function squaredDistance(a: Features, b: Features): number {
  if (a.length !== b.length)
    throw new Error(`It has ${a.length} numbers; the model was trained on ${b.length}.`);
  return a.reduce((sum, value, axis) => sum + (value - b[axis]!) ** 2, 0);
}
