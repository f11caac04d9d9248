import { ModelfnError } from '../../shared/errors.ts';

/** A head is to be trained, and there is no backbone to train it on. */
export class BackboneMissing extends ModelfnError {
  override readonly name = 'BackboneMissing';
  readonly code = 'BackboneMissing';
  readonly statusCode = 422;
  constructor() {
    super(
      'Inception is fine-tuned from a parent snapshot that has the backbone, and this snapshot has no parent with weights. Save the ONNX file of the backbone as a snapshot, and clone the one to train from it.',
    );
  }
}

/** No item of the train partition can be learned from. */
export class NothingToLearn extends ModelfnError {
  override readonly name = 'NothingToLearn';
  readonly code = 'NothingToLearn';
  readonly statusCode = 422;
  constructor() {
    super(
      'No item of the train partition has a class label and can be read. Label the items first, or look into what the training left out.',
    );
  }
}
