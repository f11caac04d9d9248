import type { KeptPrediction, KeptPredictions } from '../../shared/annotations/keep-tensors.ts';
import { digestOf, predictionId } from '../../shared/annotations/predictions.ts';
import { writePredictions } from '../../shared/annotations/write-predictions.ts';
import type { Item } from '../../shared/entities/item.ts';
import type { Snapshot } from '../../shared/entities/snapshot.ts';
import { InvalidInput } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/invoke/function-spec.ts';
import type { JsonObject } from '../../shared/json.ts';
import { NothingPredicted } from '../../shared/predict/errors.ts';
import { predictAndKeep } from '../../shared/predict/predict-and-keep.ts';
import { snapshotAt } from '../../shared/snapshots/snapshot-at.ts';
import { describeSnapshot, modelOf } from '../../shared/snapshots/snapshot-model.ts';

/** Above this many items the output tells counts and a digest; the predictions themselves are annotations by then. */
const SHOWN_ITEMS = 100;

/** Predicts items with a snapshot and writes the predictions to them as annotations. */
export const predictFunction = defineFunction({
  name: 'predict',
  description: 'Predicts items with a snapshot; the predictions become annotations of the items.',
  mode: 'inPlace',
  inputs: {
    snapshot: { type: 'Snapshot', required: true, description: 'the snapshot whose weights predict' },
    items: {
      type: 'Item[]',
      description: 'a list of items, or {"dataset": ..., "filter": {...}} for all that match',
    },
    item: { type: 'Item', description: 'one item, as a trigger sends it' },
    write: { type: 'Boolean', default: true, description: 'false: answer the predictions and write nothing' },
    revision: {
      type: 'Integer',
      least: 1,
      description:
        "an earlier revision to predict with; its predictions take the place of the snapshot's others, as any revision's do",
    },
    minConfidence: {
      type: 'Number',
      default: 0,
      least: 0,
      most: 1,
      description: 'predictions below this confidence are dropped',
    },
  },
  run: async (inputs, run) => {
    const { container, platform, actor, signal, assertAllRead } = run;
    const items = itemsOf(inputs);
    const snapshot = await snapshotAt(run, inputs.snapshot, inputs.revision);
    const model = await modelOf(container, snapshot);
    const started = performance.now();
    const { minConfidence } = inputs;
    const { predicted, cold, codeDigest, loadedAt } = await container.loaded.use(
      snapshot,
      model,
      async (loaded, isCold) => ({
        loadedAt: performance.now(),
        predicted: await predictAndKeep(platform, loaded, items, {
          signal,
          minConfidence,
          write: inputs.write,
        }),
        cold: isCold,
        codeDigest: loaded.codeDigest,
      }),
      signal,
      ['prepare', 'predict'],
    );
    // A call that was answered as failed writes nothing afterwards.
    signal.throwIfAborted();
    assertAllRead();
    const { results, failed } = predicted;
    if (results.length === 0 && failed.length > 0) throw new NothingPredicted(failed);
    const predictedAt = performance.now();
    const written = inputs.write
      ? await writePredictions(platform, actor, { snapshot, model, codeDigest }, results)
      : { annotations: [], goneItemIds: [] };
    const counts = {
      items: results.length,
      annotations: results.reduce((sum, each) => sum + each.predictions.length, 0),
    };
    return {
      snapshot: describeSnapshot(snapshot),
      ...counts,
      failed: [...failed.map((each) => ({ ...each })), ...gone(results, written.goneItemIds)],
      written: inputs.write,
      digest: inputs.write ? digestOf(written.annotations) : null,
      predictions: results.length <= SHOWN_ITEMS ? results.map((each) => shown(each, snapshot)) : null,
      cold,
      timings: {
        loadMs: round(loadedAt - started),
        prepareMs: round(predicted.timings.prepareMs),
        predictMs: round(predicted.timings.predictMs),
        writeMs: round(predicted.timings.keepMs + performance.now() - predictedAt),
      },
    } satisfies JsonObject;
  },
});

function itemsOf({
  items,
  item,
}: {
  items?: readonly Readonly<Item>[] | undefined;
  item?: Readonly<Item> | undefined;
}) {
  if (!items && !item)
    throw new InvalidInput('input of predict', [
      { field: 'items', problem: 'is missing; give items, or one item' },
    ]);
  const all = [...(items ?? []), ...(item ? [item] : [])];
  const folder = all.find(({ type }) => type === 'dir');
  if (folder)
    throw new InvalidInput('input of predict', [
      {
        field: 'items',
        problem: `${folder.filename} is a folder; take {"dataset": "${folder.datasetId}", "filter": {"dir": "${folder.filename}"}} for its files`,
      },
    ]);
  return [...new Map(all.map((each) => [each.id, each])).values()];
}

function shown({ item, predictions }: KeptPredictions, snapshot: Readonly<Snapshot>): JsonObject {
  return {
    item_id: item.id,
    filename: item.filename,
    annotations: predictions.map((each, index) => shownPrediction(each, predictionId(snapshot, item, index))),
  };
}

/** Of a tensor that is a file, the annotation whose file it is. */
function shownPrediction({ content, ...prediction }: KeptPrediction, id: string): JsonObject {
  return { ...prediction, ...(content && { annotation_id: id }) } as JsonObject;
}

function gone(results: readonly { item: Readonly<Item> }[], ids: readonly string[]): JsonObject[] {
  return results
    .filter(({ item }) => ids.includes(item.id))
    .map(({ item }) => ({
      item_id: item.id,
      filename: item.filename,
      code: 'ItemGone',
      message: `${item.filename} was deleted while it was predicted; nothing was written for it.`,
    }));
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
