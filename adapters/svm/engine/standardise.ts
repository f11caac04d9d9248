import { checkMatrix, type FeatureMatrix } from './samples.ts';

/** What to take off and divide by, [dims] each. */
export interface Standardisation {
  readonly mean: Float64Array;
  /** Population standard deviation (divisor n), as numpy's `std`; 1 for a feature that never changes. */
  readonly deviation: Float64Array;
}

/**
 * Learns each feature's mean and deviation from the training samples.
 * @throws SvmSamplesInvalid for samples the engine cannot use.
 */
export function fitStandardisation(samples: FeatureMatrix): Standardisation {
  checkMatrix(samples);
  const { rows, dims, values } = samples;
  const mean = new Float64Array(dims);
  const deviation = new Float64Array(dims);
  for (let at = 0; at < values.length; at++) mean[at % dims]! += values[at]! / rows;
  for (let at = 0; at < values.length; at++)
    deviation[at % dims]! += (values[at]! - mean[at % dims]!) ** 2 / rows;
  for (let column = 0; column < dims; column++) {
    // Compared by value: the mean of equal numbers may be off by a rounding, and its deviation then not 0.
    const isConstant = isConstantColumn(samples, column);
    if (isConstant) mean[column] = values[column]!;
    deviation[column] = isConstant ? 1 : Math.sqrt(deviation[column]!);
  }
  return { mean, deviation };
}

/**
 * (x - mean) / deviation for every value, as a new matrix of f64.
 * @throws SvmSamplesInvalid when the samples have another width than those it was fitted on.
 */
export function applyStandardisation(
  { mean, deviation }: Standardisation,
  samples: FeatureMatrix,
): FeatureMatrix {
  checkMatrix(samples, mean.length);
  const { rows, dims } = samples;
  const values = Float64Array.from(
    samples.values,
    (value, at) => (value - mean[at % dims]!) / deviation[at % dims]!,
  );
  return { rows, dims, values };
}

function isConstantColumn({ dims, values }: FeatureMatrix, column: number): boolean {
  for (let at = column; at < values.length; at += dims) if (values[at] !== values[column]) return false;
  return true;
}
