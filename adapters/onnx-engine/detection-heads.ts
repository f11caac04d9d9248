import type { Detection } from './boxes.ts';
import type { OutputTensor } from './session.ts';

/**
 * Layouts of a detector's output for one image.
 * - `yolov5`: rows of cx, cy, w, h in pixels, objectness, a score a class; all after the sigmoid.
 * - `yolov8`: the same without objectness, and transposed: `[4 + classes, n]`.
 * - `yolox`: rows as `yolov5`, boxes relative to the cells of strides 8, 16 and 32, in that order, and w, h as logarithms.
 * - `boxes`: rows of x1, y1, x2, y2, score, class in pixels, suppressed in the graph already.
 */
export type DetectionHead = 'yolov5' | 'yolov8' | 'yolox' | 'boxes';

export interface HeadOptions {
  /** Of the model's input, in pixels. */
  width: number;
  height: number;
  /** Candidates are surer than this. */
  minScore: number;
  /** Classes whose scores an object has; all numbers behind the box when missing. */
  classes?: number | undefined;
  /** Factors for boxes that are relative to the size of the input; missing for boxes in pixels. */
  relativeWidth?: number;
  relativeHeight?: number;
}

const YOLOX_STRIDES = [8, 16, 32] as const;
/** Rounding may lead a score this far out of 0..1. */
const SCORE_SLACK = 1e-3;
/** Boxes that all end before this, in pixels, are relative to the size of the input. */
const RELATIVE_END = 2;

/** An output that is not what its kind says. The adapter adds the name of the file. */
export class DetectionsMisread extends Error {
  readonly advice: string;
  constructor(problem: string, advice: string) {
    super(problem);
    this.advice = advice;
  }
}

/**
 * Objects of image `index` of a batch, in the model's order; the class is the surest one. `undefined` when a score, or a box that is
 * sure enough, is not a finite number.
 * @throws DetectionsMisread for scores outside 0..1, classes that are not whole numbers, and boxes that are relative
 */
export function findCandidates(
  head: DetectionHead,
  tensor: OutputTensor,
  index: number,
  options: HeadOptions,
): Detection[] | undefined {
  const reading = new Reading(options);
  if (head === 'boxes') readBoxes(reading, tensor, index);
  else if (head === 'yolov8') readColumns(reading, tensor, index, options);
  else readRows(reading, head, tensor, index, options);
  return reading.end();
}

/** Collects the objects of one image and checks their numbers. */
class Reading {
  readonly #options: HeadOptions;
  readonly #found: Detection[] = [];
  #isFinite = true;

  constructor(options: HeadOptions) {
    this.#options = options;
  }

  /** True for a score that is sure enough. @throws DetectionsMisread */
  isSure(score: number): boolean {
    if (score >= -SCORE_SLACK && score <= 1 + SCORE_SLACK) return score > this.#options.minScore;
    if (!Number.isFinite(score)) this.#isFinite = false;
    else
      throw new DetectionsMisread(
        `has the score ${score}, and scores are 0 to 1: it may contain scores before the sigmoid, or be a segmentation model, a pose model or one of oriented boxes`,
        'Export the model with its sigmoid, or set "classes" to its number of classes and the kind of the output to the one it was exported with.',
      );
    return false;
  }

  keep(cx: number, cy: number, w: number, h: number, score: number, classIndex: number): void {
    if (!this.isSure(score)) return;
    if (!Number.isFinite(cx + cy + w + h)) this.#isFinite = false;
    const { relativeWidth: x = 1, relativeHeight: y = 1 } = this.#options;
    const [left, top, right, bottom] = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
    this.#found.push({
      left: left * x,
      top: top * y,
      right: right * x,
      bottom: bottom * y,
      score: Math.min(1, score),
      classIndex,
    });
  }

  end(): Detection[] | undefined {
    if (!this.#isFinite) return undefined;
    const { width, height, relativeWidth } = this.#options;
    const isTiny = this.#found.every(({ right, bottom }) => right < RELATIVE_END && bottom < RELATIVE_END);
    if (this.#found.length > 0 && isTiny && relativeWidth === undefined && Math.min(width, height) >= 32)
      throw new DetectionsMisread(
        `has all boxes within ${RELATIVE_END} pixels of the corner: they seem to be relative to the size of the input`,
        'Set "relative": true for the output, or export it with boxes in pixels.',
      );
    return this.#found;
  }
}

function readBoxes(reading: Reading, { data, dims }: OutputTensor, index: number): void {
  const [, rows, columns] = dims as [number, number, number];
  const start = index * rows * columns;
  for (let at = start; at < start + rows * columns; at += columns) {
    const [x1, y1, x2, y2] = [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!];
    const [score, classIndex] = [data[at + 4]!, data[at + 5]!];
    // Padding of graphs with a fixed number of rows.
    if (score === -1 || !reading.isSure(score)) continue;
    if (!(Number.isInteger(classIndex) && classIndex >= 0))
      throw new DetectionsMisread(
        `has the class ${classIndex}, and classes are whole numbers from 0`,
        'The kind boxes has rows of x1, y1, x2, y2, score, class. Set the kind of the output to the one the model was exported with.',
      );
    reading.keep((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, score, classIndex);
  }
}

function readColumns(
  reading: Reading,
  { data, dims }: OutputTensor,
  index: number,
  { classes }: HeadOptions,
): void {
  const [, columns, rows] = dims as [number, number, number];
  const start = index * columns * rows;
  for (let row = 0; row < rows; row += 1) {
    const at = start + row;
    const best = surest(data, at + 4 * rows, classes ?? columns - 4, rows);
    reading.isSure(best.least);
    reading.keep(
      data[at]!,
      data[at + rows]!,
      data[at + 2 * rows]!,
      data[at + 3 * rows]!,
      best.most,
      best.place,
    );
  }
}

function readRows(
  reading: Reading,
  head: DetectionHead,
  { data, dims }: OutputTensor,
  index: number,
  options: HeadOptions,
): void {
  const [, rows, columns] = dims as [number, number, number];
  const start = index * rows * columns;
  const cells = head === 'yolox' ? cellsOf(options) : undefined;
  for (let row = 0; row < rows; row += 1) {
    const at = start + row * columns;
    const objectness = data[at + 4]!;
    if (!reading.isSure(objectness)) continue;
    const best = surest(data, at + 5, options.classes ?? columns - 5, 1);
    reading.isSure(best.least);
    reading.isSure(best.most);
    const [cx, cy, w, h] = [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!];
    const score = objectness * best.most;
    const cell = cells?.[row];
    if (!cell) reading.keep(cx, cy, w, h, score, best.place);
    else {
      const [x, y, stride] = cell;
      reading.keep(
        (cx + x) * stride,
        (cy + y) * stride,
        Math.exp(w) * stride,
        Math.exp(h) * stride,
        score,
        best.place,
      );
    }
  }
}

/** The first of the largest numbers, and the smallest one; both NaN where one of the numbers is. */
function surest(
  data: ArrayLike<number>,
  from: number,
  count: number,
  step: number,
): { place: number; most: number; least: number } {
  let place = 0;
  let [most, least] = [data[from]!, data[from]!];
  for (let index = 1; index < count; index += 1) {
    const value = data[from + index * step]!;
    if (value > most) {
      most = value;
      place = index;
    } else if (value < least) least = value;
    else if (Number.isNaN(value)) return { place, most: value, least: value };
  }
  return { place, most, least };
}

/** Column, row and stride of the cell each row of a YOLOX output belongs to. */
export function cellsOf({
  width,
  height,
}: Pick<HeadOptions, 'width' | 'height'>): [number, number, number][] {
  return YOLOX_STRIDES.flatMap((stride) => {
    const [columns, rows] = [Math.floor(width / stride), Math.floor(height / stride)];
    return Array.from({ length: rows * columns }, (_, index): [number, number, number] => [
      index % columns,
      Math.floor(index / columns),
      stride,
    ]);
  });
}
