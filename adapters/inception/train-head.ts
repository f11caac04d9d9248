import { setImmediate } from 'node:timers/promises';
import type {
  ItemInput,
  LabelledSample,
  PartitionData,
  TrainContext,
  TrainingData,
} from '../model-adapter.ts';
import { nothingToLearn } from '../nothing-to-learn.ts';
import type { ImageSample } from '../onnx-engine/image-input.ts';
import { LabelOutsideOntology, OneClassOnly } from '../training-errors.ts';
import type { InceptionConfiguration } from './configuration.ts';
import { EmbeddingNotFinite } from './errors.ts';
import type { Head } from './head.ts';
import { Lbfgs } from './lbfgs.ts';
import { SoftmaxObjective } from './softmax-objective.ts';
import {
  type EmbeddedItems,
  emptyState,
  readState,
  type TrainingState,
  tableOf,
  writeState,
} from './training-state.ts';

/** Of the bar: embedding takes most of the time. */
const EMBEDDED = 0.9;

/** Vectors of samples, in their order. */
export type Embed = (samples: readonly ImageSample[], signal: AbortSignal) => Promise<Float32Array[]>;

export interface HeadTraining {
  data: TrainingData<ImageSample>;
  context: TrainContext;
  settings: InceptionConfiguration;
  /** The ontology, in its order. */
  labels: readonly string[];
  embed: Embed;
  /** The adapter's own: asked why an item could not be read. */
  prepare: (input: ItemInput) => unknown;
}

/** A head, and the embedded items it was trained on and is to be judged by. */
export interface TrainedHead {
  head: Head;
  train: EmbeddedItems;
  validation: EmbeddedItems;
}

/**
 * Embeds all labelled items with the frozen backbone, then fits a softmax layer to the vectors. It may be cut between
 * two batches and between two steps; the bytes are those of a training in one go.
 */
export async function trainHead(training: HeadTraining): Promise<TrainedHead | 'yielded'> {
  const { data, context, settings, labels, prepare } = training;
  context.signal.throwIfAborted();
  const state = context.resumeFrom === undefined ? emptyState() : await readState(context.resumeFrom);
  if (state.optimiser === undefined) {
    for (const partition of ['train', 'validation'] as const)
      if ((await embedPartition(training, data[partition], state)) === 'yielded') return 'yielded';
  }
  if (state.train.labels.length === 0) throw await nothingToLearn(data.train, prepare);
  const classes = classesOf(state.train.labels, labels);
  const dims = state.train.vectors[0]!.length;
  const places = new Map(classes.map((label, place) => [label, place]));
  const table = {
    features: tableOf(state.train.vectors),
    classes: Int32Array.from(state.train.labels, (label) => places.get(label)!),
    dims,
    classCount: classes.length,
  };
  const optimiser = new Lbfgs(new SoftmaxObjective(table, settings.C), state.optimiser);
  state.optimiser = optimiser.state;
  const enough = settings.tolerance * settings.C * table.classes.length;
  while (optimiser.slope > enough && optimiser.state.iteration < settings.max_iterations) {
    context.signal.throwIfAborted();
    if (!optimiser.step()) break;
    const { iteration, value } = optimiser.state;
    context.log({ figure: 'loss', legend: 'train', x: iteration, y: value / table.classes.length });
    const done = iteration / settings.max_iterations;
    context.progress(EMBEDDED + (1 - EMBEDDED) * done, `${iteration} iterations`);
    if (await isOver(context, state)) return 'yielded';
    // Lets a wish to stop come through, and the lease be renewed.
    await setImmediate();
  }
  const head = { classes, dims, parameters: optimiser.state.parameters };
  return { head, train: state.train, validation: state.validation };
}

async function embedPartition(
  { context, settings, embed, data, labels }: HeadTraining,
  partition: PartitionData<ImageSample>,
  state: TrainingState,
): Promise<'yielded' | undefined> {
  const items = partition === data.validation ? state.validation : state.train;
  const known = new Set(items.ids);
  const count = data.train.count + data.validation.count;
  let waiting: LabelledSample<ImageSample>[] = [];
  const embedWaiting = async () => {
    const vectors = await embed(
      waiting.map(({ sample }) => sample),
      context.signal,
    );
    for (const [index, { input, label }] of waiting.entries()) {
      if (!vectors[index]!.every(Number.isFinite)) throw new EmbeddingNotFinite(input.item.filename);
      items.ids.push(input.item.id);
      items.labels.push(label);
      items.vectors.push(vectors[index]!);
    }
    waiting = [];
    const done = state.train.ids.length + state.validation.ids.length;
    context.progress(Math.min(1, done / count) * EMBEDDED, `${done} of ${count} items embedded`);
    return isOver(context, state);
  };
  for await (const sample of partition.stream(({ input }) => known.has(input.item.id))) {
    context.signal.throwIfAborted();
    if (!labels.includes(sample.label)) throw new LabelOutsideOntology(sample.label, labels);
    waiting.push(sample);
    if (waiting.length >= settings.batch_size && (await embedWaiting())) return 'yielded';
  }
  return waiting.length > 0 && (await embedWaiting()) ? 'yielded' : undefined;
}

/** Keeps a checkpoint when one is due; true when the slice ends with it. */
async function isOver(context: TrainContext, state: TrainingState): Promise<boolean> {
  if (!context.shouldCheckpoint()) return false;
  await context.checkpoint((directory) => writeState(directory, state));
  return context.shouldYield();
}

/** Labels that occur, in the ontology's order: classes do not depend on the order of items. */
function classesOf(found: readonly string[], labels: readonly string[]): string[] {
  const classes = labels.filter((label) => found.includes(label));
  if (classes.length < 2) throw new OneClassOnly(classes[0]!, found.length);
  return classes;
}
