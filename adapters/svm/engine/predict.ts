import { classProbabilities } from './class-probabilities.ts';
import { confidencesOf } from './confidence.ts';
import { checkMatrix, copyRow, type FeatureMatrix } from './samples.ts';
import { pairCountOf, type SvmModel } from './svm-model.ts';
import { doublesOf, KernelEngine, paddedLength, type Region } from './wasm-kernel.ts';

/** What a model says about n samples. */
export interface Predictions {
  /** [n]: the class with most votes; of several, the first. */
  readonly classIndex: Int32Array;
  /** [n, k]: pairs won by each class. */
  readonly votes: Int32Array;
  /** [n, pairs]: signed distance of each pair's decision, in units of its margin; positive for the pair's first class. */
  readonly decisions: Float64Array;
  /** [n, k] in 0..1: see `confidencesOf`. Not a probability. */
  readonly confidences: Float64Array;
  /** [n, k], rows sum to 1: see `classProbabilities`. Missing when the model learned none. */
  readonly probabilities?: Float64Array;
}

/** Samples whose kernel values are computed together: enough to use a cached support vector well. */
const TILE_SAMPLES = 64;

/**
 * A model ready to predict: its support vectors stay in the memory of one WebAssembly instance.
 * Every sample is computed by itself, so a batch gives bit by bit what its samples give one at a time.
 */
export class Predictor {
  readonly model: SvmModel;
  readonly #engine: KernelEngine;
  readonly #stride: number;
  readonly #vectors: Region;
  readonly #coefficients: Region;
  readonly #tile: Region;
  readonly #kernelValues: Region;
  /** [TILE_SAMPLES, k, k-1] f64: for each class, its support vectors' part of the sums it takes part in. */
  readonly #sums: Region;

  /** @throws SvmTooLarge when the support vectors do not fit in memory. */
  constructor(model: SvmModel) {
    const { classCount, dims, coefficients } = model;
    const supportCount = model.supportIndices.length;
    this.model = model;
    this.#stride = paddedLength(dims);
    this.#engine = new KernelEngine(model.kernel, this.#stride, [
      supportCount * this.#stride,
      2 * coefficients.length,
      TILE_SAMPLES * this.#stride,
      TILE_SAMPLES * supportCount,
      2 * TILE_SAMPLES * classCount * (classCount - 1),
    ]);
    const [vectors, weights, tile, kernelValues, sums] = this.#engine.regions as [
      Region,
      Region,
      Region,
      Region,
      Region,
    ];
    [this.#vectors, this.#coefficients, this.#tile, this.#kernelValues, this.#sums] = [
      vectors,
      weights,
      tile,
      kernelValues,
      sums,
    ];
    const rows = { rows: supportCount, dims, values: model.supportVectors };
    for (let s = 0; s < supportCount; s++) copyRow(rows, s, vectors.values, s * this.#stride);
    doublesOf(weights).set(coefficients);
  }

  /**
   * @param samples any number of rows with the model's number of features.
   * @throws SvmSamplesInvalid for another width, no rows, NaN or Infinity.
   */
  predict(samples: FeatureMatrix): Predictions {
    checkMatrix(samples, this.model.dims);
    const pairs = pairCountOf(this.model.classCount);
    const decisions = new Float64Array(samples.rows * pairs);
    for (let from = 0; from < samples.rows; from += TILE_SAMPLES) {
      const count = Math.min(TILE_SAMPLES, samples.rows - from);
      this.#computeSums(samples, from, count);
      this.#writeDecisions(decisions.subarray(from * pairs, (from + count) * pairs));
    }
    return vote(samples.rows, decisions, this.model);
  }

  #computeSums(samples: FeatureMatrix, from: number, count: number): void {
    for (let s = 0; s < count; s++) copyRow(samples, from + s, this.#tile.values, s * this.#stride);
    const { classCount, supportPerClass, supportIndices } = this.model;
    const supportCount = supportIndices.length;
    this.#engine.compute({
      samples: this.#tile,
      firstSample: 0,
      sampleCount: count,
      rows: this.#vectors,
      firstRow: 0,
      rowCount: supportCount,
      out: this.#kernelValues,
      firstOut: 0,
      outStride: supportCount,
    });
    let start = 0;
    supportPerClass.forEach((size, classIndex) => {
      this.#engine.sum({
        values: this.#kernelValues,
        firstValue: start,
        valueStride: supportCount,
        sampleCount: count,
        coefficients: this.#coefficients,
        firstCoefficient: start,
        coefficientStride: supportCount,
        rowCount: classCount - 1,
        count: size,
        out: this.#sums,
        firstOut: classIndex * (classCount - 1),
        outStride: classCount * (classCount - 1),
      });
      start += size;
    });
  }

  /** Adds up both classes' parts of every pair, for the samples of the tile. */
  #writeDecisions(decisions: Float64Array): void {
    const { classCount, rho } = this.model;
    const sums = doublesOf(this.#sums);
    const width = classCount - 1;
    let at = 0;
    for (let base = 0; at < decisions.length; base += classCount * width) {
      let pair = 0;
      for (let i = 0; i < classCount; i++) {
        for (let j = i + 1; j < classCount; j++) {
          decisions[at++] = sums[base + i * width + j - 1]! + sums[base + j * width + i]! - rho[pair++]!;
        }
      }
    }
  }
}

/** Predicts once. Whoever predicts again keeps a `Predictor`. */
export function predict(model: SvmModel, samples: FeatureMatrix): Predictions {
  return new Predictor(model).predict(samples);
}

/** One against one: each pair gives its vote to one of its two classes. */
function vote(rows: number, decisions: Float64Array, { classCount, sigmoids }: SvmModel): Predictions {
  const votes = new Int32Array(rows * classCount);
  const classIndex = new Int32Array(rows);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    const base = row * classCount;
    for (let i = 0; i < classCount; i++) {
      for (let j = i + 1; j < classCount; j++) votes[base + (decisions[at++]! > 0 ? i : j)]!++;
    }
    classIndex[row] = firstMaximum(votes, base, classCount);
  }
  return {
    classIndex,
    votes,
    decisions,
    confidences: confidencesOf(decisions, votes, classCount),
    ...(sigmoids && { probabilities: classProbabilities(decisions, sigmoids, classCount) }),
  };
}

/** As libsvm resolves ties. */
function firstMaximum(votes: Int32Array, base: number, classCount: number): number {
  let best = 0;
  for (let c = 1; c < classCount; c++) if (votes[base + c]! > votes[base + best]!) best = c;
  return best;
}
