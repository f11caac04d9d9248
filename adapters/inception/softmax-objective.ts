/** Feature vectors with the class of each. */
export interface FeatureTable {
  /** Row by row, `[rows, dims]`. */
  readonly features: Float32Array;
  readonly classes: Int32Array;
  readonly dims: number;
  readonly classCount: number;
}

/**
 * Multinomial logistic regression as scikit-learn's LogisticRegression has it: C * sum of log losses + half the squared weights;
 * the intercepts are not held down. Parameters are `[classCount, dims]` weights, then `[classCount]` intercepts.
 * Sums run in one fixed order: the same table gives the same bits.
 */
export class SoftmaxObjective {
  readonly size: number;
  readonly #table: FeatureTable;
  readonly #cost: number;

  constructor(table: FeatureTable, cost: number) {
    this.#table = table;
    this.#cost = cost;
    this.size = table.classCount * (table.dims + 1);
  }

  /** The value at `parameters`; its slope is written into `gradient`. */
  evaluate(parameters: Float64Array, gradient: Float64Array): number {
    const { features, classes, dims, classCount } = this.#table;
    const intercepts = classCount * dims;
    let loss = 0;
    gradient.fill(0);
    const logits = new Float64Array(classCount);
    for (let row = 0; row < classes.length; row += 1) {
      const at = row * dims;
      let most = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < classCount; k += 1) {
        const logit = parameters[intercepts + k]! + dot(parameters, k * dims, features, at, dims);
        logits[k] = logit;
        if (logit > most) most = logit;
      }
      let sum = 0;
      for (let k = 0; k < classCount; k += 1) sum += Math.exp(logits[k]! - most);
      const own = classes[row]!;
      loss += Math.log(sum) + most - logits[own]!;
      for (let k = 0; k < classCount; k += 1) {
        const pull = Math.exp(logits[k]! - most) / sum - (k === own ? 1 : 0);
        gradient[intercepts + k]! += pull;
        const from = k * dims;
        for (let j = 0; j < dims; j += 1) gradient[from + j]! += pull * features[at + j]!;
      }
    }
    let squares = 0;
    for (let index = 0; index < this.size; index += 1) {
      const isWeight = index < intercepts;
      gradient[index] = this.#cost * gradient[index]! + (isWeight ? parameters[index]! : 0);
      if (isWeight) squares += parameters[index]! ** 2;
    }
    return this.#cost * loss + squares / 2;
  }
}

/** Four sums side by side, which the processor adds at once. */
function dot(a: Float64Array, from: number, b: Float32Array, at: number, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let j = 0;
  for (; j + 3 < length; j += 4) {
    s0 += a[from + j]! * b[at + j]!;
    s1 += a[from + j + 1]! * b[at + j + 1]!;
    s2 += a[from + j + 2]! * b[at + j + 2]!;
    s3 += a[from + j + 3]! * b[at + j + 3]!;
  }
  for (; j < length; j += 1) s0 += a[from + j]! * b[at + j]!;
  return s0 + s1 + (s2 + s3);
}
