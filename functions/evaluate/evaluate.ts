import type { EvaluateOptions, EvaluationPair } from '../../adapters/model-adapter.ts';
import { datasetOf } from '../../shared/datasets/dataset-of.ts';
import { PartitionEmpty } from '../../shared/datasets/errors.ts';
import { queryOf } from '../../shared/datasets/partition-data.ts';
import { MAX_UNREADABLE_SHARE_INPUT } from '../../shared/datasets/unreadable-share.ts';
import type { Partition } from '../../shared/entities/item.ts';
import { toMetricNumber } from '../../shared/entities/metric-number.ts';
import type { Model } from '../../shared/entities/model.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { defineFunction } from '../../shared/invoke/function-spec.ts';
import type { Run } from '../../shared/invoke/run.ts';
import type { JsonObject } from '../../shared/json.ts';
import { DEFAULT_JUDGEMENT } from '../../shared/metrics/evaluate-pairs.ts';
import { loadAdapterClass } from '../../shared/snapshots/adapter-class.ts';
import { adapterSetup } from '../../shared/snapshots/adapter-setup.ts';
import { currentSnapshot } from '../../shared/snapshots/snapshot-at.ts';
import { describeSnapshot, modelOf } from '../../shared/snapshots/snapshot-model.ts';
import { MetricWriter } from '../../shared/train/metric-writer.ts';
import { keepItems } from './keep-items.ts';
import { listItems, pairsPredictedNow, pairsWithPredictions } from './read-pairs.ts';

/** Compares a snapshot's predictions with what people said. */
export const evaluateFunction = defineFunction({
  name: 'evaluate',
  description:
    "Compares a snapshot's predictions with ground truth and keeps the numbers as metrics of the snapshot.",
  mode: 'background',
  inputs: {
    snapshot: { type: 'Snapshot', required: true, description: 'the snapshot to evaluate' },
    dataset: { type: 'Dataset', description: "another dataset than the snapshot's own" },
    partition: {
      type: 'String',
      default: 'test',
      oneOf: ['train', 'validation', 'test', 'all'],
      description: 'the items to evaluate on',
    },
    filter: { type: 'Json', description: 'conditions that narrow the items' },
    maxUnreadableShare: MAX_UNREADABLE_SHARE_INPUT,
    predict: {
      type: 'Boolean',
      default: false,
      description:
        'true: predict the items now, without annotations of them, instead of reading the predictions on them',
    },
    iou: {
      type: 'Number',
      default: DEFAULT_JUDGEMENT.iou,
      least: 0,
      most: 1,
      description: 'boxes and masks: the overlap with its truth that a single detection needs to be right',
    },
    confidence: {
      type: 'Number',
      default: DEFAULT_JUDGEMENT.confidence,
      least: 0,
      most: 1,
      description:
        "boxes and masks: detections below it are not counted one by one; COCO's numbers count all",
    },
  },
  run: async (inputs, run) => {
    const snapshot = await currentSnapshot(run, inputs.snapshot);
    const { container, platform } = run;
    const model = await modelOf(container, snapshot);
    const dataset = await datasetOf(platform, snapshot, inputs.dataset);
    const partition = inputs.partition as Partition | 'all';
    const query = queryOf({
      datasetId: dataset.id,
      partition,
      filter: inputs.filter as JsonObject | undefined,
    });
    const items = await listItems(platform, query);
    const count = items.ids.length;
    if (count === 0) throw new PartitionEmpty(dataset, partition === 'all' ? 'test' : partition);
    const { iou, confidence } = inputs;
    const compare = (pairs: AsyncIterable<EvaluationPair>) =>
      evaluateWith(run, model, snapshot, pairs, { iou, confidence });
    const evaluation = inputs.predict
      ? await container.loaded.use(
          snapshot,
          model,
          (loaded) =>
            compare(
              pairsPredictedNow(run, loaded, items, {
                share: inputs.maxUnreadableShare ?? platform.config.maxUnreadableShare,
                from: partition === 'all' ? 'the dataset' : `the ${partition} partition`,
              }),
            ),
          run.signal,
          ['prepare', 'predict'],
        )
      : await compare(pairsWithPredictions(run, snapshot, items));
    run.assertAllRead();
    const perItem = await keepItems(run, dataset, evaluation.perItem ?? []);
    const samples = await keep(run, snapshot, partition, evaluation.metrics);
    return {
      snapshot: describeSnapshot(snapshot),
      dataset: { id: dataset.id, name: dataset.name },
      partition,
      items: count,
      evaluated: items.evaluated,
      withoutPredictions: count - items.evaluated,
      failed: items.failed.map((each) => ({ ...each })),
      metrics: toMetricNumbers(evaluation.metrics),
      perLabel: Object.fromEntries(
        Object.entries(evaluation.perLabel).map(([label, numbers]) => [label, toMetricNumbers(numbers)]),
      ),
      details: evaluation.details ?? {},
      perItem,
      metricSamples: samples,
    } satisfies JsonObject;
  },
});

async function evaluateWith(
  run: Run,
  model: Readonly<Model>,
  snapshot: Readonly<Snapshot>,
  pairs: AsyncIterable<EvaluationPair>,
  options: EvaluateOptions,
) {
  const { platform, container, signal } = run;
  const { adapterClass } = await loadAdapterClass(platform, container.builtIns, model, signal);
  const adapter = new adapterClass(adapterSetup(platform, adapterClass, model, snapshot));
  return adapter.evaluate(pairs, options);
}

/** One curve a number: figure = partition, legend = metric, x = revision. */
async function keep(
  { platform, executionId }: Run,
  snapshot: Readonly<Snapshot>,
  partition: string,
  metrics: Readonly<Record<string, number>>,
): Promise<number> {
  const writer = new MetricWriter(platform, snapshot.id, executionId);
  const numbers = Object.entries(metrics);
  writer.log(numbers.map(([legend, y]) => ({ figure: partition, legend, x: snapshot.revision, y })));
  return writer.flush();
}

/** NaN and infinities as text: JSON has none. */
function toMetricNumbers(numbers: Readonly<Record<string, number>>): JsonObject {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, toMetricNumber(value)]));
}
