import { ModelfnError, messageOf } from '../shared/errors.ts';

/** A saved training state that is damaged, or belongs to another problem. */
export class CheckpointInvalid extends ModelfnError {
  override readonly name = 'CheckpointInvalid';
  readonly code = 'CheckpointInvalid';
  readonly statusCode = 422;
  constructor(problem: string, cause?: unknown) {
    super(
      `The training state cannot be resumed: ${problem}. Delete the checkpoint to train from the start.`,
      {
        details: { problem },
        cause,
      },
    );
  }
}

/** No item of the train partition can be learned from: none has a class label, or none that has one can be read. */
export class NothingToLearn extends ModelfnError {
  override readonly name = 'NothingToLearn';
  readonly code = 'NothingToLearn';
  readonly statusCode = 422;
  /** @param cause what the first labelled item failed with; missing when no item has a label. */
  constructor(cause?: unknown) {
    super(
      cause === undefined
        ? 'No item of the train partition has a class label. Label the items first.'
        : `None of the labelled items of the train partition can be read. The first fails with: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** All labelled items of the train partition have one and the same label. */
export class OneClassOnly extends ModelfnError {
  override readonly name = 'OneClassOnly';
  readonly code = 'OneClassOnly';
  readonly statusCode = 422;
  constructor(label: string, samples: number) {
    super(
      `All ${samples} labelled items of the train partition have the label ${JSON.stringify(label)}; telling classes apart needs two or more. Put items of another label into the partition.`,
      { details: { label, samples } },
    );
  }
}

/** A label that the snapshot's ontology does not have. */
export class LabelOutsideOntology extends ModelfnError {
  override readonly name = 'LabelOutsideOntology';
  readonly code = 'LabelOutsideOntology';
  readonly statusCode = 422;
  constructor(label: string, labels: readonly string[]) {
    super(
      `The label ${JSON.stringify(label)} is not in the snapshot's ontology, which has: ${labels.slice(0, 20).join(', ') || 'none'}. Add it to the snapshot's ontologySpec.labels, or relabel the items.`,
      { details: { label, labels: labels.slice(0, 100) } },
    );
  }
}
