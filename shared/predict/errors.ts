import type { FailedItem } from '../datasets/map-items.ts';
import { ModelfnError } from '../errors.ts';

/** None of the items could be predicted. */
export class NothingPredicted extends ModelfnError {
  override readonly name = 'NothingPredicted';
  readonly code = 'NothingPredicted';
  readonly statusCode = 422;
  constructor(failed: readonly FailedItem[]) {
    const first = failed[0]!;
    super(
      `None of the ${failed.length} items could be predicted. ${first.filename}: ${first.message} Nothing was written.`,
      { details: { failed: failed.slice(0, 100).map((each) => ({ ...each })) } },
    );
  }
}

/** An adapter answered something that cannot be an annotation. */
export class PredictionInvalid extends ModelfnError {
  override readonly name = 'PredictionInvalid';
  readonly code = 'PredictionInvalid';
  readonly statusCode = 422;
  constructor(fields: { filename: string; problem: string; labels?: readonly string[] }) {
    const { filename, problem, labels } = fields;
    super(
      `The adapter's prediction for ${filename} ${problem}.${labels ? ` The snapshot's labels are: ${labels.slice(0, 20).join(', ') || 'none'}.` : ''} Nothing was written; mend the adapter, or the snapshot's ontologySpec.`,
      { details: { filename, problem } },
    );
  }
}

/** A model gave NaN or Infinity for one item. The others of the run are written. */
export class PredictionNotFinite extends ModelfnError {
  override readonly name = 'PredictionNotFinite';
  readonly code = 'PredictionNotFinite';
  readonly statusCode = 422;
  constructor(filename: string, problem: string) {
    super(
      `The prediction for ${filename} has ${problem}. Nothing was written for this item. Check its content, the scaling of the model's input, and whether the weights overflow, as float16 does above 65504.`,
      { details: { filename, problem } },
    );
  }
}

/** An adapter's batches are of no size. */
export class BatchSizeInvalid extends ModelfnError {
  override readonly name = 'BatchSizeInvalid';
  readonly code = 'BatchSizeInvalid';
  readonly statusCode = 422;
  constructor(maxBatchSize: number) {
    super(
      `The adapter's maxBatchSize is ${maxBatchSize}; it is to be a whole number from 1. Set it in the adapter's class.`,
      { details: { maxBatchSize: String(maxBatchSize) } },
    );
  }
}

/** An evaluation found nothing that the snapshot's current revision predicted. */
export class PredictionsMissing extends ModelfnError {
  override readonly name = 'PredictionsMissing';
  readonly code = 'PredictionsMissing';
  readonly statusCode = 422;
  constructor(snapshot: { id: string; name: string; revision: number }, items: number) {
    super(
      `None of the ${items} items has a prediction by revision ${snapshot.revision} of snapshot ${snapshot.name} (${snapshot.id}). Predict them first, or evaluate with the input "predict": true.`,
      { details: { snapshot: snapshot.id, revision: snapshot.revision, items } },
    );
  }
}

/** All items of an evaluation were deleted while it ran. */
export class ItemsGone extends ModelfnError {
  override readonly name = 'ItemsGone';
  readonly code = 'ItemsGone';
  readonly statusCode = 422;
  constructor(items: number) {
    super(`All ${items} items were deleted during the evaluation. Evaluate again with other items.`, {
      details: { items },
    });
  }
}
