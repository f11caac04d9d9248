import { ModelfnError } from '../../shared/errors.ts';

/** A file that is no ONNX model, is damaged, or asks for what cannot be given. Nothing of it was run. */
export class OnnxModelInvalid extends ModelfnError {
  override readonly name = 'OnnxModelInvalid';
  readonly code = 'OnnxModelInvalid';
  readonly statusCode = 422;
  constructor(file: string, problem: string, cause?: unknown) {
    super(
      `The ONNX model "${file}" cannot be opened: ${problem}. Export it again, or save the right file as the snapshot's weights.`,
      { details: { file, problem }, cause },
    );
  }
}

/** A model whose tensors lie in a file that is not one of the snapshot's own. Nothing was read of it. */
export class OnnxExternalDataRefused extends ModelfnError {
  override readonly name = 'OnnxExternalDataRefused';
  readonly code = 'OnnxExternalDataRefused';
  readonly statusCode = 422;
  constructor(file: string, location: string, problem: string) {
    super(
      `The ONNX model "${file}" keeps tensors in ${JSON.stringify(location)}, which ${problem}. Put the file beside the model in the snapshot's weights, or export the model with its tensors inside.`,
      { details: { file, location, problem } },
    );
  }
}

/** The weights have no such ONNX file, or several and no word which. */
export class OnnxFileUnclear extends ModelfnError {
  override readonly name = 'OnnxFileUnclear';
  readonly code = 'OnnxFileUnclear';
  readonly statusCode = 422;
  constructor(problem: string, found: readonly string[]) {
    super(
      `${problem}. The snapshot's weights have ${found.length === 0 ? 'no .onnx file' : found.slice(0, 20).join(', ')}; name one of them in the configuration as weights_filename.`,
      { details: { found: found.slice(0, 100) } },
    );
  }
}

/** Inputs or outputs of the model are others than the configuration says. */
export class OnnxSignatureDiffers extends ModelfnError {
  override readonly name = 'OnnxSignatureDiffers';
  readonly code = 'OnnxSignatureDiffers';
  readonly statusCode = 422;
  constructor(file: string, problem: string, advice: string) {
    super(`The ONNX model "${file}" does not fit the configuration: ${problem}. ${advice}`, {
      details: { file, problem },
    });
  }
}

/** The runtime failed while a model was run. */
export class OnnxRunFailed extends ModelfnError {
  override readonly name = 'OnnxRunFailed';
  readonly code = 'OnnxRunFailed';
  readonly statusCode = 422;
  constructor(file: string, problem: string, cause?: unknown) {
    super(
      `The ONNX model "${file}" failed to run: ${problem}. Check that the input of the configuration is the one the model was exported with.`,
      { details: { file, problem }, cause },
    );
  }
}

/** An adapter is asked for what needs weights before it has any. */
export class WeightsNotLoaded extends ModelfnError {
  override readonly name = 'WeightsNotLoaded';
  readonly code = 'WeightsNotLoaded';
  readonly statusCode = 409;
  constructor(adapter: string) {
    super(
      `The ${adapter} has no weights in memory. Load a snapshot that has an ONNX file, or train it first.`,
      {
        details: { adapter },
      },
    );
  }
}
