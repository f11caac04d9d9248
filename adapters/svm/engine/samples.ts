import { SvmSamplesInvalid } from '../errors.ts';

/** Samples in one block: `values` is [rows, dims], row-major. The engine computes with them as f32. */
export interface FeatureMatrix {
  readonly rows: number;
  readonly dims: number;
  readonly values: Float32Array | Float64Array;
}

/** The largest feature magnitude taken: squares and their sums then stay inside f32. */
export const MAX_FEATURE = 1e15;

/**
 * Packs rows into a matrix of f64.
 * @throws SvmSamplesInvalid for no rows, no features, ragged rows, NaN, Infinity or a value beyond `MAX_FEATURE`.
 */
export function packRows(rows: readonly ArrayLike<number>[]): FeatureMatrix {
  const dims = rows[0]?.length ?? 0;
  const values = new Float64Array(rows.length * dims);
  rows.forEach((row, index) => {
    if (row.length !== dims) throw raggedRow(index, row.length, dims);
    values.set(row, index * dims);
  });
  const matrix = { rows: rows.length, dims, values };
  checkMatrix(matrix);
  return matrix;
}

/**
 * Checks what the types cannot say about a matrix.
 * @param dims the width a model was trained with, when there is one.
 * @throws SvmSamplesInvalid naming the row and column of the first fault.
 */
export function checkMatrix(matrix: FeatureMatrix, dims = matrix.dims): void {
  if (matrix.rows < 1 || matrix.dims < 1) throw noSamples(matrix);
  if (matrix.dims !== dims) throw otherWidth(matrix.dims, dims);
  if (matrix.values.length !== matrix.rows * matrix.dims) throw otherLength(matrix);
  const { values } = matrix;
  for (let at = 0; at < values.length; at++) {
    // Written so that NaN fails too.
    if (!(Math.abs(values[at]!) <= MAX_FEATURE)) throw badValue(matrix, at);
  }
}

/** Copies rows of a matrix to rows `stride` floats apart; what lies behind the features is left as it is. */
export function copyRow(from: FeatureMatrix, row: number, to: Float32Array, at: number): void {
  const start = row * from.dims;
  to.set(from.values.subarray(start, start + from.dims), at);
}

function noSamples({ rows, dims }: FeatureMatrix): SvmSamplesInvalid {
  const problem = rows < 1 ? 'there are none' : 'they have no features';
  return new SvmSamplesInvalid(problem, 'Check the filter and the partition that select the items.', {
    rows,
    dims,
  });
}

function raggedRow(row: number, found: number, expected: number): SvmSamplesInvalid {
  const problem = `row ${row} has ${found} features, row 0 has ${expected}`;
  return new SvmSamplesInvalid(problem, 'Give every row the same number of features.', {
    row,
    found,
    expected,
  });
}

function otherWidth(found: number, expected: number): SvmSamplesInvalid {
  const problem = `they have ${found} features, the model was trained with ${expected}`;
  return new SvmSamplesInvalid(problem, 'Extract features as for the training.', { found, expected });
}

function otherLength({ rows, dims, values }: FeatureMatrix): SvmSamplesInvalid {
  const problem = `${rows} rows of ${dims} features need ${rows * dims} values, ${values.length} were given`;
  return new SvmSamplesInvalid(problem, 'Give every row the same number of features.', {
    rows,
    dims,
    values: values.length,
  });
}

function badValue({ dims, values }: FeatureMatrix, at: number): SvmSamplesInvalid {
  const [row, column] = [Math.floor(at / dims), at % dims];
  const problem = `row ${row}, feature ${column} is ${values[at]}`;
  const advice = `Features must be finite and at most ${MAX_FEATURE}: fill missing values, drop the row, or rescale.`;
  return new SvmSamplesInvalid(problem, advice, { row, column, value: String(values[at]) });
}
