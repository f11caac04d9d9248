import { type ErrorFields, ModelfnError } from '../../shared/errors.ts';

/** Samples that no support vector machine can work on: none, ragged, not finite, too large, wrong width. */
export class SvmSamplesInvalid extends ModelfnError {
  override readonly name = 'SvmSamplesInvalid';
  readonly code = 'SvmSamplesInvalid';
  readonly statusCode = 422;
  constructor(problem: string, advice: string, details: NonNullable<ErrorFields['details']> = {}) {
    super(`The samples cannot be used: ${problem}. ${advice}`, { details });
  }
}

/** Labels that do not make a classification problem: one class only, a class without rows, an index out of range. */
export class SvmLabelsInvalid extends ModelfnError {
  override readonly name = 'SvmLabelsInvalid';
  readonly code = 'SvmLabelsInvalid';
  readonly statusCode = 422;
  constructor(problem: string, advice: string, details: NonNullable<ErrorFields['details']> = {}) {
    super(`The labels cannot be used: ${problem}. ${advice}`, { details });
  }
}

/** A training parameter outside its range. */
export class SvmParameterInvalid extends ModelfnError {
  override readonly name = 'SvmParameterInvalid';
  readonly code = 'SvmParameterInvalid';
  readonly statusCode = 422;
  constructor(parameter: string, value: number, allowed: string) {
    super(`The training parameter "${parameter}" is ${value}. It must be ${allowed}.`, {
      details: { parameter, value: String(value), allowed },
    });
  }
}

/** The solver met its iteration cap before the optimum. Repeating the same call gives the same answer. */
export class SvmNotConverged extends ModelfnError {
  override readonly name = 'SvmNotConverged';
  readonly code = 'SvmNotConverged';
  readonly statusCode = 422;
  constructor(maxIterations: number, gap: number, epsilon: number) {
    super(
      `The solver stopped after ${maxIterations} iterations with a gap of ${gap.toPrecision(3)}, above the tolerance ${epsilon}. ` +
        'Standardise the features, lower C, raise the tolerance, or raise the iteration cap.',
      { details: { maxIterations, gap: Number.isFinite(gap) ? gap : null, epsilon } },
    );
  }
}

/** The problem does not fit in memory. */
export class SvmTooLarge extends ModelfnError {
  override readonly name = 'SvmTooLarge';
  readonly code = 'SvmTooLarge';
  readonly statusCode = 413;
  constructor(sizeBytes: number, cause?: unknown) {
    super(
      `The support vector machine needs ${Math.ceil(sizeBytes / 2 ** 20)} MiB of memory in one piece, which is not to be had ` +
        '(4096 MiB is the most). Use fewer samples or features, or a smaller kernel cache.',
      { details: { sizeBytes }, cause },
    );
  }
}

/** Something was asked in the wrong order, such as the model of an unfinished training. */
export class SvmNotFinished extends ModelfnError {
  override readonly name = 'SvmNotFinished';
  readonly code = 'SvmNotFinished';
  readonly statusCode = 409;
  constructor() {
    super('The training is not finished, so it has no model. Call step() until it returns "done".');
  }
}

/** A line of libsvm text that does not follow the format. */
export class LibsvmTextInvalid extends ModelfnError {
  override readonly name = 'LibsvmTextInvalid';
  readonly code = 'LibsvmTextInvalid';
  readonly statusCode = 422;
  constructor(line: number, problem: string) {
    super(
      `Line ${line} of the libsvm text is wrong: ${problem}. Expected "<label> <index>:<value> ...", indices from 1, ascending.`,
      {
        details: { line, problem },
      },
    );
  }
}

/** An item with other features than the rest. */
export class FeaturesDiffer extends ModelfnError {
  override readonly name = 'FeaturesDiffer';
  readonly code = 'FeaturesDiffer';
  readonly statusCode = 422;
  constructor(filename: string, difference: string) {
    super(
      `${filename} ${difference}. Set image.width and image.height in the configuration to bring images to one size, or leave the item out with a filter.`,
      { details: { filename } },
    );
  }
}
