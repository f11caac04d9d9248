import { OnnxSignatureDiffers } from './errors.ts';
import type { Quantisation } from './model-facts.ts';
import { openNumbers } from './output-numbers.ts';
import { rowOf, sizeOfRow } from './rows.ts';
import type { OnnxSession, OutputTensor } from './session.ts';
import { softmax } from './softmax.ts';
import type { Port } from './tensor-data.ts';

/**
 * Meaning of an output's numbers.
 * - `probabilities`: a number 0..1 per class, with the sum 1.
 * - `logits`: the same before the softmax.
 * - `scores`: a number 0..1 per class, each by itself, as of a sigmoid with several labels per item.
 * - `binary`: one number 0..1, the probability of the second of two classes.
 * - `binary_logits`: the same before the sigmoid.
 */
export const CLASS_KINDS = ['probabilities', 'logits', 'scores', 'binary', 'binary_logits'] as const;
export type ClassKind = (typeof CLASS_KINDS)[number];

export function isClassKind(kind: string): kind is ClassKind {
  return (CLASS_KINDS as readonly string[]).includes(kind);
}

/** Rounding, as of float16, may lead a number this far out of 0..1. */
const RANGE_SLACK = 1e-3;
/** Distance of the sum of probabilities from 1 that rounding may explain. */
const SUM_SLACK = 0.01;
/** Numbers this near to probabilities are not logits. */
const EXACT_SUM_SLACK = 1e-5;

export interface ClassQuestion {
  session: Pick<OnnxSession, 'file' | 'outputs' | 'facts'>;
  port: Port;
  kind: ClassKind;
  /** Name of the setting that contains the kind, for advice. */
  setting: string;
  quantisation?: Quantisation | undefined;
}

export interface ClassScores {
  /** Undefined where the model leaves it open. */
  readonly classes: number | undefined;
  /**
   * Confidence by class, 0..1; `undefined` when the model gave NaN or Infinity for image `index`.
   * @throws OnnxSignatureDiffers for numbers that are not of the kind
   */
  read(tensor: OutputTensor, index: number): Float64Array | undefined;
}

/** @throws OnnxSignatureDiffers for an output that cannot be of the kind */
export function openClassScores(question: ClassQuestion): ClassScores {
  const { session, port, kind, quantisation } = question;
  const numbers = openNumbers(session, port, quantisation);
  const isBinary = kind === 'binary' || kind === 'binary_logits';
  checkShape(question, isBinary);
  checkActivation(question);
  const columns = sizeOfRow(port.shape);
  return {
    classes: isBinary ? 2 : columns,
    read(tensor, index) {
      const { tensor: readable, index: at } = numbers(tensor, index);
      const row = Float64Array.from(rowOf(readable, at));
      if (isBinary !== (row.length === 1)) refuseColumns(question, isBinary, row.length);
      if (row.length === 0 || row.some((value) => Number.isNaN(value) || value === Number.POSITIVE_INFINITY))
        return undefined;
      if (kind === 'logits') return fromLogits(question, row);
      if (kind === 'binary_logits') return bothClasses(1 / (1 + Math.exp(-row[0]!)));
      if (row.includes(Number.NEGATIVE_INFINITY)) return undefined;
      checkRange(question, row);
      const within = row.map((value) => Math.min(1, Math.max(0, value)));
      return isBinary ? bothClasses(within[0]!) : within;
    },
  };
}

function bothClasses(probability: number): Float64Array {
  return Float64Array.of(1 - probability, probability);
}

function fromLogits(question: ClassQuestion, row: Float64Array): Float64Array | undefined {
  if (row.every((value) => value === Number.NEGATIVE_INFINITY)) return undefined;
  const isSure = row.every((value) => value >= 0 && value <= 1);
  if (isSure && Math.abs(sumOf(row) - 1) < EXACT_SUM_SLACK)
    refuse(question, 'has numbers 0 to 1 with the sum 1, which are probabilities already', 'probabilities');
  return softmax(row);
}

function checkRange(question: ClassQuestion, row: Float64Array): void {
  const { kind } = question;
  const wrong = row.find((value) => !(value >= -RANGE_SLACK && value <= 1 + RANGE_SLACK));
  if (wrong !== undefined) {
    const other = kind === 'binary' ? 'binary_logits' : 'logits';
    refuse(question, `has the number ${shortened(wrong)}, and ${kind} are 0 to 1`, other);
  }
  const sum = sumOf(row);
  if (kind === 'probabilities' && Math.abs(sum - 1) > SUM_SLACK)
    refuse(
      question,
      `has numbers with the sum ${shortened(sum)}, and probabilities have the sum 1`,
      'scores',
      ' if each class is scored by itself, or "logits" if they are before the softmax',
    );
}

/** All dimensions but the batch's and one are 1. */
function checkShape(question: ClassQuestion, isBinary: boolean): void {
  const { session, port } = question;
  const wide = port.shape.slice(1).filter((size) => size !== 1);
  if (port.shape.length === 0 || wide.length > 1)
    throw new OnnxSignatureDiffers(
      session.file,
      `its output ${port.name} is [${port.shape.join(', ')}], and ${question.kind} are [items, classes]`,
      `Set the ${JSON.stringify(question.setting)} of the output to what it is: yolov5, yolov8, yolox or boxes for a detector, tensor for anything else.`,
    );
  const columns = sizeOfRow(port.shape);
  if (columns !== undefined && isBinary !== (columns === 1)) refuseColumns(question, isBinary, columns);
}

function refuseColumns(question: ClassQuestion, isBinary: boolean, columns: number): never {
  const { kind } = question;
  if (isBinary)
    return refuse(
      question,
      `has ${columns} numbers per item, and ${kind} has one`,
      kind === 'binary' ? 'probabilities' : 'logits',
    );
  return refuse(
    question,
    'has one number per item, and not one per class',
    kind === 'logits' ? 'binary_logits' : 'binary',
    ': it is then the score of the second of two classes',
  );
}

/** Compares the kind with the graph's last function: a softmax or sigmoid must not be applied twice. */
function checkActivation(question: ClassQuestion): void {
  const { session, port, kind } = question;
  const activation = session.facts.outputs.get(port.name)?.activation;
  if (kind === 'logits' && activation)
    refuse(
      question,
      `ends in a ${activation}, so that it has no logits`,
      activation === 'softmax' ? 'probabilities' : 'scores',
    );
  if (kind === 'binary_logits' && activation === 'sigmoid')
    refuse(question, 'ends in a sigmoid, so that it has no logits', 'binary');
}

function refuse(
  { session: { file }, port, setting }: ClassQuestion,
  problem: string,
  kind: ClassKind,
  rest = '',
): never {
  throw new OnnxSignatureDiffers(
    file,
    `its output ${port.name} ${problem}`,
    `Set "${setting}": "${kind}" for the output${rest}.`,
  );
}

function sumOf(row: Float64Array): number {
  return row.reduce((sum, value) => sum + value, 0);
}

function shortened(value: number): string {
  return String(Number(value.toPrecision(6)));
}
