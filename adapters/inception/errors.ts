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

/** The backbone gave NaN or Infinity for an item of a training: a head would learn nothing from any item then. */
export class EmbeddingNotFinite extends ModelfnError {
  override readonly name = 'EmbeddingNotFinite';
  readonly code = 'EmbeddingNotFinite';
  readonly statusCode = 422;
  constructor(filename: string) {
    super(
      `The embedding of ${filename} contains NaN or Infinity. Nothing was trained. Check the scaling of the input and the weights of the backbone, or leave the item out with a filter.`,
      { details: { filename } },
    );
  }
}
