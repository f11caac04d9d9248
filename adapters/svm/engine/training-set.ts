import { SvmLabelsInvalid, SvmSamplesInvalid } from '../errors.ts';
import type { Span } from './class-rows.ts';
import { checkMatrix, type FeatureMatrix } from './samples.ts';
import { MAX_CLASSES } from './svm-model.ts';

/** Largest factor on C for one sample. */
export const MAX_ROW_WEIGHT = 1e6;

/** Samples with the class of each. */
export interface TrainingSet {
  readonly samples: FeatureMatrix;
  /** [rows]: index of each row's class in the caller's sorted list of labels, 0..classCount-1. */
  readonly classIndices: ArrayLike<number>;
  readonly classCount: number;
  /** [rows]: factor on C for each row, above 0. Missing: 1 for all. */
  readonly rowWeights?: ArrayLike<number> | undefined;
}

/** The rows of a training set in the order of their classes. */
export interface Grouping {
  /** Training row at each grouped position; ascending within a class. */
  readonly order: Int32Array;
  /** Grouped positions of each class. */
  readonly spans: readonly Span[];
}

/**
 * Checks a training set and groups its rows by class.
 * @throws SvmSamplesInvalid for unusable features.
 * @throws SvmLabelsInvalid for fewer than two classes or more than `MAX_CLASSES`, a class without rows, or a class index out of range.
 */
export function groupByClass(set: TrainingSet): Grouping {
  checkMatrix(set.samples);
  checkLabels(set);
  checkWeights(set);
  const counts = countRows(set);
  const spans: Span[] = [];
  let start = 0;
  for (const count of counts) {
    spans.push({ start, count });
    start += count;
  }
  const next = spans.map((span) => span.start);
  const order = new Int32Array(set.samples.rows);
  for (let row = 0; row < order.length; row++) order[next[set.classIndices[row]!]!++] = row;
  return { order, spans };
}

function checkLabels({ samples, classIndices, classCount }: TrainingSet): void {
  if (classIndices.length !== samples.rows) {
    throw new SvmLabelsInvalid(
      `there are ${classIndices.length} labels for ${samples.rows} samples`,
      'Give every sample one label.',
      { labels: classIndices.length, samples: samples.rows },
    );
  }
  if (!Number.isInteger(classCount) || classCount < 2) {
    throw new SvmLabelsInvalid(
      `there is ${classCount === 1 ? 'one class only' : `a class count of ${classCount}`}`,
      'A classifier needs samples of at least two classes; check the labels and the partition.',
      { classCount: String(classCount) },
    );
  }
  if (classCount > MAX_CLASSES) {
    throw new SvmLabelsInvalid(
      `there are ${classCount} classes, ${MAX_CLASSES} are the most`,
      'A classifier wants names, not measurements: check that the label is not a running number.',
      { classCount, maxClasses: MAX_CLASSES },
    );
  }
  for (let row = 0; row < classIndices.length; row++) {
    const index = classIndices[row]!;
    if (Number.isInteger(index) && index >= 0 && index < classCount) continue;
    throw new SvmLabelsInvalid(
      `row ${row} has class index ${index}, classes are 0..${classCount - 1}`,
      'Give class indices that point into the list of labels.',
      { row, classIndex: String(index), classCount },
    );
  }
}

function checkWeights({ samples, rowWeights }: TrainingSet): void {
  if (rowWeights === undefined) return;
  if (rowWeights.length !== samples.rows)
    throw new SvmSamplesInvalid(
      `there are ${rowWeights.length} weights for ${samples.rows} samples`,
      'Give every sample one weight, or none any.',
      { weights: rowWeights.length, samples: samples.rows },
    );
  for (let row = 0; row < rowWeights.length; row++)
    if (!(rowWeights[row]! > 0 && rowWeights[row]! <= MAX_ROW_WEIGHT))
      throw new SvmSamplesInvalid(
        `the weight of row ${row} is ${rowWeights[row]}`,
        `Weights are above 0 and at most ${MAX_ROW_WEIGHT}: leave samples out that are not to count.`,
        { row, weight: String(rowWeights[row]) },
      );
}

function countRows({ classIndices, classCount }: TrainingSet): Int32Array {
  const counts = new Int32Array(classCount);
  for (let row = 0; row < classIndices.length; row++) counts[classIndices[row]!]!++;
  const empty = counts.indexOf(0);
  if (empty < 0) return counts;
  throw new SvmLabelsInvalid(
    `class ${empty} has no samples`,
    'Leave unused labels out of the list, or add samples of this class to the training partition.',
    { classIndex: empty },
  );
}
