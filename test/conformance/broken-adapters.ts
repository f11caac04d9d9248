import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type {
  AdapterSetup,
  ConvertedItem,
  Evaluation,
  EvaluationPair,
  ItemInput,
  LayoutReader,
  LayoutWriter,
  ModelAdapterClass,
  PartitionData,
  PredictContext,
  Prediction,
  TrainContext,
  TrainingData,
  TrainResult,
} from '../../adapters/model-adapter.ts';
import { type Centres, distanceOf, meanOf, type Point, SoundAdapter } from './sound-adapter.ts';

/** An adapter that breaks a promise. */
interface Broken {
  /** What it does, after "an adapter that". */
  does: string;
  adapterClass: ModelAdapterClass;
  /** Ids of all checks that find something; the first is the one it is made for. */
  fails: readonly [string, ...string[]];
  /** Said by that check. */
  says: RegExp;
}

export const BROKEN_ADAPTERS: readonly Broken[] = [
  {
    does: 'extends nothing',
    adapterClass: class {
      static readonly defaults = {};
      static readonly inputType = 'tabular';
      prepare(): null {
        return null;
      }
    } as unknown as ModelAdapterClass,
    fails: ['extendsModelAdapter'],
    says: /extends something else.*from "modelfn"/,
  },
  {
    does: 'refuses its configuration',
    adapterClass: class extends SoundAdapter {
      constructor(setup: AdapterSetup) {
        super(setup);
        throw new Error('no such kernel');
      }
    },
    fails: ['extendsModelAdapter'],
    says: /no such kernel/,
  },
  {
    does: 'writes into its configuration',
    adapterClass: class extends SoundAdapter {
      constructor(setup: AdapterSetup) {
        (setup.configuration as Record<string, unknown>).epochs ??= 3;
        super(setup);
      }
    },
    fails: ['frozenSetup'],
    says: /it threw TypeError: Cannot add property epochs/,
  },
  {
    does: 'puts labels of its own in place of those it was given',
    adapterClass: class extends SoundAdapter {
      constructor(setup: AdapterSetup) {
        super({ ...setup, labels: [...setup.labels, 'other'] });
      }
    },
    fails: ['frozenSetup'],
    says: /other labels on the instance/,
  },
  {
    does: 'takes batches of no sample',
    adapterClass: class extends SoundAdapter {
      override readonly maxBatchSize = 0;
    },
    fails: ['maxBatchSize'],
    says: /it is 0/,
  },
  {
    does: 'throws while it trains',
    adapterClass: class extends SoundAdapter {
      override async train(): Promise<TrainResult> {
        throw new Error('the matrix is singular');
      }
    },
    fails: ['trains'],
    says: /the matrix is singular/,
  },
  {
    does: 'reads other items than it says',
    adapterClass: class extends SoundAdapter {
      static override readonly inputType = 'image';
    },
    fails: ['trains'],
    says: /prepare threw for 6 of 6 items, as for \/test\/.*--data/,
  },
  {
    does: 'tells its progress in percent',
    adapterClass: class extends SoundAdapter {
      override async train(data: TrainingData<Point>, context: TrainContext): Promise<TrainResult> {
        const result = await super.train(data, context);
        context.progress(100);
        return result;
      }
    },
    fails: ['reports'],
    says: /a progress of 100\. Give progress as done \/ total/,
  },
  {
    does: 'logs a metric that is no number',
    adapterClass: class extends SoundAdapter {
      override async train(data: TrainingData<Point>, context: TrainContext): Promise<TrainResult> {
        const result = await super.train(data, context);
        context.log({ figure: 'loss', legend: 'train', x: 1, y: 0 / 0 });
        return result;
      }
    },
    fails: ['reports'],
    says: /the point \{.* y: NaN \}/,
  },
  {
    does: 'saves nothing',
    adapterClass: class extends SoundAdapter {
      override async save(): Promise<void> {}
    },
    fails: ['loads'],
    says: /an empty folder/,
  },
  {
    does: 'cannot load what it saved',
    adapterClass: class extends SoundAdapter {
      override async load(): Promise<void> {
        throw new Error('unknown format version');
      }
    },
    fails: ['loads'],
    says: /unknown format version/,
  },
  {
    does: 'saves the time of day',
    adapterClass: class extends SoundAdapter {
      override async save(directory: string): Promise<void> {
        await super.save(directory);
        await writeFile(
          join(directory, 'facts.json'),
          JSON.stringify({ day: new Date().toISOString().slice(0, 10) }),
        );
      }
    },
    fails: ['saveTwice', 'trainTwice'],
    says: /facts\.json with other bytes/,
  },
  {
    does: 'trains with randomness that no seed governs',
    adapterClass: class extends SoundAdapter {
      override async train(data: TrainingData<Point>, context: TrainContext): Promise<TrainResult> {
        const result = await super.train(data, context);
        for (const centre of Object.values(this.centres)) centre[0]! += Math.random();
        return result;
      }
    },
    fails: ['trainTwice'],
    says: /centres\.json with other bytes/,
  },
  {
    does: 'saves its numbers rounded',
    adapterClass: class extends SoundAdapter {
      override async save(directory: string): Promise<void> {
        const rounded = (_key: string, value: unknown) =>
          typeof value === 'number' ? Math.round(value) : value;
        await writeFile(join(directory, 'centres.json'), JSON.stringify(this.centres, rounded));
      }
    },
    fails: ['roundTrip'],
    says: /\/test\/item-\d+\.json: \[/,
  },
  {
    does: 'predicts a label of its own',
    adapterClass: class extends SoundAdapter {
      override nearest(sample: Point): Prediction {
        return { ...super.nearest(sample), label: 'unknown' };
      }
    },
    fails: ['validPredictions', 'unreadableItem', 'missingClass', 'duplicateCall', 'evaluates'],
    says: /PredictionInvalid: .*"unknown", which is not in the ontology/,
  },
  {
    does: 'is less than unsure of what it never saw',
    adapterClass: class extends SoundAdapter {
      override nearest(sample: Point): Prediction {
        const { label, confidence } = super.nearest(sample);
        return { type: 'class', label, confidence: confidence - 1e-6 };
      }
    },
    fails: ['validPredictions', 'missingClass'],
    says: /the confidence -\S+, which is not in 0\.\.1/,
  },
  {
    does: 'measures a sample by its batch',
    adapterClass: class extends SoundAdapter {
      override predict(samples: readonly Point[]): Prediction[][] {
        const sureness = samples.map((sample) => this.nearest(sample));
        const most = Math.max(...sureness.map(({ confidence }) => confidence));
        return sureness.map((each) => [{ ...each, confidence: each.confidence / most }]);
      }
    },
    fails: ['batches'],
    says: /"confidence":1\}\] and \[/,
  },
  {
    does: 'writes into the samples it is given',
    adapterClass: class extends SoundAdapter {
      override predict(samples: readonly Point[]): Prediction[][] {
        return samples.map((sample) => {
          for (const [axis, value] of sample.entries()) sample[axis] = value / 10;
          return [this.nearest(sample)];
        });
      }
    },
    fails: ['predictTwice', 'batches', 'cancelPredict'],
    says: /expected equal predictions; found: \/test/,
  },
  {
    does: 'keeps the batch at work on the instance',
    adapterClass: class extends SoundAdapter {
      #batch: readonly Point[] = [];
      override async predict(samples: readonly Point[]): Promise<Prediction[][]> {
        this.#batch = samples;
        await setImmediate();
        return this.#batch.map((sample) => [this.nearest(sample)]);
      }
    },
    fails: ['predictAtOnce'],
    says: /not on the instance/,
  },
  {
    does: 'unpacks beside the weights it loads',
    adapterClass: class extends SoundAdapter {
      override async load(directory: string): Promise<void> {
        await super.load(directory);
        await writeFile(join(directory, 'unpacked.json'), '{}');
      }
    },
    fails: ['weightsUntouched'],
    // The root user is not held back by a folder that is read only: the file itself tells.
    says: /unpacked\.json was added|EACCES/,
  },
  {
    does: 'writes its weights anew when it loads them',
    adapterClass: class extends SoundAdapter {
      override async load(directory: string): Promise<void> {
        const file = join(directory, 'centres.json');
        await writeFile(file, await readFile(file));
        await super.load(directory);
      }
    },
    fails: ['weightsUntouched'],
    says: /centres\.json was written to|EACCES/,
  },
  {
    does: 'makes up a sample for what it cannot read',
    adapterClass: class extends SoundAdapter {
      override prepare(input: ItemInput): Promise<Point> {
        return super.prepare(input).catch(() => [0, 0, 0, 0]);
      }
    },
    fails: ['unreadableItem'],
    says: /predictions for \/broken\/.*, which cannot be read/,
  },
  {
    does: 'never gets over an item it could not read',
    adapterClass: class extends SoundAdapter {
      #failure: unknown;
      override async prepare(input: ItemInput): Promise<Point> {
        if (this.#failure) throw this.#failure;
        return super.prepare(input).catch((error: unknown) => {
          this.#failure = error;
          throw error;
        });
      }
    },
    fails: ['unreadableItem'],
    says: /\/test\/.* failed too/,
  },
  {
    does: 'stumbles over a label without items',
    adapterClass: class extends SoundAdapter {
      override async train(data: TrainingData<Point>, { signal }: TrainContext): Promise<TrainResult> {
        const byLabel = Map.groupBy(await data.train.samples(), ({ label }) => label);
        signal.throwIfAborted();
        for (const label of this.labels)
          this.centres[label] = meanOf(byLabel.get(label)!.map(({ sample }) => sample));
      }
    },
    fails: ['missingClass'],
    says: /with items of first, second alone, train threw TypeError/,
  },
  {
    does: 'takes the mean of a label without items',
    adapterClass: class extends SoundAdapter {
      override async train(data: TrainingData<Point>, { signal }: TrainContext): Promise<TrainResult> {
        const samples = await data.train.samples();
        signal.throwIfAborted();
        for (const label of this.labels) {
          const own = samples.filter((each) => each.label === label);
          const sum = [0, 1, 2, 3].map((axis) => own.reduce((total, { sample }) => total + sample[axis]!, 0));
          this.centres[label] = sum.map((total) => total / own.length);
        }
      }
      override nearest(sample: Point): Prediction {
        const sureness = Object.values(this.centres).map((centre) => 1 / (1 + distanceOf(sample, centre)));
        const sum = sureness.reduce((total, each) => total + each, 0);
        return { type: 'class', label: this.labels[0]!, confidence: sureness[0]! / sum };
      }
    },
    fails: ['missingClass'],
    says: /confidence NaN/,
  },
  {
    does: 'never looks at the signal of its training',
    adapterClass: class extends SoundAdapter {
      override train(data: TrainingData<Point>, context: TrainContext): Promise<TrainResult> {
        return super.train(data, { ...context, signal: new AbortController().signal });
      }
    },
    fails: ['cancelTrain'],
    says: /aborted before it began: it went on to its end/,
  },
  {
    does: 'looks at the signal only before it reads its items',
    adapterClass: class extends SoundAdapter {
      override async train(data: TrainingData<Point>, context: TrainContext): Promise<TrainResult> {
        context.signal.throwIfAborted();
        return super.train(data, { ...context, signal: new AbortController().signal });
      }
    },
    fails: ['cancelTrain'],
    says: /aborted when it had its items: it went on to its end/,
  },
  {
    does: 'waits for ever once its training was aborted',
    adapterClass: class extends SoundAdapter {
      override async train(data: TrainingData<Point>, context: TrainContext): Promise<TrainResult> {
        if (context.signal.aborted) await new Promise(() => undefined);
        return super.train(data, context);
      }
    },
    fails: ['cancelTrain'],
    says: /it was still running \d+ ms later/,
  },
  {
    does: 'throws something else when its training is aborted',
    adapterClass: class extends SoundAdapter {
      override async train(data: TrainingData<Point>, context: TrainContext): Promise<TrainResult> {
        if (context.signal.aborted) throw new Error('the pool is gone');
        return super.train(data, context);
      }
    },
    fails: ['cancelTrain'],
    says: /it threw Error: the pool is gone/,
  },
  {
    does: 'answers a part when its prediction is aborted',
    adapterClass: class extends SoundAdapter {
      override predict(samples: readonly Point[], { signal }: PredictContext): Prediction[][] {
        return samples.map((sample) => (signal.aborted ? [] : [this.nearest(sample)]));
      }
    },
    fails: ['cancelPredict'],
    says: /aborted before it began: \/test\/.* and \[\]/,
  },
  {
    does: 'forgets what it learnt before a checkpoint',
    adapterClass: class extends SoundAdapter {
      override async resume(directory: string): Promise<number> {
        const done = await super.resume(directory);
        this.centres = {};
        return done;
      }
    },
    fails: ['slices'],
    says: /cut at every 1\. question: centres\.json with other bytes.*random generator/,
  },
  {
    does: 'yields without a checkpoint',
    adapterClass: class extends SoundAdapter {
      override async train(data: TrainingData<Point>, context: TrainContext): Promise<TrainResult> {
        return context.shouldYield() || context.shouldCheckpoint() ? 'yielded' : super.train(data, context);
      }
    },
    fails: ['slices'],
    says: /it returned 'yielded' without a checkpoint/,
  },
  {
    does: 'begins anew in each slice',
    adapterClass: class extends SoundAdapter {
      override resume(): Promise<number> {
        return Promise.resolve(0);
      }
    },
    fails: ['slices'],
    says: /not done after 500 slices: a slice makes no headway/,
  },
  {
    does: 'waits for ever once its prediction was aborted',
    adapterClass: class extends SoundAdapter {
      override async predict(samples: readonly Point[], { signal }: PredictContext): Promise<Prediction[][]> {
        await setImmediate();
        return signal.aborted ? new Promise(() => undefined) : super.predict(samples);
      }
    },
    fails: ['cancelPredict'],
    says: /it was still running \d+ ms later/,
  },
  {
    does: 'lets the annotations of an item count',
    adapterClass: class extends SoundAdapter {
      override async prepare(input: ItemInput): Promise<Point> {
        const [first, ...others] = await super.prepare(input);
        return [first! + input.item.annotationsCount, ...others];
      }
    },
    fails: ['duplicateCall'],
    says: /other annotations after predicting the same items again/,
  },
  {
    does: 'writes a layout that only others read back',
    adapterClass: class extends SoundAdapter {
      override async convert(data: PartitionData<Point>, layout: LayoutWriter): Promise<void> {
        const rows: Record<string, Point> = {};
        for (const { sample, input } of await data.samples()) rows[input.item.filename] = sample;
        await layout.write(`${data.partition}.json`, JSON.stringify(rows));
      }
    },
    fails: ['convertBack'],
    says: /came back 0 times, and \/test\.json instead/,
  },
  {
    does: 'divides by predictions that are not there',
    adapterClass: class extends SoundAdapter {
      override async evaluate(pairs: AsyncIterable<EvaluationPair>): Promise<Evaluation> {
        const all = await Array.fromAsync(pairs);
        const predicted = all.filter(({ predictions }) => predictions.length > 0);
        const right = predicted.filter(({ label, predictions }) => predictions[0]!.label === label);
        return { metrics: { accuracy: right.length / predicted.length }, perLabel: {} };
      }
    },
    fails: ['evaluates'],
    says: /accuracy is NaN/,
  },
  {
    does: 'evaluates by labels of its own',
    adapterClass: class extends SoundAdapter {
      override evaluate(): Evaluation {
        return { metrics: { accuracy: 1 }, perLabel: { first: { f1: 1 }, rest: { f1: 1 } } };
      }
    },
    fails: ['evaluates'],
    says: /numbers for "rest", which is none of its labels/,
  },
  {
    does: 'loses the labels of a layout',
    adapterClass: class extends SoundAdapter {
      override async *convertBack(layout: LayoutReader): AsyncIterable<ConvertedItem> {
        for await (const item of super.convertBack(layout)) yield { ...item, label: this.labels[0] };
      }
    },
    fails: ['convertBack'],
    says: /labelled second, came back as first/,
  },
  {
    does: 'brings items back with another content',
    adapterClass: class extends SoundAdapter {
      override async *convertBack(layout: LayoutReader): AsyncIterable<ConvertedItem> {
        const content = new TextEncoder().encode(
          JSON.stringify({ x: 8, y: 1, z: 1, w: 1 } satisfies Record<string, number>),
        );
        for await (const item of super.convertBack(layout)) yield { ...item, content };
      }
    },
    fails: ['convertBack'],
    says: /came back with another content/,
  },
];

/** Weights of `SoundAdapter` for the kit's made items. */
export const SOUND_CENTRES: Centres = { first: [8, 1, 1, 1], second: [1, 8, 1, 1], third: [1, 1, 8, 1] };
