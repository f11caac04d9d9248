import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type FeatureMatrix, packRows } from '../../../adapters/svm/engine/samples.ts';
import { applyStandardisation, fitStandardisation } from '../../../adapters/svm/engine/standardise.ts';
import type { TrainingSet } from '../../../adapters/svm/engine/training-set.ts';

/** What scikit-learn found for one data set; see test/fixtures/reference/README.md. */
export interface ReferenceCase {
  C: number;
  gamma: number;
  classes: (string | number)[];
  accuracy: number;
  n_support: number;
  n_support_per_class: number[];
  n_iter_total: number;
  intercepts: number[];
  support_indices: number[] | null;
  predictions: (string | number)[];
}

/** A data set of the reference, ready for the engine. */
export interface ReferenceData {
  train: TrainingSet;
  test: FeatureMatrix;
  /** Class index of each test row. */
  truth: number[];
}

export type ReferenceName = 'digits' | 'iris' | 'wine' | 'breast_cancer' | 'fashion_over_255';

const FIXTURES = new URL('../../fixtures/', import.meta.url);

export function referenceCase(name: ReferenceName): ReferenceCase {
  return JSON.parse(read('reference/sklearn.json').toString()).svc[name];
}

export function referenceData(name: ReferenceName): ReferenceData {
  const { classes } = referenceCase(name);
  if (name === 'fashion_over_255') return fashion(classes.length);
  const { train, test } = name === 'digits' ? table('digits.csv.gz', classes) : table(`${name}.csv`, classes);
  const [trainSamples, testSamples] = [packRows(train.rows), packRows(test.rows)];
  const set = { classIndices: train.labels, classCount: classes.length };
  if (name === 'digits')
    return { train: { ...set, samples: trainSamples }, test: testSamples, truth: test.labels };
  const fitted = fitStandardisation(trainSamples);
  return {
    train: { ...set, samples: applyStandardisation(fitted, trainSamples) },
    test: applyStandardisation(fitted, testSamples),
    truth: test.labels,
  };
}

interface Part {
  rows: number[][];
  labels: number[];
}

function table(file: string, classes: (string | number)[]): { train: Part; test: Part } {
  const bytes = read(`reference/${file}`);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  const parts = { train: { rows: [], labels: [] } as Part, test: { rows: [], labels: [] } as Part };
  for (const line of text.trim().split('\n').slice(1)) {
    const [split, label, ...features] = line.split(',');
    const part = parts[split as 'train' | 'test'];
    part.rows.push(features.map(Number));
    part.labels.push(classes.map(String).indexOf(label!));
  }
  return parts;
}

function fashion(classCount: number): ReferenceData {
  return {
    train: { samples: images('train'), classIndices: labels('train'), classCount },
    test: images('test'),
    truth: labels('test'),
  };
}

/** Fashion-MNIST's IDX layout: big-endian magic, count, height, width, then bytes. */
function images(split: 'train' | 'test'): FeatureMatrix {
  const bytes = gunzipSync(read(`fashion/${split}-images-idx3-ubyte.gz`));
  const [rows, dims] = [bytes.readUInt32BE(4), bytes.readUInt32BE(8) * bytes.readUInt32BE(12)];
  return { rows, dims, values: Float64Array.from(bytes.subarray(16), (pixel) => pixel / 255) };
}

function labels(split: 'train' | 'test'): number[] {
  return [...gunzipSync(read(`fashion/${split}-labels-idx1-ubyte.gz`)).subarray(8)];
}

function read(path: string): Buffer {
  return readFileSync(new URL(path, FIXTURES));
}
